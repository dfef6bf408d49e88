"""Routes edges around what lies between: for each the cheapest of a few shapes.

An edge leaves a task or event to the right, a gateway to the right or up or down, a boundary event down. It arrives
from the left; at a gateway where paths meet also from above or below, and so does a loop. Ways to the same node
may run in one line at their end, ways from the same node at their beginning.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .geometry import Line, Point, length, line_of, meets, segments, straightened
from .measure import Measure
from .order import host_of
from .shapes import is_boundary, shape_of
from .text import Box

#: distance from nodes and from other lines
_CLEAR, _APART = 9.0, 7.0
#: from a column to the nearest upright way beside it, between two of these, and how many are tried
_BESIDE, _TRACK, _TRACKS = 15.0, 8.0, 3
#: what a bend, a crossing and a stretch on top of another line cost, in px of detour
_BEND, _CROSSING, _COVERING = 30.0, 200.0, 600.0
#: the same for a node that lies in the way: only where nothing else is left
_HIT = 5000.0
#: the same for coming in beside the middle of a side, and for leaving where another edge of the node leaves
_ASIDE, _SHARED = 90.0, 240.0
#: the same for leaving a gateway up or down while its right is free
_UPWARD = 45.0
_UPRIGHT = {"bottom": 1.0, "top": -1.0}

_Points = tuple[Point, ...]
#: what a way costs by itself, its points, and the sides where it leaves and arrives
_Option = tuple[float, _Points, str, str]


@dataclass(frozen=True, slots=True)
class _End:
    """One end of a way: where it touches the node, on which side, and what using it costs."""

    side: str
    at: Point
    cost: float = 0.0


@dataclass(slots=True)
class Ways:
    """The ways found so far, in a picture whose nodes have their places.

    Args:
        boxes: the symbols, boundary events among them.
        rooms: each node with all that belongs to it.
        sizes: the nodes' measures.
    """

    boxes: dict[str, Box]
    rooms: dict[str, Box]
    sizes: dict[str, Measure]
    _lines: list[tuple[Line, Any]] = field(default_factory=list)
    _left: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _arrived: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def find(self, edge: Any, back: bool) -> _Points:
        """The cheapest way of an edge; later ones reckon with it. `back` says that it closes a loop."""
        best = self._best(edge, self._options(edge, back, self._direct))
        if best is None or best[0] > best[1]:
            around = self._best(edge, self._options(edge, back, self._around))
            best = min(filter(None, (best, around)), key=lambda option: option[0])
        _, _, points, leaving, arriving = best
        self._left[edge.source.name].add(leaving)
        self._arrived[edge.target.name].add(arriving)
        self._lines += [(line_of(line), edge) for line in segments(points)]
        return points

    def used(self, name: str) -> set[str]:
        """The sides of a node at which edges leave or arrive."""
        return self._left[name] | self._arrived[name]

    # -- what a way costs ------------------------------------------------------------------------------------

    def _best(self, edge: Any, options: Iterable[_Option]) -> tuple[float, *_Option] | None:
        """The cheapest one, with what it costs in all."""
        best = None
        for option in sorted(options, key=lambda option: option[0]):
            if best is not None and option[0] >= best[0]:
                break
            bound = math.inf if best is None else best[0] - option[0]
            cost = option[0] + self._disturbs(edge, option[1], bound)
            if best is None or cost < best[0]:
                best = (cost, *option)
        return best

    def _options(self, edge: Any, back: bool, shapes: Callable[..., Iterator[_Points]]) -> Iterator[_Option]:
        for leaving in self._exits(edge, back):
            for arriving in self._entries(edge, back):
                for points in shapes(edge, leaving, arriving):
                    if _is_sound(points, leaving.side, arriving.side):
                        least = length(points) + _BEND * len(points) + leaving.cost + arriving.cost
                        yield least, points, leaving.side, arriving.side

    def _disturbs(self, edge: Any, points: _Points, bound: float) -> float:
        """What it costs that a way disturbs others; the sum may end where it comes to the bound."""
        own = segments(points)
        ends = {host_of(edge.source).name, edge.target.name}
        xs, ys = [x for x, _ in points], [y for _, y in points]
        near = Box(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))
        cost = 0.0
        for name, room in self.rooms.items():
            if near.overlaps(room, _APART):
                box, gap = (self.boxes[name], -1.0) if name in ends else (room, 4.0)
                cost += _HIT * sum(meets(box, line, gap) for line in own)
        left, right, top, bottom = near.x - _APART, near.right + _APART, near.y - _APART, near.bottom + _APART
        lines = [line_of(line) for line in own]
        for other, owner in self._lines:
            if cost >= bound:
                break
            if other.left < right and other.right > left and other.top < bottom and other.bottom > top:
                together = owner.target is edge.target or owner.source is edge.source
                for line in lines:
                    if line.crosses(other):
                        cost += _CROSSING
                    if line.runs_along(other, _APART) and not (together and line.runs_along(other)):
                        cost += _COVERING
        return cost

    # -- where ways begin and end ----------------------------------------------------------------------------

    def _exits(self, edge: Any, back: bool) -> Iterator[_End]:
        node, box = edge.source, self.boxes[edge.source.name]
        x, y = box.center
        if is_boundary(node):
            yield _End("bottom", (x, box.bottom))
            return
        sides = ["right"]
        if shape_of(node).form == "gateway" or back:
            arrived = self._arrived[node.name]
            sides += [side for side in _UPRIGHT if side not in arrived and self._allows(node, side)]
        for side in sides:
            at = (box.right, y) if side == "right" else (x, _border(box, side))
            yield _End(side, at, self._cost_of_leaving(edge, side, back))

    def _cost_of_leaving(self, edge: Any, side: str, back: bool) -> float:
        left = self._left[edge.source.name]
        if side not in left:
            # who leaves first goes straight on
            return _UPWARD if side != "right" and "right" not in left and not back else 0.0
        # branches may leave up or down in one line, as the teeth of a comb
        drop = self.boxes[edge.target.name].center[1] - self.boxes[edge.source.name].center[1]
        return 0.0 if drop * _UPRIGHT.get(side, 0.0) > 0 and not back else _SHARED

    def _entries(self, edge: Any, back: bool) -> Iterator[_End]:
        node, box = edge.target, self.boxes[edge.target.name]
        x, y = box.center
        if edge.source.kind == "CompensationBoundary":
            above = self.boxes[edge.source.name].center[0]
            yield _End("top", (min(max(above, box.x + 12), box.right - 12), box.y))
            return
        yield _End("left", (box.x, y))
        meet = shape_of(node).form == "gateway" and len(node.outgoing) < 2
        for side in _UPRIGHT if meet or back else ():
            if side not in self._left[node.name] and self._allows(node, side):
                # several loops come in beside each other, not one on top of the other
                parts = (0.0, -0.3, 0.3) if self.sizes[node.name].inside else (0.0,)
                for part in parts:
                    yield _End(side, (x + part * box.width, _border(box, side)), _ASIDE if part else 0.0)

    def _allows(self, node: Any, side: str) -> bool:
        """Whether an edge may use this side: the title keeps a place, boundary events keep theirs."""
        size = self.sizes[node.name]
        if side == "bottom" and size.boundaries:
            return False
        other = {"top": "bottom", "bottom": "top"}[side]
        return size.inside or size.wide or other not in self.used(node.name)

    # -- shapes ----------------------------------------------------------------------------------------------

    def _direct(self, edge: Any, leaving: _End, arriving: _End) -> Iterator[_Points]:
        """Straight, with one corner, or with an upright stretch between."""
        begin, end = leaving.at, arriving.at
        if begin[0] == end[0] or begin[1] == end[1]:
            yield begin, end
        yield straightened((begin, (end[0], begin[1]), end))
        yield straightened((begin, (begin[0], end[1]), end))
        if leaving.side == "right" and arriving.side == "left":
            tracks = self._tracks(edge.target.name, "left") + self._tracks(host_of(edge.source).name, "right")
            yield from (straightened((begin, (x, begin[1]), (x, end[1]), end)) for x in tracks)

    def _around(self, edge: Any, leaving: _End, arriving: _End) -> Iterator[_Points]:
        """Below or above all that lies between."""
        outs = self._tracks(host_of(edge.source).name, "right")
        end = arriving.at
        ends: list[_Points] = [(end,)]
        if arriving.side == "left":
            ends = [((x, end[1]), end) for x in self._tracks(edge.target.name, "left")]
        for sign in (1.0, -1.0):
            for a in self._starts(edge, leaving, outs, sign):
                for b in ends:
                    level = self._level(edge, a[-1], b[0], sign)
                    yield straightened((*a, (a[-1][0], level), (b[0][0], level), *b))

    def _starts(self, edge: Any, leaving: _End, outs: list[float], sign: float) -> Iterator[_Points]:
        """How a way begins that turns up or down."""
        x, y = leaving.at
        if leaving.side == "right":
            yield from (((x, y), (out, y)) for out in outs)
        elif leaving.side in _UPRIGHT and not (is_boundary(edge.source) and sign < 0):
            yield ((x, y),)
        if is_boundary(edge.source):
            # upward only beside the host: a line behind it would seem to come out of its top
            below = self.rooms[edge.source.host.name].bottom + _CLEAR
            yield from (((x, y), (x, below), (out, below)) for out in outs)

    def _tracks(self, name: str, side: str) -> list[float]:
        """Where upright ways may run beside the column of a node."""
        own = self.rooms[name]
        column = [room for room in self.rooms.values() if room.x < own.right and own.x < room.right]
        asides = [_BESIDE + number * _TRACK for number in range(_TRACKS)]
        if side == "right":
            return [max(room.right for room in column) + aside for aside in asides]
        return [min(room.x for room in column) - aside for aside in asides]

    def _level(self, edge: Any, begin: Point, end: Point, sign: float) -> float:
        """The nearest height at which a way runs free from one side to the other."""
        left, right = sorted((begin[0], end[0]))
        near = [
            room for room in self.rooms.values() if room.x < right + _CLEAR and room.right > left - _CLEAR
        ]
        beside = [
            (line.top, owner.target is edge.target)
            for line, owner in self._lines
            if line.level and min(right, line.right) - max(left, line.left) > 1
        ]
        level = (max if sign > 0 else min)(begin[1], end[1]) + sign * _CLEAR
        while any(meets(room, ((left, level), (right, level)), _CLEAR) for room in near) or any(
            abs(y - level) < _APART and not (together and abs(y - level) < 0.5) for y, together in beside
        ):
            level += sign * _TRACK
        return level


def _border(box: Box, side: str) -> float:
    return box.bottom if side == "bottom" else box.y


def _is_sound(points: _Points, leaving: str, arriving: str) -> bool:
    """Whether a way goes out and comes in on the sides that it was meant to."""
    if len(points) < 2:
        return False
    ahead = {"right": (1, 0), "left": (1, 0), "bottom": (0, 1), "top": (0, -1)}
    (ax, ay), (bx, by) = points[:2]
    (cx, cy), (dx, dy) = points[-2:]
    out, into = ahead[leaving], ahead[arriving]
    if arriving in _UPRIGHT:
        into = (0, -into[1])
    return (bx - ax) * out[0] + (by - ay) * out[1] > 0 and (dx - cx) * into[0] + (dy - cy) * into[1] > 0
