"""The ways of edges that lead back or have no straight way: around what lies between, below or above it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .geometry import Point, Segment, crosses, length, meets, runs_along, segments, straightened
from .measure import Measure
from .order import host_of
from .ports import Ports
from .shapes import is_boundary
from .text import Box

#: distance from nodes and from other lines
_CLEAR, _APART = 9.0, 7.0
_STEP = 8.0
#: what a bend, a crossing and a stretch on top of another line cost, in px of detour
_BEND, _CROSSING, _COVERING = 30.0, 70.0, 600.0
#: the same for a node that lies in the way: only where nothing else is left
_HIT = 5000.0
#: the same for coming in beside the middle of a side
_ASIDE = 90.0
_SIDES = {"bottom": 1, "top": -1}


def route_loop(
    number: int,
    edge: Any,
    ports: Ports,
    sizes: dict[str, Measure],
    outlines: dict[str, Box],
    boxes: dict[str, Box],
    lines: list[Segment],
) -> tuple[Point, ...]:
    """The cheapest way around; its ports are noted."""
    options = []
    ways = _ways(edge, ports, sizes, outlines, boxes, lines)
    for order, (cost, leaving, arriving, points) in enumerate(ways):
        options.append((cost + _cost(points, lines), order, leaving, arriving, points))
    _, _, leaving, arriving, points = min(options)
    ports.leave(number, (leaving, 0.0))
    ports.arrive(number, (arriving, 0.0))
    return points


def _cost(points: tuple[Point, ...], lines: list[Segment]) -> float:
    own = segments(points)
    crossings = sum(crosses(a, b) for a in own for b in lines)
    coverings = sum(runs_along(a, b, _APART) for a in own for b in lines)
    return length(points) + _BEND * len(points) + _CROSSING * crossings + _COVERING * coverings


def _ways(
    edge: Any,
    ports: Ports,
    sizes: dict[str, Measure],
    outlines: dict[str, Box],
    boxes: dict[str, Box],
    lines: list[Segment],
) -> Iterator[tuple[float, str, str, tuple[Point, ...]]]:
    source, target = edge.source, edge.target
    ends = (host_of(source).name, target.name)
    others = [box for name, box in outlines.items() if name not in ends]
    for side, sign in _SIDES.items():
        for leaving, begin in _exits(source, side, ports, sizes, outlines, boxes):
            for arriving, end in _entries(target, side, ports, sizes, outlines, boxes):
                level = _level(begin, end, sign, [*outlines.values()], lines)
                points = (*begin, (begin[-1][0], level), (end[0][0], level), *end)
                if begin[-1][0] != end[0][0]:
                    hits = sum(meets(box, line, _CLEAR / 2) for box in others for line in segments(points))
                    aside = arriving == side and end[0][0] != boxes[target.name].center[0]
                    yield hits * _HIT + aside * _ASIDE, leaving, arriving, straightened(points)


def _column(name: str, outlines: dict[str, Box]) -> tuple[float, float]:
    """From where to where the nodes above and below a node reach."""
    own = outlines[name]
    column = [box for box in outlines.values() if box.x < own.right and own.x < box.right]
    return min(box.x for box in column), max(box.right for box in column)


def _exits(
    node: Any,
    side: str,
    ports: Ports,
    sizes: dict[str, Measure],
    outlines: dict[str, Box],
    boxes: dict[str, Box],
) -> Iterator[tuple[str, tuple[Point, ...]]]:
    box = boxes[node.name]
    if is_boundary(node):
        below = outlines[node.host.name].bottom + _CLEAR
        down = ((box.center[0], box.bottom), (box.center[0], below))
        if side == "bottom":
            yield "bottom", down
        # upward only beside the host: a line behind it would seem to come out of its top
        yield "bottom", (*down, (_column(node.host.name, outlines)[1] + 16, below))
        return
    free = not (ports.arrived_at(node.name, side) or ports.left_at(node.name, side))
    if free and ports.allows(node.name, side, sizes[node.name]):
        yield side, ((box.center[0], box.bottom if side == "bottom" else box.y),)
    x = _column(node.name, outlines)[1] + 16
    yield "right", ((box.right, box.center[1]), (x, box.center[1]))


def _entries(
    node: Any,
    side: str,
    ports: Ports,
    sizes: dict[str, Measure],
    outlines: dict[str, Box],
    boxes: dict[str, Box],
) -> Iterator[tuple[str, tuple[Point, ...]]]:
    box, size = boxes[node.name], sizes[node.name]
    if ports.allows(node.name, side, size) and not ports.left_at(node.name, side):
        # several loops come in beside each other, not one on top of the other
        for part in (0.0, -0.3, 0.3) if size.inside else (0.0,):
            yield side, ((box.center[0] + part * box.width, box.bottom if side == "bottom" else box.y),)
    x = _column(node.name, outlines)[0] - 16
    yield "left", ((x, box.center[1]), (box.x, box.center[1]))


def _level(
    begin: tuple[Point, ...], end: tuple[Point, ...], sign: int, obstacles: list[Box], lines: list[Segment]
) -> float:
    """The nearest height at which the way back runs free."""
    left, right = sorted((begin[-1][0], end[0][0]))
    near = [box for box in obstacles if box.x < right + _CLEAR and box.right > left - _CLEAR]
    level = (max if sign > 0 else min)(begin[-1][1], end[0][1]) + sign * _CLEAR
    while True:
        way = ((left, level), (right, level))
        hit = any(meets(box, way, _CLEAR) for box in near)
        if not hit and not any(runs_along(way, line, _APART) for line in lines):
            return level
        level += sign * _STEP
