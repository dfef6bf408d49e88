"""On which side of its nodes each edge leaves and arrives."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from typing import Any, Self

from .measure import GATEWAY, Measure
from .shapes import is_boundary

#: a side, and a place on it from -1 to 1
Port = tuple[str, float]
Point = tuple[float, float]


@dataclasses.dataclass(slots=True)
class Ports:
    """The ports of the edges that have fixed ones, by the edge's number."""

    sources: dict[int, Port] = dataclasses.field(default_factory=dict)
    targets: dict[int, Port] = dataclasses.field(default_factory=dict)
    _used: dict[str, set[str]] = dataclasses.field(default_factory=lambda: defaultdict(set))

    @classmethod
    def of_boundaries(cls, edges: list[Any], sizes: dict[str, Measure]) -> Self:
        """Only what is known before the layout: boundary events are left downward."""
        ports = cls()
        for number, edge in enumerate(edges):
            if is_boundary(edge.source):
                size = sizes[edge.source.host.name]
                offset = next(item.offset for item in size.boundaries if item.name == edge.source.name)
                ports.sources[number] = ("bottom", offset / (size.outline[0] / 2))
        return ports

    def fields(self, number: int) -> dict[str, Any]:
        """As graphlay spells them."""
        ends = {"source_port": self.sources.get(number), "target_port": self.targets.get(number)}
        return {end: {"offset": {"side": port[0], "t": port[1]}} for end, port in ends.items() if port}

    def used(self, name: str) -> set[str]:
        """The sides of a node at which edges leave or arrive."""
        return self._used[name]

    def leave(self, number: int, edge: Any, port: Port) -> None:
        self.sources[number] = port
        self._used[edge.source.name].add(port[0])

    def arrive(self, number: int, edge: Any, port: Port) -> None:
        self.targets[number] = port
        self._used[edge.target.name].add(port[0])


def assign_ports(edges: list[Any], sizes: dict[str, Measure], centers: dict[str, Point]) -> Ports:
    """The ports of all edges, now that it is known where the nodes are."""
    ports = Ports.of_boundaries(edges, sizes)
    backward = [number for number, edge in enumerate(edges) if _is_backward(edge, centers)]
    seen: set[tuple[str, str]] = set()
    for number, edge in enumerate(edges):
        if number not in backward:
            twin = (edge.source.name, edge.target.name) in seen
            seen.add((edge.source.name, edge.target.name))
            _forward(ports, number, edge, sizes, centers, twin)
    entries: dict[tuple[str, str], int] = defaultdict(int)
    for number in backward:
        _backward(ports, number, edges[number], sizes, entries)
    return ports


def _is_backward(edge: Any, centers: dict[str, Point]) -> bool:
    source = edge.source.host if is_boundary(edge.source) else edge.source
    return centers[edge.target.name][0] <= centers[source.name][0]


def _forward(
    ports: Ports, number: int, edge: Any, sizes: dict[str, Measure], centers: dict[str, Point], twin: bool
) -> None:
    ports.arrive(number, edge, ("left", 0.0))
    if is_boundary(edge.source):
        return
    side = "right"
    drop = centers[edge.target.name][1] - centers[edge.source.name][1]
    if sizes[edge.source.name].symbol == (GATEWAY, GATEWAY) and (abs(drop) > GATEWAY / 2 or twin):
        side = _allowed(ports, edge.source.name, sizes, "top" if drop < 0 else "bottom", "right")
    ports.leave(number, edge, (side, 0.0))


def _allowed(ports: Ports, name: str, sizes: dict[str, Measure], side: str, otherwise: str) -> str:
    """The side, unless the title then would have no place left."""
    size = sizes[name]
    other = {"top": "bottom", "bottom": "top"}[side]
    blocked = not (size.inside or size.wide) and other in ports.used(name)
    return otherwise if blocked else side


def _backward(
    ports: Ports, number: int, edge: Any, sizes: dict[str, Measure], entries: dict[tuple[str, str], int]
) -> None:
    """A loop goes around below, or above where boundary events are in its way."""
    side = "bottom"
    if is_boundary(edge.source):
        leaving = "bottom"
    else:
        if _taken(ports, edge.source.name, sizes) or _taken(ports, edge.target.name, sizes):
            side = "top"
        leaving = _allowed(ports, edge.source.name, sizes, side, "right")
        ports.leave(number, edge, (leaving, 0.0))
    if sizes[edge.target.name].boundaries:
        side = "top"
    arriving = _allowed(ports, edge.target.name, sizes, side, "left")
    count = entries[edge.target.name, arriving]
    entries[edge.target.name, arriving] += 1
    spread = (0.0, 0.35, -0.35, 0.6, -0.6)[count % 5] if sizes[edge.target.name].inside else 0.0
    ports.arrive(number, edge, (arriving, spread))


def _taken(ports: Ports, name: str, sizes: dict[str, Measure]) -> bool:
    size = sizes[name]
    used = ports.used(name)
    return bool(size.boundaries) or ("bottom" in used and "top" not in used)
