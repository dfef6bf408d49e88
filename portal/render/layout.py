"""Where everything of a flow's picture goes.

1. Every node gets an outline that has room for its title and its boundary events, mirrored about its centre, because
   graphlay lines nodes up by their centres.
2. graphlay places the outlines, left to right.
3. Turned upside down if that brings boundary events' ways below their hosts and branches into their order.
4. With the places known, each edge gets its ports, and graphlay routes again.
5. Edges are drawn on from the outlines to the symbols, and labels find free places beside them.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import graphlay

from .labels import place_labels
from .measure import BOUNDARY, EDGE_FONT, Measure, label_lines, measure
from .ports import Ports, assign_ports
from .shapes import is_boundary
from .text import Box, Text, block_size

MARGIN = 16.0
Point = tuple[float, float]

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
    sizes = {node.name: measure(node) for node in nodes}
    ports = Ports.of_boundaries(edges, sizes)
    centers = _oriented(_run(nodes, edges, sizes, ports), edges, definition)
    ports = assign_ports(edges, sizes, centers)
    routed = _run(nodes, edges, sizes, ports, centers)
    boxes = {name: _around(centers[name], size.symbol) for name, size in sizes.items()}
    for node in nodes:
        boxes.update(_boundary_boxes(node, boxes[node.name], sizes[node.name]))
    titles = {node.name: _title(centers[node.name], sizes[node.name], ports, node.name) for node in nodes}
    for node in nodes:
        titles.update(_boundary_titles(sizes[node.name], boxes))
    points = [_clipped(edge, _points(raw), boxes) for edge, raw in zip(edges, routed.edges, strict=True)]
    labels = place_labels(edges, points, boxes, titles)
    routes = tuple(Route(*way) for way in zip(edges, points, labels, strict=True))
    return _at_origin(boxes, titles, routes)


def host_of(node: Any) -> Any:
    """The node itself, or the one that a boundary event sits on."""
    return node.host if is_boundary(node) else node


def _run(
    nodes: list[Any], edges: list[Any], sizes: dict[str, Measure], ports: Ports, at: dict[str, Point] | None = None
) -> graphlay.Layout:
    graph = graphlay.Graph()
    for node in nodes:
        width, height = sizes[node.name].outline
        fields = {"position": {"x": at[node.name][0], "y": at[node.name][1]}} if at else {}
        graph.node(node.name, width=width, height=height, **fields)
    for number, edge in enumerate(edges):
        fields = ports.fields(number)
        if lines := label_lines(edge):
            width, height = block_size(lines, *EDGE_FONT)
            fields["label_size"] = {"width": width + 12, "height": height}
        graph.edge(host_of(edge.source).name, edge.target.name, **fields)
    return (graphlay.reroute if at else graphlay.layout)(graph, options=_OPTIONS)


def _oriented(placed: graphlay.Layout, edges: list[Any], definition: Any) -> dict[str, Point]:
    centers: dict[str, Point] = placed.positions()
    if _disorder(centers, edges, definition, 1) > _disorder(centers, edges, definition, -1):
        return {name: (x, -y) for name, (x, y) in centers.items()}
    return centers


def _disorder(centers: dict[str, Point], edges: list[Any], definition: Any, sign: int) -> int:
    """How much would be upside down if all y were multiplied by the sign."""
    found = 0
    for edge in edges:
        if is_boundary(edge.source) and sign * (centers[edge.target.name][1] - centers[edge.source.host.name][1]) < -1:
            found += 3
    for node in definition.nodes.values():
        heights = [sign * centers[edge.target.name][1] for edge in node.outgoing]
        found += sum(a > b + 1 for i, a in enumerate(heights) for b in heights[i + 1 :])
    return found


def _around(center: Point, size: tuple[float, float]) -> Box:
    return Box(center[0] - size[0] / 2, center[1] - size[1] / 2, *size)


def _boundary_boxes(node: Any, host: Box, size: Measure) -> dict[str, Box]:
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
    """Drawn on, or back, to the borders of the symbols, without points that bend nothing."""
    start = _tip(edge.source, points[0], points[1], boxes)
    end = _tip(edge.target, points[-1], points[-2], boxes)
    kept = [start]
    for point in [*points[1:-1], end]:
        if len(kept) > 1 and _in_line(kept[-2], kept[-1], point):
            kept[-1] = point
        elif point != kept[-1]:
            kept.append(point)
    return tuple(kept)


def _tip(node: Any, outer: Point, inner: Point, boxes: dict[str, Box]) -> Point:
    """Where a line that comes straight at a symbol's middle meets its border."""
    box = boxes[node.name]
    x, y = outer
    if abs(inner[1] - y) < abs(inner[0] - x):
        return (box.right if inner[0] > x else box.x), y
    return x, (box.bottom if inner[1] > y else box.y)


def _in_line(a: Point, b: Point, c: Point) -> bool:
    return abs((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])) < 0.01


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
