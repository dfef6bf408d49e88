"""Lines between nodes and what they hit."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

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


def runs_along(one: Segment, other: Segment, gap: float = 0.5) -> bool:
    """Whether both lines are parallel, nearer than the gap, and side by side for a while."""
    for i in (0, 1):
        if one[0][i] == one[1][i] and other[0][i] == other[1][i] and abs(one[0][i] - other[0][i]) < gap:
            a, b = sorted((one[0][1 - i], one[1][1 - i]))
            c, d = sorted((other[0][1 - i], other[1][1 - i]))
            if min(b, d) - max(a, c) > 1:
                return True
    return False


def crosses(one: Segment, other: Segment) -> bool:
    """Whether a level and an upright line cross, not only touch."""
    for level, upright in ((one, other), (other, one)):
        if level[0][1] == level[1][1] and upright[0][0] == upright[1][0]:
            left, right = sorted((level[0][0], level[1][0]))
            top, bottom = sorted((upright[0][1], upright[1][1]))
            if left < upright[0][0] < right and top < level[0][1] < bottom:
                return True
    return False


def upright(points: Sequence[Point]) -> list[Point]:
    """With stretches that lean by less than a pixel set level or upright."""
    found = [points[0]]
    for x, y in points[1:]:
        before = found[-1]
        found.append((before[0] if abs(x - before[0]) < 1 else x, before[1] if abs(y - before[1]) < 1 else y))
    return found


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
