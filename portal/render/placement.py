"""Where the nodes of a flow go: columns from left to right, the main path straight, exceptions below it."""

from __future__ import annotations

from typing import Any

import graphlay

from .exceptions import place_below
from .geometry import Point, around
from .measure import EDGE_FONT, Measure, label_lines
from .order import host_of, main_path, reading_order
from .ports import Ports, boundary_ports
from .shapes import is_boundary
from .text import block_size

#: up to here neighbours are brought to one height
_SNAP = 24.0

_OPTIONS: dict[str, Any] = {
    "direction": "leftright",
    "spacing": {"node_gap": 26, "layer_gap": 44, "dummy_gap": 26, "edge_label_margin": 10},
    "labels": {"reservation": "always"},
}


def raw_centers(
    definition: Any, nodes: list[Any], edges: list[Any], back: set[int], sizes: dict[str, Measure]
) -> dict[str, Point]:
    """Columns from a layout of everything; heights of the main path from one of its own; the rest below."""
    ports = boundary_ports(edges, sizes)
    everything: dict[str, Point] = run(nodes, back, sizes, ports).positions()
    main = main_path(definition)
    if len(main) < len(nodes):
        alone = run([node for node in nodes if node.name in main], back, sizes, ports).positions()
        both = {name: (everything[name][0], alone[name][1]) for name in alone}
        # without its exceptions the main path may be shorter and stand in other columns
        if not _overlap(both, sizes):
            everything |= _oriented(both, definition)
            return place_below(reading_order(definition), main, sizes, everything)
    return _oriented(everything, definition)


def run(
    nodes: list[Any],
    back: set[int],
    sizes: dict[str, Measure],
    ports: Ports,
    at: dict[str, Point] | None = None,
) -> graphlay.Layout:
    """Ask graphlay for places or, with places given, for the ways between them; loops are left out."""
    graph = graphlay.Graph()
    for node in nodes:
        width, height = sizes[node.name].outline
        fields: dict[str, Any] = {"position": {"x": at[node.name][0], "y": at[node.name][1]}} if at else {}
        graph.node(node.name, width=width, height=height, **fields)
    names = {node.name for node in nodes}
    for number, edge in enumerate(ports.edges):
        if number in back or not names >= {host_of(edge.source).name, edge.target.name}:
            continue
        fields = ports.fields(number)
        if lines := label_lines(edge):
            width, height = block_size(lines, *EDGE_FONT)
            fields["label_size"] = {"width": width + 12, "height": height}
        # the first branch is the one to go straight on
        weight = 8.0 if edge is edge.source.outgoing[0] else 2.0
        graph.edge(host_of(edge.source).name, edge.target.name, weight=weight, **fields)
    return (graphlay.reroute if at else graphlay.layout)(graph, options=_OPTIONS)


def _overlap(centers: dict[str, Point], sizes: dict[str, Measure]) -> bool:
    boxes = [around(at, sizes[name].outline) for name, at in centers.items()]
    return any(a.overlaps(b, 8) for i, a in enumerate(boxes) for b in boxes[i + 1 :])


def _oriented(centers: dict[str, Point], definition: Any) -> dict[str, Point]:
    """Upside down, if that brings more into its order."""
    if _disorder(centers, definition, 1) > _disorder(centers, definition, -1):
        return {name: (x, -y) for name, (x, y) in centers.items()}
    return centers


def _disorder(centers: dict[str, Point], definition: Any, sign: int) -> int:
    """How much would be upside down, were all y multiplied by the sign: branches, boundaries' ways."""
    found = 0
    for node in definition.nodes.values():
        heights = [
            sign * centers[edge.target.name][1] for edge in node.outgoing if edge.target.name in centers
        ]
        if is_boundary(node) and node.host.name in centers:
            found += sum(3 for y in heights if y < sign * centers[node.host.name][1] - 1)
        found += sum(a > b + 1 for i, a in enumerate(heights) for b in heights[i + 1 :])
    return found


def aligned(
    centers: dict[str, Point], edges: list[Any], back: set[int], sizes: dict[str, Measure]
) -> dict[str, Point]:
    """Without the small steps between neighbours that could as well be level."""
    centers = dict(centers)
    ways = [
        (e.source.name, e.target.name)
        for n, e in enumerate(edges)
        if n not in back and not is_boundary(e.source)
    ]
    for source, target in ways:
        for mover, other in ((target, source), (source, target)):
            if not 0 < abs(centers[mover][1] - centers[other][1]) <= _SNAP:
                continue
            partners = {a if b == mover else b for a, b in ways if mover in (a, b)} - {other}
            if any(centers[partner][1] == centers[mover][1] for partner in partners):
                continue
            moved = (centers[mover][0], centers[other][1])
            room = around(moved, sizes[mover].outline)
            if not any(
                room.overlaps(around(centers[name], size.outline), 8)
                for name, size in sizes.items()
                if name != mover
            ):
                centers[mover] = moved
    return centers
