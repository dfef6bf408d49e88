"""From top to bottom: the main path first, straight, and every other path below it, as declared.

A path is placed as a whole: a node, the first that it leads to, and so on. What leaves a path further to the right is
placed first, and so lies higher: ways down never cross the rows that they pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from .geometry import Point
from .measure import Measure
from .order import backward_edges, host_of
from .shapes import is_boundary
from .text import Box

#: between two nodes, between a way and all else, and the height of a way
_GAP, _CLEAR, _WAY = 22.0, 4.0, 12.0
#: how a way comes down from a boundary event, at least
_HANG = 12.0
_STEP = 4.0


def rows(definition: Any, xs: dict[str, float], sizes: dict[str, Measure]) -> dict[str, Point]:
    """The middle of each node, its column given."""
    return _Rows(definition, xs, sizes).placed


class _Rows:
    def __init__(self, definition: Any, xs: dict[str, float], sizes: dict[str, Measure]) -> None:
        self.xs = xs
        self.sizes = sizes
        self.back = backward_edges(definition)
        self.placed: dict[str, Point] = {}
        self.taken: list[Box] = []
        nodes = [node for node in definition.nodes.values() if not is_boundary(node)]
        for root in sorted(nodes, key=lambda node: bool(node.incoming)):
            if root.name not in self.placed:
                self._place_all(root)

    def _place_all(self, root: Any) -> None:
        """A node that nothing leads to, and all that can be reached from it."""
        waiting = list(self._side_ways(self._place(self._path(root), None)))
        while waiting:
            edge = waiting.pop()
            if edge.target.name in self.placed:
                self._keep_room(edge)
            else:
                waiting += self._side_ways(self._place(self._path(edge.target), edge))

    def _path(self, node: Any) -> list[Any]:
        """A node and what follows it straight on: always the first that has no place yet."""
        path = [node]
        while node is not None:
            ways = [edge.target for edge in node.outgoing if id(edge) not in self.back]
            node = next((each for each in ways if each.name not in self.placed and each not in path), None)
            path += [node] if node is not None else []
        return path

    def _side_ways(self, path: list[Any]) -> Iterator[Any]:
        """The other ways out of a path; the last one is to be taken first."""
        for node, then in zip(path, [*path[1:], None], strict=True):
            straight = next((edge for edge in node.outgoing if edge.target is then), None)
            yield from reversed([edge for edge in node.outgoing if edge is not straight])
            for boundary in node.boundaries:
                yield from reversed(boundary.outgoing)

    def _place(self, path: list[Any], edge: Any) -> list[Any]:
        y = self._height(path, edge)
        for node in path:
            self.placed[node.name] = (self.xs[node.name], y)
            self.taken.append(self._room(node, y))
        self.taken += self._strips(path, edge, y)
        if edge is not None:
            x, from_y = self._exit(edge.source)
            self.taken.append(Box(x - 1, from_y, 2, max(y - from_y, 0)))
        return path

    def _height(self, path: list[Any], edge: Any) -> float:
        """That of a row which has room, else a row of its own."""
        top = self._top(path[0], edge)
        known = sorted({y for _, y in self.placed.values() if y >= top})
        if (found := next((y for y in known if self._is_free(path, edge, y)), None)) is not None:
            return found
        beside = edge is not None and self._hangs(edge)
        while not (self._is_free(path, edge, top) and (beside or self._is_between(path, top))):
            top += _STEP
        return top

    def _is_between(self, path: list[Any], y: float) -> bool:
        """Whether no other row is beside this one, not even where it has room."""
        above = max(self.sizes[node.name].reach[0] for node in path)
        below = max(self.sizes[node.name].reach[1] for node in path)
        return not any(
            y - above < at + self.sizes[name].reach[1] and y + below > at - self.sizes[name].reach[0]
            for name, (_, at) in self.placed.items()
        )

    def _top(self, node: Any, edge: Any) -> float:
        if edge is None:
            return 0.0
        below = self._exit(edge.source)[1]
        if is_boundary(edge.source):
            above, _ = self.sizes[node.name].reach
            return below + (_HANG + above if self._hangs(edge) else max(_HANG, above / 2))
        return below + _STEP

    def _is_free(self, path: list[Any], edge: Any, y: float) -> bool:
        rooms = [self._room(node, y) for node in path]
        if any(room.overlaps(other, _GAP) for room in rooms for other in self.taken):
            return False
        return not any(
            strip.overlaps(other, _CLEAR) for strip in self._strips(path, edge, y) for other in self.taken
        )

    def _strips(self, path: list[Any], edge: Any, y: float) -> Iterable[Box]:
        """The level ways of a path: to it, in it, and from it to where it leads."""
        ends = [self.xs[node.name] for node in path]
        if edge is not None and not self._hangs(edge):
            # it begins at the upright way, which may be one with that to a row above
            ends.insert(0, min(self._exit(edge.source)[0] + 8, ends[0]))
        after = [e.target for e in path[-1].outgoing if id(e) not in self.back]
        further = [self.xs[node.name] - 24 for node in after if node.name in self.placed]
        ends.append(max([*further, ends[-1]]))
        return [Box(a, y - _WAY / 2, b - a, _WAY) for a, b in pairwise(ends) if b > a]

    def _keep_room(self, edge: Any) -> None:
        """A way back, or past the next nodes, runs below its row; above the first row there is room."""
        x, y = self.placed[host_of(edge.source).name]
        to_x, to_y = self.placed[edge.target.name]
        if to_y != y or is_boundary(edge.source) or (id(edge) in self.back and y == 0):
            return
        left, right = sorted((x, to_x))
        row = [name for name, at in self.placed.items() if at[1] == y and left <= at[0] <= right]
        bottom = max(y + self.sizes[name].reach[1] for name in row)
        self.taken.append(Box(left, bottom, right - left, _WAY))

    def _hangs(self, edge: Any) -> bool:
        """Whether the way goes straight down to what takes a step back."""
        return bool(edge.source.kind == "CompensationBoundary")

    def _exit(self, node: Any) -> Point:
        """Where a way out turns down."""
        x, y = self.placed[host_of(node).name]
        if is_boundary(node):
            size = self.sizes[node.host.name]
            return x + size.offset_of(node.name), y + size.reach[1]
        return x, y

    def _room(self, node: Any, y: float) -> Box:
        return self.sizes[node.name].room_at((self.xs[node.name], y))
