"""Where BPMN needs a gateway more than the picture: several ways lead to a split.

Each token that comes to a `Split` divides. A parallel or inclusive gateway of BPMN would wait for all ways in first, as
a join; so the ways meet in an exclusive gateway ahead of it, which passes every token on.
"""

from __future__ import annotations

from typing import Any

from .geometry import Point
from .text import Box

#: the small gateway's width and height, and its distance from the split, in the diagram's units
_SIZE, _GAP = 16.0, 6.0


def merges(node: Any) -> bool:
    return node.kind == "Split" and len(node.incoming) > 1


def place(split: Box) -> Box:
    """To the left of the split."""
    return Box(split.x - _GAP - _SIZE, split.y + (split.height - _SIZE) / 2, _SIZE, _SIZE)


def lead_in(points: tuple[Point, ...], split: Box) -> tuple[Point, ...]:
    """The line of a way that ends at the split, ending at the small gateway instead."""
    box, (x, y) = place(split), points[-1]
    middle = box.x + box.width / 2
    if abs(y - split.y) < 1:
        return (*points[:-1], (x, y - _GAP), (middle, y - _GAP), (middle, box.y))
    if abs(y - split.bottom) < 1:
        return (*points[:-1], (x, y + _GAP), (middle, y + _GAP), (middle, box.bottom))
    return (*points[:-1], (box.x, y))


def lead_on(split: Box) -> tuple[Point, ...]:
    """From the small gateway to the split."""
    box, height = place(split), split.y + split.height / 2
    return ((box.right, height), (split.x, height))
