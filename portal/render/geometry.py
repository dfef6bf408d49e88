"""Lines between nodes and what they hit."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from .text import Box

Point = tuple[float, float]
Segment = tuple[Point, Point]


def segments(points: Sequence[Point]) -> list[Segment]:
    return list(pairwise(points))


def around(center: Point, size: tuple[float, float]) -> Box:
    """The box of a size around its centre."""
    return Box(center[0] - size[0] / 2, center[1] - size[1] / 2, *size)


def length(points: Sequence[Point]) -> float:
    return sum(abs(a[0] - b[0]) + abs(a[1] - b[1]) for a, b in segments(points))


def meets(box: Box, segment: Segment, gap: float = 0) -> bool:
    """Whether a level or upright line comes nearer to a box than the gap."""
    (ax, ay), (bx, by) = segment
    return (
        min(ax, bx) < box.right + gap
        and max(ax, bx) > box.x - gap
        and min(ay, by) < box.bottom + gap
        and max(ay, by) > box.y - gap
    )


class Line(NamedTuple):
    """A stretch of a way, with what is asked of it again and again."""

    left: float
    right: float
    top: float
    bottom: float
    level: bool
    upright: bool

    def runs_along(self, other: Line, gap: float = 0.5) -> bool:
        """Whether both are parallel, nearer than the gap, and side by side for a while."""
        beside = self.upright and other.upright and abs(self.left - other.left) < gap
        if beside and min(self.bottom, other.bottom) - max(self.top, other.top) > 1:
            return True
        over = self.level and other.level and abs(self.top - other.top) < gap
        return over and min(self.right, other.right) - max(self.left, other.left) > 1

    def crosses(self, other: Line) -> bool:
        """Whether one is level and the other upright, and they cross, not only touch."""
        if self.level and other.upright:
            return self.left < other.left < self.right and other.top < self.top < other.bottom
        if self.upright and other.level:
            return other.left < self.left < other.right and self.top < other.top < self.bottom
        return False


def line_of(segment: Segment) -> Line:
    (ax, ay), (bx, by) = segment
    return Line(min(ax, bx), max(ax, bx), min(ay, by), max(ay, by), ay == by, ax == bx)


def runs_along(one: Segment, other: Segment, gap: float = 0.5) -> bool:
    """As `Line.runs_along`."""
    return line_of(one).runs_along(line_of(other), gap)


def straightened(points: Sequence[Point]) -> tuple[Point, ...]:
    """Without the points at which nothing bends."""
    kept = [points[0]]
    for point in points[1:]:
        if point == kept[-1]:
            continue
        if len(kept) > 1 and _in_line(kept[-2], kept[-1], point):
            kept[-1] = point
        else:
            kept.append(point)
    return tuple(kept)


def _in_line(a: Point, b: Point, c: Point) -> bool:
    return abs((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])) < 0.01
