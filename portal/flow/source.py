"""Where a flow and its nodes are declared: the file and the line that a message names."""

from __future__ import annotations

import inspect
import re
import sys
from typing import NamedTuple

#: the modules of the language itself, whose frames are not the author's
_OURS = ("portal.flow", "portal.celery")


class Place(NamedTuple):
    """A line of a file, from 1."""

    file: str
    line: int


NOWHERE = Place("", 0)


def declared_here() -> Place:
    """The line of the author's that is running now."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(_OURS):
        frame = frame.f_back
    return Place(frame.f_code.co_filename, frame.f_lineno)


def of_attribute(cls: type, name: str) -> Place:
    """The line where a class gives an attribute its value; where it begins, if that is inherited."""
    begin = of_class(cls)
    if not begin.file or not name:
        return begin
    lines = inspect.getsourcelines(cls)[0]
    wanted = re.compile(rf"\s+(?:def )?{re.escape(name)}\b\s*[:=(]")
    return next(
        (Place(begin.file, begin.line + at) for at, line in enumerate(lines) if wanted.match(line)), begin
    )


def of_class(cls: type) -> Place:
    """The line where a class begins."""
    try:
        return Place(inspect.getsourcefile(cls) or "", inspect.getsourcelines(cls)[1])
    except (OSError, TypeError):  # made at run time
        return NOWHERE
