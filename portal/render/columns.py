"""From left to right: each node in the column behind all that lead to it, and how wide the columns are."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from .measure import EDGE_FONT, Measure, label_lines
from .order import depths, host_of
from .shapes import is_boundary
from .text import block_size

#: between two columns, and what a label needs beside its own width
_GAP, _LABEL_GAP = 48.0, 34.0
#: how far right of its boundary event the middle of a handler stands, beside a neighbour's way down
_ASIDE = 16.0


def columns(definition: Any, sizes: dict[str, Measure]) -> dict[str, float]:
    """The middle of each node, in px from the left. What takes a step back stands below that step."""
    depth = depths(definition)
    shifts = {node.name: _shift(node, sizes) for node in _nodes(definition)}
    members = defaultdict(list)
    for name in shifts:
        members[depth[name]].append(name)
    reach = {
        column: (
            max(sizes[name].width / 2 - shifts[name] for name in names),
            max(sizes[name].width / 2 + shifts[name] for name in names),
        )
        for column, names in members.items()
    }
    gaps = _gaps(definition, depth, sizes, reach)
    middles: dict[int, float] = {}
    right = 0.0
    for column in sorted(members):
        middles[column] = right + reach[column][0]
        right = middles[column] + reach[column][1] + gaps[column]
    return {name: middles[depth[name]] + shift for name, shift in shifts.items()}


def _nodes(definition: Any) -> list[Any]:
    return [node for node in definition.nodes.values() if not is_boundary(node)]


def _shift(node: Any, sizes: dict[str, Measure]) -> float:
    """A handler stands right below its boundary event if another event's way down needs the room."""
    for edge in node.incoming:
        if edge.source.kind == "CompensationBoundary" and len(sizes[edge.source.host.name].boundaries) > 1:
            return sizes[edge.source.host.name].offset_of(edge.source.name) + _ASIDE
    return 0.0


def _gaps(
    definition: Any, depth: dict[str, int], sizes: dict[str, Measure], reach: dict[int, tuple[float, float]]
) -> dict[int, float]:
    """The room behind each column, so that the labels of the ways out of it fit in."""
    gaps: dict[int, float] = defaultdict(lambda: _GAP)
    for node in definition.nodes.values():
        host = host_of(node).name
        column = depth[host]
        for edge in node.outgoing:
            if lines := label_lines(edge):
                room = reach[column][1] - sizes[host].symbol[0] / 2
                if depth[edge.target.name] == column + 1:
                    room += reach[column + 1][0] - sizes[edge.target.name].symbol[0] / 2
                gaps[column] = max(gaps[column], block_size(lines, *EDGE_FONT)[0] + _LABEL_GAP - room)
    return gaps
