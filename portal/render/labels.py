"""Free places for the labels of edges."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .geometry import Point, Segment, line_of, meets, segments
from .measure import EDGE_FONT, label_lines
from .text import Box, Text, block_size

#: between a label and its line, and between it and all else
_GAP = 3.0
_CROSSED, _SHARED, _FAR = 200.0, 25.0, 6.0


def place_labels(
    edges: list[Any], points: list[tuple[Point, ...]], boxes: dict[str, Box], titles: dict[str, Text]
) -> list[Text | None]:
    """A label for each edge that has one; none lies over a node, a title, a line or another label."""
    taken = [*boxes.values(), *(title.box for title in titles.values())]
    lines = [segments(way) for way in points]
    found: list[Text | None] = []
    for number, edge in enumerate(edges):
        words = label_lines(edge)
        if not words:
            found.append(None)
            continue
        size = block_size(words, *EDGE_FONT)
        others = [segment for other, way in enumerate(lines) if other != number for segment in way]
        box, anchor = _best(lines[number], size, taken, others)
        taken.append(box)
        found.append(Text(words, box, anchor))
    return found


def _best(
    way: list[Segment], size: tuple[float, float], taken: list[Box], others: list[Segment]
) -> tuple[Box, str]:
    options = []
    around = [line_of(other) for other in others]
    for order, (cost, box, anchor, segment) in enumerate(_beside(way, size)):
        if not any(box.overlaps(other, 1) for other in taken):
            cost += _CROSSED * sum(meets(box, other) for other in [*way, *others])
            line = line_of(segment)
            cost += _SHARED * any(each.runs_along(line) for each in around)
            options.append((cost, order, box, anchor))
    if options and min(options)[0] < _CROSSED:
        _, _, box, anchor = min(options)
        return box, anchor
    return _nearest(way, size, taken, [*way, *others]), "middle"


def _beside(way: list[Segment], size: tuple[float, float]) -> Iterator[tuple[float, Box, str, Segment]]:
    """Places along a way with their costs: near its beginning, above a level line, is best."""
    width, height = size
    for index, (a, b) in enumerate(way):
        cost = _FAR * index
        if a[1] == b[1]:
            left, right = min(a[0], b[0]), max(a[0], b[0])
            cost += 0 if right - left >= width else (width - right + left) / 4
            # clear of the gateway's tip, or of the bend and of a stroke behind it
            inset = 17 if index == 0 else 22
            at_start = left + inset if a[0] < b[0] else right - inset - width
            at_end = left + right - at_start - width
            further = at_start + (24 if a[0] < b[0] else -24)
            for far, x in ((0, at_start), (1, further), (2, (left + right - width) / 2), (4, at_end)):
                yield cost + far, Box(x, a[1] - _GAP - height, width, height), "middle", (a, b)
                yield cost + far + 3, Box(x, a[1] + _GAP, width, height), "middle", (a, b)
        else:
            down = 1 if b[1] > a[1] else -1
            near = a[1] + down * (8 + height / 2)
            for far, y in ((1, near), (5, (a[1] + b[1]) / 2), (7, b[1] - down * (8 + height / 2))):
                yield cost + far, Box(a[0] + _GAP + 2, y - height / 2, width, height), "start", (a, b)
                yield (
                    cost + far + 2,
                    Box(a[0] - _GAP - 2 - width, y - height / 2, width, height),
                    "end",
                    (a, b),
                )


def _nearest(way: list[Segment], size: tuple[float, float], taken: list[Box], lines: list[Segment]) -> Box:
    """The free place nearest to the edge's beginning, or else to a bend of it, on growing squares around."""
    radius = 0
    while True:
        radius += 6
        for (x, y), _ in way:
            for dx, dy in ((1, -1), (1, 1), (0, -1), (0, 1), (1, 0), (-1, -1), (-1, 1), (-1, 0)):
                box = Box(x + dx * radius - size[0] / 2, y + dy * radius - size[1] / 2, *size)
                if not any(box.overlaps(other, 1) for other in taken) and not any(
                    meets(box, line) for line in lines
                ):
                    return box
