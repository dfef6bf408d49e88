"""How wide a text is and where it breaks, without a font library."""

from __future__ import annotations

import dataclasses

#: widths in thousandths of the font size, of a system sans-serif on the wide side
_NARROW = dict.fromkeys("iljI.,:;'|!", 290) | dict.fromkeys('ftr()[]{}/\\-" `', 380)
_WIDE = dict.fromkeys("mwMW@%", 900) | dict.fromkeys("ABCDEFGHJKLNOPQRSTUVXYZ&+<>=~", 690)
_WIDTHS = _NARROW | _WIDE
_USUAL = 570
#: scripts with square letters (Chinese, Japanese, Korean) and emoji begin about here
_SQUARE_FROM = 0x2E80


@dataclasses.dataclass(frozen=True, slots=True)
class Box:
    """A rectangle, by its upper left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def center(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2

    def overlaps(self, other: Box, gap: float = 0) -> bool:
        return (
            self.x < other.right + gap
            and other.x < self.right + gap
            and self.y < other.bottom + gap
            and other.y < self.bottom + gap
        )

    def moved(self, dx: float, dy: float) -> Box:
        return Box(self.x + dx, self.y + dy, self.width, self.height)


@dataclasses.dataclass(frozen=True, slots=True)
class Text:
    """Lines of text in their place."""

    lines: tuple[str, ...]
    box: Box
    #: start, middle or end, as in SVG
    anchor: str = "middle"
    #: smaller lines below
    notes: tuple[str, ...] = ()

    def moved(self, dx: float, dy: float) -> Text:
        return dataclasses.replace(self, box=self.box.moved(dx, dy))


def text_width(text: str, size: float) -> float:
    """The width in px of one line, estimated, rather too wide than too narrow."""
    return sum(1000 if ord(c) >= _SQUARE_FROM else _WIDTHS.get(c, _USUAL) for c in text) * size / 1000


def wrap(text: str, width: float, size: float, max_lines: int) -> tuple[str, ...]:
    """Break a text into lines of at most `width` px; what is too much ends in an ellipsis."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        for part in _parts(word, width, size):
            joined = f"{line} {part}" if line else part
            if line and text_width(joined, size) > width:
                lines.append(line)
                line = part
            else:
                line = joined
    lines.append(line)
    if len(lines) > max_lines:
        lines = [*lines[: max_lines - 1], shortened(lines[max_lines - 1], width, size, always=True)]
    return tuple(lines)


def _parts(word: str, width: float, size: float) -> list[str]:
    """A word that is wider than a line, cut; best after an underscore, a dot or a hyphen."""
    parts = []
    while text_width(word, size) > width and len(word) > 1:
        fits = next(n for n in range(len(word), 0, -1) if n == 1 or text_width(word[:n], size) <= width)
        soft = max((word.rfind(c, 1, fits) for c in "_.-/"), default=-1) + 1
        cut = soft if soft > fits // 2 else fits
        parts.append(word[:cut])
        word = word[cut:]
    return [*parts, word]


def shortened(line: str, width: float, size: float, *, always: bool = False) -> str:
    """A line of at most `width` px, with an ellipsis where something is left out.

    Args:
        always: something is left out already.
    """
    if not always and text_width(line, size) <= width:
        return line
    while line and text_width(line + "…", size) > width:
        line = line[:-1]
    return line.rstrip() + "…"


def block_size(lines: tuple[str, ...], size: float, line_height: float) -> tuple[float, float]:
    """Width and height in px of wrapped lines."""
    return max((text_width(line, size) for line in lines), default=0), len(lines) * line_height


def printable(text: str) -> str:
    """Without the control characters that XML cannot carry."""
    return "".join(" " if _is_control(c) else c for c in text)


def _is_control(c: str) -> bool:
    return (c < " " and c not in "\n\t") or "\ud800" <= c <= "\udfff" or c in "\ufffe\uffff"
