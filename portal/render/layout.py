"""Where everything of a flow's picture goes.

1. Every node gets an outline that has room for its title and its boundary events, mirrored about its centre,
   because graphlay lines nodes up by their centres.
2. graphlay places the outlines, left to right, as if no edge led back.
3. What only boundary events lead to goes below; branches are turned upside down if that brings order.
4. Neighbours at almost one height are brought to one. With the places known, each edge gets its ports, and
   graphlay routes again.
5. Edges are drawn on from the outlines to the symbols, edges that lead back, or would run over
   a node, find their ways around, and labels find free places.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

from .geometry import Point, around, meets, segments, straightened, upright
from .labels import place_labels
from .loops import route_loop
from .measure import BOUNDARY, Measure, measure
from .order import backward_edges, host_of
from .placement import aligned, raw_centers, run
from .ports import Ports, forward_ports
from .shapes import boundaries_of, is_boundary
from .text import Box, Text

MARGIN = 16.0


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
    centers = aligned(raw_centers(definition, nodes, edges, back, sizes), edges, back, sizes)
    ports = forward_ports(edges, back, sizes, centers)
    routed = iter(run(nodes, back, sizes, ports, centers).edges)
    boxes = {name: around(centers[name], size.symbol) for name, size in sizes.items()}
    for node in nodes:
        boxes.update(_boundary_boxes(boxes[node.name], sizes[node.name]))
    points = [
        () if n in back else _clipped(edge, _points(next(routed)), boxes) for n, edge in enumerate(edges)
    ]
    outlines = {name: around(centers[name], size.outline) for name, size in sizes.items()}
    astray = {number for number, edge in enumerate(edges) if _runs_over(edge, points[number], boxes)}
    for number in sorted(back | astray):
        lines = [line for other, way in enumerate(points) if other != number for line in segments(way)]
        points[number] = route_loop(number, edges[number], ports, sizes, outlines, boxes, lines)
    titles = {node.name: _title(centers[node.name], sizes[node.name], ports, node.name) for node in nodes}
    for node in nodes:
        titles.update(_boundary_titles(sizes[node.name], boxes))
    labels = place_labels(edges, points, boxes, titles)
    routes = tuple(Route(*way) for way in zip(edges, points, labels, strict=True))
    return _at_origin(boxes, titles, routes)


def _boundary_boxes(host: Box, size: Measure) -> dict[str, Box]:
    return {
        item.name: Box(
            host.center[0] + item.offset - BOUNDARY / 2, host.bottom - BOUNDARY / 2, BOUNDARY, BOUNDARY
        )
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
    return Text(size.title, Box(x - 6 - width, y - half - 3 - height, width, height), "end")


def _points(raw: Mapping[str, Any]) -> list[Point]:
    return [(point["x"], point["y"]) for point in raw["points"]]


def _clipped(edge: Any, points: list[Point], boxes: dict[str, Box]) -> tuple[Point, ...]:
    """Drawn on, or back, to the borders of the symbols."""
    start = _tip(edge.source, points[0], points[1], boxes)
    end = _tip(edge.target, points[-1], points[-2], boxes)
    return straightened(upright([start, *points[1:-1], end]))


def _runs_over(edge: Any, points: tuple[Point, ...], boxes: dict[str, Box]) -> bool:
    """Whether a way that was told where to leave runs into a node there."""
    ends = {edge.source.name, host_of(edge.source).name, edge.target.name}
    ends |= {boundary.name for end in (edge.source, edge.target) for boundary in boundaries_of(host_of(end))}
    others = [box for name, box in boxes.items() if name not in ends]
    return any(meets(box, line, -1) for box in others for line in segments(points))


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
    ys = [
        *(b.y for b in areas),
        *(b.bottom for b in areas),
        *(y for route in routes for _, y in route.points),
    ]
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
