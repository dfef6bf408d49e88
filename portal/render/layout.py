"""Where everything of a flow's picture goes.

1. Every node gets an outline that has room for its title and its boundary events, mirrored about its centre, because
   graphlay lines nodes up by their centres.
2. graphlay places the outlines, left to right, as if no edge led back.
3. What only boundary events lead to goes below; branches are turned upside down if that brings them into order.
4. Neighbours at almost one height are brought to one. With the places known, each edge gets its ports, and
   graphlay routes again.
5. Edges are drawn on from the outlines to the symbols, edges that lead back find their ways around, and labels
   find free places.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import graphlay

from .exceptions import place_below
from .geometry import Point, segments, straightened
from .labels import place_labels
from .loops import route_loop
from .measure import BOUNDARY, EDGE_FONT, Measure, label_lines, measure
from .order import backward_edges, host_of, main_path, reading_order
from .ports import Ports, boundary_ports, forward_ports
from .shapes import is_boundary
from .text import Box, Text, block_size

MARGIN = 16.0
#: up to here neighbours are brought to one height
_SNAP = 24.0

_OPTIONS: dict[str, Any] = {
    "direction": "leftright",
    "spacing": {"node_gap": 26, "layer_gap": 44, "dummy_gap": 26, "edge_label_margin": 10},
    "labels": {"reservation": "always"},
}


@dataclasses.dataclass(frozen=True, slots=True)
class Route:
    """The way of one edge, from border to border."""

    edge: Any
    points: tuple[Point, ...]
    label: Text | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Layout:
    """A picture's geometry in px, its upper left corner at 0, 0."""

    width: float
    height: float
    #: the symbols, boundary events among them
    boxes: Mapping[str, Box]
    titles: Mapping[str, Text]
    edges: tuple[Route, ...]


@functools.lru_cache(maxsize=512)
def layout(flow_class: type) -> Layout:
    """The layout of a flow; it is kept, since a flow changes only with its code."""
    return place(flow_class._definition)  # type: ignore[attr-defined]


def place(definition: Any) -> Layout:
    """Lay a definition out."""
    nodes = [node for node in definition.nodes.values() if not is_boundary(node)]
    edges = [edge for node in definition.nodes.values() for edge in node.outgoing]
    loops = backward_edges(definition)
    back = {number for number, edge in enumerate(edges) if id(edge) in loops}
    sizes = {node.name: measure(node) for node in nodes}
    centers = _aligned(_centers(definition, nodes, edges, back, sizes), edges, back, sizes)
    ports = forward_ports(edges, back, sizes, centers)
    routed = iter(_run(nodes, back, sizes, ports, centers).edges)
    boxes = {name: _around(centers[name], size.symbol) for name, size in sizes.items()}
    for node in nodes:
        boxes.update(_boundary_boxes(boxes[node.name], sizes[node.name]))
    points = [() if n in back else _clipped(edge, _points(next(routed)), boxes) for n, edge in enumerate(edges)]
    outlines = {name: _around(centers[name], size.outline) for name, size in sizes.items()}
    for number in sorted(back):
        lines = [line for way in points for line in segments(way)]
        points[number] = route_loop(number, edges[number], ports, sizes, outlines, boxes, lines)
    titles = {node.name: _title(centers[node.name], sizes[node.name], ports, node.name) for node in nodes}
    for node in nodes:
        titles.update(_boundary_titles(sizes[node.name], boxes))
    labels = place_labels(edges, points, boxes, titles)
    routes = tuple(Route(*way) for way in zip(edges, points, labels, strict=True))
    return _at_origin(boxes, titles, routes)


def _run(
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
        fields = {"position": {"x": at[node.name][0], "y": at[node.name][1]}} if at else {}
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


def _aligned(
    centers: dict[str, Point], edges: list[Any], back: set[int], sizes: dict[str, Measure]
) -> dict[str, Point]:
    """Without the small steps between neighbours that could as well be level."""
    centers = dict(centers)
    ways = [(e.source.name, e.target.name) for n, e in enumerate(edges) if n not in back and not is_boundary(e.source)]
    for source, target in ways:
        for mover, other in ((target, source), (source, target)):
            if not 0 < abs(centers[mover][1] - centers[other][1]) <= _SNAP:
                continue
            partners = {a if b == mover else b for a, b in ways if mover in (a, b)} - {other}
            if any(centers[partner][1] == centers[mover][1] for partner in partners):
                continue
            moved = (centers[mover][0], centers[other][1])
            room = _around(moved, sizes[mover].outline)
            if not any(
                room.overlaps(_around(centers[name], size.outline), 8) for name, size in sizes.items() if name != mover
            ):
                centers[mover] = moved
    return centers


def _centers(
    definition: Any, nodes: list[Any], edges: list[Any], back: set[int], sizes: dict[str, Measure]
) -> dict[str, Point]:
    """Columns from a layout of everything; heights of the main path from one of its own, the rest below it."""
    ports = boundary_ports(edges, sizes)
    everything: dict[str, Point] = _run(nodes, back, sizes, ports).positions()
    main = main_path(definition)
    if len(main) < len(nodes):
        alone = _run([node for node in nodes if node.name in main], back, sizes, ports).positions()
        both = {name: (everything[name][0], alone[name][1]) for name in alone}
        # without its exceptions the main path may be shorter and stand in other columns
        if not _overlap(both, sizes):
            everything |= _oriented(both, definition)
            return place_below(reading_order(definition), main, sizes, everything)
    return _oriented(everything, definition)


def _overlap(centers: dict[str, Point], sizes: dict[str, Measure]) -> bool:
    boxes = [_around(at, sizes[name].outline) for name, at in centers.items()]
    return any(a.overlaps(b, 8) for i, a in enumerate(boxes) for b in boxes[i + 1 :])


def _oriented(centers: dict[str, Point], definition: Any) -> dict[str, Point]:
    """Upside down, if that brings more into its order."""
    if _disorder(centers, definition, 1) > _disorder(centers, definition, -1):
        return {name: (x, -y) for name, (x, y) in centers.items()}
    return centers


def _disorder(centers: dict[str, Point], definition: Any, sign: int) -> int:
    """How much would be upside down if all y were multiplied by the sign: branches, ways of boundary events."""
    found = 0
    for node in definition.nodes.values():
        heights = [sign * centers[edge.target.name][1] for edge in node.outgoing if edge.target.name in centers]
        if is_boundary(node) and node.host.name in centers:
            found += sum(3 for y in heights if y < sign * centers[node.host.name][1] - 1)
        found += sum(a > b + 1 for i, a in enumerate(heights) for b in heights[i + 1 :])
    return found


def _around(center: Point, size: tuple[float, float]) -> Box:
    return Box(center[0] - size[0] / 2, center[1] - size[1] / 2, *size)


def _boundary_boxes(host: Box, size: Measure) -> dict[str, Box]:
    return {
        item.name: Box(host.center[0] + item.offset - BOUNDARY / 2, host.bottom - BOUNDARY / 2, BOUNDARY, BOUNDARY)
        for item in size.boundaries
    }


def _boundary_titles(size: Measure, boxes: dict[str, Box]) -> dict[str, Text]:
    """Right of the line that leaves downward."""
    found = {}
    for item in size.boundaries:
        box = boxes[item.name]
        place = Box(box.center[0] + 6, box.bottom + 2, *item.title_size)
        found[item.name] = Text(item.title, place, "start")
    return found


def _title(center: Point, size: Measure, ports: Ports, name: str) -> Text:
    x, y = center
    width, height = size.title_size
    if size.inside:
        top = y - height / 2 + size.shift
        return Text(size.title, Box(x - width / 2, top, width, height))
    half = size.symbol[1] / 2
    used = ports.used(name)
    if not {"top", "bottom"} <= used:
        top = y + half + 4 if "bottom" not in used else y - half - 4 - height
        return Text(size.title, Box(x - width / 2, top, width, height))
    # both tips are taken: above on the left, where only the way in passes
    return Text(size.title, Box(x - 12 - width, y - 15 - height, width, height), "end")


def _points(raw: Mapping[str, Any]) -> list[Point]:
    return [(point["x"], point["y"]) for point in raw["points"]]


def _clipped(edge: Any, points: list[Point], boxes: dict[str, Box]) -> tuple[Point, ...]:
    """Drawn on, or back, to the borders of the symbols."""
    start = _tip(edge.source, points[0], points[1], boxes)
    end = _tip(edge.target, points[-1], points[-2], boxes)
    return straightened([start, *points[1:-1], end])


def _tip(node: Any, outer: Point, inner: Point, boxes: dict[str, Box]) -> Point:
    """Where a line that comes straight at a symbol's middle meets its border."""
    box = boxes[node.name]
    x, y = outer
    if abs(inner[1] - y) < abs(inner[0] - x):
        return (box.right if inner[0] > x else box.x), y
    return x, (box.bottom if inner[1] > y else box.y)


def _at_origin(boxes: dict[str, Box], titles: dict[str, Text], routes: tuple[Route, ...]) -> Layout:
    texts = [*titles.values(), *(route.label for route in routes if route.label)]
    areas = [*boxes.values(), *(text.box for text in texts)]
    xs = [*(b.x for b in areas), *(b.right for b in areas), *(x for route in routes for x, _ in route.points)]
    ys = [*(b.y for b in areas), *(b.bottom for b in areas), *(y for route in routes for _, y in route.points)]
    dx, dy = MARGIN - min(xs), MARGIN - min(ys)
    return Layout(
        width=round(max(xs) + dx + MARGIN, 1),
        height=round(max(ys) + dy + MARGIN, 1),
        boxes={name: box.moved(dx, dy) for name, box in boxes.items()},
        titles={name: text.moved(dx, dy) for name, text in titles.items()},
        edges=tuple(
            Route(
                route.edge,
                tuple((x + dx, y + dy) for x, y in route.points),
                route.label.moved(dx, dy) if route.label else None,
            )
            for route in routes
        ),
    )
