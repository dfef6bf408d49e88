"""The order in which the nodes of a flow are read, and which edges lead back."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from .shapes import is_boundary


def host_of(node: Any) -> Any:
    """The node itself, or the one that a boundary event sits on."""
    return node.host if is_boundary(node) else node


def backward_edges(definition: Any) -> set[int]:
    """The ids of the edges that close a loop, seen from the starts along the branches as declared."""
    return _walked(_roots(definition), _ways)[1]


def depths(definition: Any) -> dict[str, int]:
    """How many steps lie before each node at most, loops aside; what takes a step back counts as that step."""
    finished, back = _walked(_roots(definition), _ways)
    found = {node.name: 0 for node in finished}
    for node in reversed(finished):
        for edge in _ways(node):
            if id(edge) not in back:
                step = 0 if edge.source.kind == "CompensationBoundary" else 1
                found[edge.target.name] = max(found[edge.target.name], found[node.name] + step)
    return found


@lru_cache(maxsize=512)
def reading_order(definition: Any) -> tuple[Any, ...]:
    """All nodes, a node after those that lead to it (loops aside), each branch to its end before the next.

    Boundary events stand behind their hosts, and what they lead to behind what the hosts lead to.
    """
    back = backward_edges(definition)

    def last_first(node: Any) -> list[Any]:
        return [edge for edge in reversed(_ways(node)) if id(edge) not in back]

    finished, _ = _walked(_roots(definition, last_first=True), last_first)
    return tuple(each for node in reversed(finished) for each in (node, *node.boundaries))


def _roots(definition: Any, last_first: bool = False) -> list[Any]:
    """What nothing leads to, and then all others, lest there be a loop that nothing leads to."""
    hosts = [node for node in definition.nodes.values() if not is_boundary(node)]
    return sorted(hosts[::-1] if last_first else hosts, key=lambda node: bool(node.incoming))


def _ways(node: Any) -> list[Any]:
    """The ways out of a node and of the boundary events on it."""
    return [edge for source in (node, *node.boundaries) for edge in source.outgoing]


def _walked(roots: list[Any], ways_of: Callable[[Any], list[Any]]) -> tuple[list[Any], set[int]]:
    """Depth first, without recursion: the nodes in the order in which they are left, and the edges that lead back."""
    finished: list[Any] = []
    back: set[int] = set()
    begun: set[str] = set()
    for root in roots:
        if root.name in begun:
            continue
        begun.add(root.name)
        stack = [(root, iter(ways_of(root)))]
        while stack:
            node, ways = stack[-1]
            edge = next(ways, None)
            if edge is None:
                finished.append(node)
                stack.pop()
            elif edge.target.name not in begun:
                begun.add(edge.target.name)
                stack.append((edge.target, iter(ways_of(edge.target))))
            elif any(edge.target is other for other, _ in stack):
                back.add(id(edge))
    return finished, back
