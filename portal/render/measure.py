"""Computes how much room a node needs, before the layout places it."""

from __future__ import annotations

import dataclasses
from typing import Any

from .geometry import Point
from .shapes import shape_of
from .text import Box, block_size, wrap
from .words import caption, label, notes

#: font size and line height in px
TASK_FONT = (12.5, 16.0)
TITLE_FONT = (12.0, 15.0)
EDGE_FONT = (11.5, 14.0)
NOTE_FONT = (10.5, 13.0)
#: below the title of a task: who has it, since when
STATE_FONT = (11.5, 14.0)
TASK_WIDTH, TASK_HEIGHT = 128.0, 64.0
GATEWAY, EVENT, BOUNDARY = 44.0, 36.0, 30.0
TITLE_WIDTH = 104.0
LABEL_WIDTH = 150.0
_NOTE_WIDTH = 118.0
#: a boundary event's title stands right of its way out
_BOUNDARY_TITLE_WIDTH = 78.0
_BOUNDARY_PITCH = 108.0

Size = tuple[float, float]


@dataclasses.dataclass(frozen=True, slots=True)
class BoundaryMeasure:
    name: str
    #: right of the host's middle
    offset: float
    title: tuple[str, ...]
    title_size: Size


@dataclasses.dataclass(frozen=True, slots=True)
class Measure:
    symbol: Size
    #: width of the symbol with all that belongs to it, and its height above and below the middle
    width: float
    reach: Size
    title: tuple[str, ...]
    notes: tuple[str, ...]
    #: of the title and the notes below it
    title_size: Size
    #: the title stands in the symbol, this much below its middle
    inside: bool = False
    shift: float = 0.0
    boundaries: tuple[BoundaryMeasure, ...] = ()
    #: edges may leave above and below at once: the title has room beside them
    wide: bool = False

    def room_at(self, middle: Point) -> Box:
        """All of it, in its place."""
        above, below = self.reach
        return Box(middle[0] - self.width / 2, middle[1] - above, self.width, above + below)

    def offset_of(self, boundary: str) -> float:
        """How far right of the middle a boundary event sits."""
        return next(item.offset for item in self.boundaries if item.name == boundary)


def measure(node: Any) -> Measure:
    """The room of one node that is not a boundary event."""
    form = shape_of(node).form
    return _task(node) if form == "task" else _titled(node, GATEWAY if form == "gateway" else EVENT)


def label_lines(edge: Any) -> tuple[str, ...]:
    text = label(edge)
    return wrap(text, LABEL_WIDTH, EDGE_FONT[0], 3) if text else ()


def _task(node: Any) -> Measure:
    boundaries = node.boundaries
    width = max(TASK_WIDTH, len(boundaries) * _BOUNDARY_PITCH)
    lines = wrap(caption(node), width - 16, TASK_FONT[0], 4)
    said, title_size = _with_notes(node, lines, TASK_FONT, width - 12)
    shape = shape_of(node)
    # the symbol in the corner and the markers at the bottom keep lines of their own, unless one line fits between
    below = (18 if shape.markers else 8) + (8 if boundaries else 0)
    between = len(lines) + len(said) == 1 and below == 8
    above = 22 if shape.symbol and not between else 8
    height = max(TASK_HEIGHT, title_size[1] + STATE_FONT[1] + above + below)
    shift = (above - below) / 2
    attached = tuple(_boundary(item, i, len(boundaries)) for i, item in enumerate(boundaries))
    hanging = max((BOUNDARY / 2 + 4 + item.title_size[1] for item in attached), default=0)
    reach = (height / 2, height / 2 + hanging)
    symbol = (width, height)
    return Measure(
        symbol, width, reach, lines, said, title_size, inside=True, shift=shift, boundaries=attached
    )


def _with_notes(
    node: Any, lines: tuple[str, ...], font: tuple[float, float], width: float
) -> tuple[tuple[str, ...], Size]:
    """The notes of a node in lines, and the size of its title with them."""
    said = tuple(line for note in notes(node) for line in wrap(note, width, NOTE_FONT[0], 3))
    title, below = block_size(lines, *font), block_size(said, *NOTE_FONT)
    return said, (max(title[0], below[0]), title[1] + below[1])


def _boundary(node: Any, index: int, count: int) -> BoundaryMeasure:
    lines = wrap(caption(node), _BOUNDARY_TITLE_WIDTH, TITLE_FONT[0], 3)
    offset = (index - count / 2) * max(_BOUNDARY_PITCH, TASK_WIDTH / count) + 24
    return BoundaryMeasure(node.name, offset, lines, block_size(lines, *TITLE_FONT))


def _titled(node: Any, side: float) -> Measure:
    lines = wrap(caption(node), TITLE_WIDTH, TITLE_FONT[0], 3)
    said, (width, height) = _with_notes(node, lines, TITLE_FONT, _NOTE_WIDTH)
    wide = side == GATEWAY and len(node.outgoing) > 2
    room = max(side, 2 * (width + 14) if wide else width)
    # the title stands above or below, where the edges leave room
    reach = side / 2 + height + 6
    return Measure((side, side), room, (reach, reach), lines, said, (width, height), wide=wide)
