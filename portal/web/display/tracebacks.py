"""Shortens a stored traceback for people: an author's frames, and how many of the libraries lie between them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from portal.engine.failures import is_library, short

_FRAME = re.compile(r'^  File "(?P<file>[^"\n]*)", line (?P<line>\d+)(?P<rest>.*)$')


class Part(NamedTuple):
    """Some lines of a traceback.

    Attributes:
        kind: `frame` is an author's code, `error` what was raised, `words` what stands between.
        folded: how many frames of libraries are left out here.
    """

    kind: str
    text: str
    folded: int = 0


def parts_of(text: str) -> list[Part]:
    """The parts of a traceback from top to bottom."""
    found: list[Part] = []
    for kind, lines in _blocks(text.splitlines()):
        if kind == "library":
            if found and found[-1].folded:
                found[-1] = found[-1]._replace(folded=found[-1].folded + 1)
            else:
                found.append(Part("folded", "", 1))
        elif words := "\n".join(lines).strip("\n"):
            found.append(Part(kind, words))
    return found


def _blocks(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    kind, block = "words", list[str]()
    for line in lines:
        frame = _FRAME.match(line)
        if frame is not None:
            yield kind, block
            file = frame["file"]
            kind = "library" if is_library(file) else "frame"
            block = [f'  File "{short(file)}", line {frame["line"]}{frame["rest"]}']
        elif line.startswith(" "):
            block.append(line)
        else:
            yield kind, block
            kind = (
                "words" if not line or line.startswith(("Traceback ", "During ", "The above ")) else "error"
            )
            block = [] if line.startswith("Traceback ") else [line]
    yield kind, block
