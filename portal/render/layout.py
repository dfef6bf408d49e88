"""Where everything of a flow's picture goes.

1. Every node gets a room for its symbol, its title and its boundary events.
2. `columns` says how far to the right it stands, `rows` how far down.
3. `ways` finds a way for each edge, from border to border: the straight ones first, those that lead back last.
4. Titles go where no edge leaves, and labels find free places.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

from portal.language import locale

from .columns import columns
from .geometry import Point, around
from .labels import place_labels
from .measure import BOUNDARY, Measure, measure
from .order import backward_edges, host_of
from .routing import Ways
from .rows import rows
from .shapes import is_boundary
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


def layout(flow_class: type) -> Layout:
    """The layout of a flow in the reader's language; it is kept, since a flow changes only with its code."""
    return _layout(flow_class, str(locale()))


@functools.lru_cache(maxsize=512)
def _layout(flow_class: type, _language: str) -> Layout:
    return place(flow_class.definition)  # type: ignore[attr-defined]


def place(definition: Any) -> Layout:
    """Lay a definition out."""
    nodes = [node for node in definition.nodes.values() if not is_boundary(node)]
    edges = [edge for node in definition.nodes.values() for edge in node.outgoing]
    sizes = {node.name: measure(node) for node in nodes}
    middles = rows(definition, columns(definition, sizes), sizes)
    boxes = {name: around(middles[name], size.symbol) for name, size in sizes.items()}
    for node in nodes:
        boxes.update(_boundary_boxes(boxes[node.name], sizes[node.name]))
    ways = Ways(boxes, {name: size.room_at(middles[name]) for name, size in sizes.items()}, sizes)
    points = _routed(edges, backward_edges(definition), middles, ways)
    titles = {node.name: _title(middles[node.name], sizes[node.name], ways.used(node.name)) for node in nodes}
    for node in nodes:
        titles.update(_boundary_titles(sizes[node.name], boxes))
    labels = place_labels(edges, points, boxes, titles)
    routes = tuple(Route(*way) for way in zip(edges, points, labels, strict=True))
    return _at_origin(boxes, titles, routes)


def _routed(
    edges: list[Any], back: set[int], middles: dict[str, Point], ways: Ways
) -> list[tuple[Point, ...]]:
    """The edges' ways. Straight ones come first, then the shorter ones, loops last."""

    def rank(edge: Any) -> tuple[bool, bool, float]:
        (ax, ay), (bx, by) = middles[host_of(edge.source).name], middles[edge.target.name]
        straight = ay == by and not any(ay == y and ax < x < bx for x, y in middles.values())
        bent = is_boundary(edge.source) or not straight
        return id(edge) in back, bent, abs(bx - ax) + abs(by - ay)

    found = {id(edge): ways.find(edge, id(edge) in back) for edge in sorted(edges, key=rank)}
    return [found[id(edge)] for edge in edges]


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


def _title(middle: Point, size: Measure, used: set[str]) -> Text:
    x, y = middle
    width, height = size.title_size
    anchor, half = "middle", size.symbol[1] / 2
    left, top = x - width / 2, y - half - 4 - height
    if size.inside:
        top = y - height / 2 + size.shift
    elif "bottom" not in used:
        top = y + half + 4
    elif "top" in used:
        # both tips are taken: above on the left, where only the way in passes
        anchor, left, top = "end", x - 6 - width, y - half - 3 - height
    return Text(size.title, Box(left, top, width, height), anchor, size.notes)


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
