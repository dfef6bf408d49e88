"""Places for what only boundary events lead to: below the main path, in rows of its own."""

from __future__ import annotations

from typing import Any

from .geometry import Point, around
from .measure import Measure
from .order import host_of
from .shapes import is_boundary
from .text import Box

_GAP = 18.0
_STEP = 4.0


def place_below(
    order: list[Any], main: set[str], sizes: dict[str, Measure], placed: dict[str, Point]
) -> dict[str, Point]:
    """The places with those of the exceptional nodes lowered until they, and the ways to them, are free.

    A node goes on at the height of the one that leads to it. Of several boundary events on one node the
    rightmost has the highest row, so their ways do not cross.
    """
    centers = {name: at for name, at in placed.items() if name in main}
    taken = [around(at, sizes[name].outline) for name, at in centers.items()]
    for node in sorted(
        (node for node in order if node.name not in main and not is_boundary(node)),
        key=lambda node: _rank(node, order, placed, sizes),
    ):
        leading = [edge.source for edge in node.incoming if host_of(edge.source).name in centers]
        centers[node.name] = at = _free(node, leading, sizes, placed[node.name][0], centers, taken)
        left = min([_left(source, centers, sizes) for source in leading], default=at[0])
        box = around(at, sizes[node.name].outline)
        taken += [box, Box(min(left, box.x), at[1] - 6, max(box.x - left, 0), 12)]
    return centers


def _rank(
    node: Any, order: list[Any], placed: dict[str, Point], sizes: dict[str, Measure]
) -> tuple[float, float, int]:
    """Columns from the left; in one column what leaves further right comes first, and so lies higher."""
    left = [_left(edge.source, placed, sizes) for edge in node.incoming if is_boundary(edge.source)]
    return placed[node.name][0], -max(left, default=float("inf")), order.index(node)


def _left(source: Any, centers: dict[str, Point], sizes: dict[str, Measure]) -> float:
    """Where the way out of a node turns to the right."""
    host = host_of(source)
    offsets = {item.name: item.offset for item in sizes[host.name].boundaries}
    return centers[host.name][0] + offsets.get(source.name, sizes[host.name].outline[0] / 2)


def _free(
    node: Any,
    leading: list[Any],
    sizes: dict[str, Measure],
    x: float,
    centers: dict[str, Point],
    taken: list[Box],
) -> Point:
    size = sizes[node.name].outline
    before = [centers[source.name][1] for source in leading if not is_boundary(source)]
    hosts = [
        centers[source.host.name][1] + sizes[source.host.name].outline[1] / 2
        for source in leading
        if is_boundary(source)
    ]
    y = before[0] if before else max(hosts, default=0) + 8 + size[1] / 2
    left = min([_left(source, centers, sizes) for source in leading], default=x)
    while True:
        box = around((x, y), size)
        # the way there, but for its beginning at the node that it comes from
        way = Box(min(left, box.x) + 8, y - 6, max(box.x - left - 10, 0), 12)
        if not any(box.overlaps(other, _GAP) or way.overlaps(other, 4) for other in taken):
            return x, y
        y += _STEP
