"""The order in which a flow is read, and which of its edges lead back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .shapes import boundaries_of, is_boundary


def host_of(node: Any) -> Any:
    """The node itself, or the one that a boundary event sits on."""
    return node.host if is_boundary(node) else node


def backward_edges(definition: Any) -> set[int]:
    """The ids of the edges that close a loop, seen from the starts along the branches as declared."""
    back: set[int] = set()
    _visited(definition, back)
    return back


def depths(definition: Any, handlers: int = 0) -> dict[str, int]:
    """How many steps lie before each node at most, loops aside; `handlers` lie so far behind what they take back."""
    back: set[int] = set()
    finished = _visited(definition, back)
    found = dict.fromkeys(finished, 0)
    for name in reversed(finished):
        for edge in _ways(definition.nodes[name]):
            if id(edge) not in back:
                step = handlers if edge.source.kind == "CompensationBoundary" else 1
                found[edge.target.name] = max(found[edge.target.name], found[name] + step)
    return found


def reading_order(definition: Any) -> list[Any]:
    """All nodes, a node after those that lead to it (loops aside), boundary events behind their hosts."""
    depth = depths(definition, handlers=1)
    place = {name: number for number, name in enumerate(definition.nodes)}
    found = []
    for name in sorted(depth, key=lambda name: (depth[name], place[name])):
        node = definition.nodes[name]
        found += [node, *boundaries_of(node)]
    return found


def _ways(node: Any) -> Iterator[Any]:
    """The ways out of a node and of the boundary events on it."""
    for source in (node, *boundaries_of(node)):
        yield from source.outgoing


def _visited(definition: Any, back: set[int]) -> list[str]:
    """Depth first, without recursion: the names in the order in which they are left."""
    finished: list[str] = []
    begun: set[str] = set()
    hosts = [node for node in definition.nodes.values() if not is_boundary(node)]
    for root in sorted(hosts, key=lambda node: bool(node.incoming)):
        if root.name in begun:
            continue
        begun.add(root.name)
        stack = [(root, _ways(root))]
        while stack:
            node, ways = stack[-1]
            edge = next(ways, None)
            if edge is None:
                finished.append(node.name)
                stack.pop()
            elif edge.target.name not in begun:
                begun.add(edge.target.name)
                stack.append((edge.target, _ways(edge.target)))
            elif any(edge.target is other for other, _ in stack):
                back.add(id(edge))
    return finished
