"""On which side of its nodes each edge leaves and arrives."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from typing import Any

from .geometry import Point
from .measure import GATEWAY, Measure
from .shapes import is_boundary

#: a side, and a place on it from -1 to 1
Port = tuple[str, float]


@dataclasses.dataclass(slots=True)
class Ports:
    """The ports of edges, by the edge's number."""

    edges: list[Any]
    sources: dict[int, Port] = dataclasses.field(default_factory=dict)
    targets: dict[int, Port] = dataclasses.field(default_factory=dict)
    _used: dict[str, set[str]] = dataclasses.field(default_factory=lambda: defaultdict(set))

    def fields(self, number: int) -> dict[str, Any]:
        """As graphlay spells them."""
        ends = {"source_port": self.sources.get(number), "target_port": self.targets.get(number)}
        return {end: {"offset": {"side": port[0], "t": port[1]}} for end, port in ends.items() if port}

    def used(self, name: str) -> set[str]:
        """The sides of a node at which edges leave or arrive."""
        return self._used[name]

    def left_at(self, name: str, side: str) -> bool:
        """Whether an edge leaves a node here: one that arrived here too would run along it."""
        return any(port[0] == side and self.edges[n].source.name == name for n, port in self.sources.items())

    def arrived_at(self, name: str, side: str) -> bool:
        """Whether an edge arrives at a node here."""
        return any(port[0] == side and self.edges[n].target.name == name for n, port in self.targets.items())

    def allows(self, name: str, side: str, size: Measure) -> bool:
        """Whether an edge may use this side: the title keeps a place, boundary events keep theirs."""
        if side == "bottom" and size.boundaries:
            return False
        other = {"top": "bottom", "bottom": "top"}[side]
        return size.inside or size.wide or other not in self.used(name)

    def leave(self, number: int, port: Port) -> None:
        self.sources[number] = port
        self._used[self.edges[number].source.name].add(port[0])

    def arrive(self, number: int, port: Port) -> None:
        self.targets[number] = port
        self._used[self.edges[number].target.name].add(port[0])


def boundary_ports(edges: list[Any], sizes: dict[str, Measure]) -> Ports:
    """Only what is known before the layout: boundary events are left downward."""
    ports = Ports(edges)
    for number, edge in enumerate(edges):
        if is_boundary(edge.source):
            size = sizes[edge.source.host.name]
            offset = next(item.offset for item in size.boundaries if item.name == edge.source.name)
            ports.leave(number, ("bottom", offset / (size.outline[0] / 2)))
    return ports


def forward_ports(
    edges: list[Any], back: set[int], sizes: dict[str, Measure], centers: dict[str, Point]
) -> Ports:
    """The ports of the edges that lead on, now that it is known where the nodes are."""
    ports = boundary_ports(edges, sizes)
    # the nearest node straight on is left to the right; the way to one behind it goes around
    by_distance = sorted(
        range(len(edges)), key=lambda number: (centers[edges[number].target.name][0], number)
    )
    for number in by_distance:
        edge = edges[number]
        if number in back:
            continue
        ports.arrive(number, ("left", 0.0))
        if not is_boundary(edge.source):
            ports.leave(number, (_side(edge, ports, sizes, centers), 0.0))
    return ports


def _side(edge: Any, ports: Ports, sizes: dict[str, Measure], centers: dict[str, Point]) -> str:
    name = edge.source.name
    size = sizes[name]
    if size.symbol != (GATEWAY, GATEWAY):
        return "right"
    drop = centers[edge.target.name][1] - centers[name][1]
    if abs(drop) <= GATEWAY / 2 and "right" not in ports.used(name):
        return "right"
    sides = ("bottom", "top") if abs(drop) <= GATEWAY / 2 else ("top",) if drop < 0 else ("bottom",)
    return next((side for side in sides if ports.allows(name, side, size)), "right")
