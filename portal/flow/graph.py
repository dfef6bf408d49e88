"""Walks over the graph of a flow: what comes after a node, and which joins close a split."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .base import Node


def neighbours(node: Node) -> Iterator[Node]:
    """Where a token at this node can go next, through its boundary events too."""
    if not node.compensates:
        for edge in node.outgoing:
            yield edge.target
        yield from node.boundaries


def in_order(node: Node) -> list[str]:
    """The names of what can be reached from a node, nearest first."""
    found: dict[str, None] = {}
    queue = list(neighbours(node))
    while queue:
        following: list[Node] = []
        for each in queue:
            if each.name not in found:
                found[each.name] = None
                following.extend(neighbours(each))
        queue = following
    return list(found)


def closing(node: Node, opens: Callable[[Node], bool] = lambda node: node.splits) -> frozenset[str]:
    """The joins that close the split whose branch begins at this node.

    Splits and joins nest like brackets: a join met while an inner split is open closes the inner one.

    Args:
        opens: which nodes open a bracket.
    """
    found: set[str] = set()
    seen: set[tuple[str, int]] = set()
    stack = [(node, 0)]
    deepest = len(node.flow_class.definition.nodes)
    while stack:
        at, depth = stack.pop()
        if (at.name, depth) in seen:
            continue
        seen.add((at.name, depth))
        if at.merges:
            if depth == 0:
                found.add(at.name)
                continue
            depth -= 1
        inside = min(depth + opens(at), deepest)
        stack.extend((each, inside) for each in neighbours(at))
    return frozenset(found)


def level(head: Node, closing: frozenset[str] = frozenset()) -> tuple[frozenset[str], frozenset[str]]:
    """Where a token can be that was at this node: its own way, and no branch of a split on it.

    Args:
        closing: the joins of the split whose branch begins at this node.

    Returns:
        The names of the nodes on its way, and those of the joins at which its way meets others.
    """
    on_way, meeting = set(), set()
    seen: set[tuple[str, int]] = set()
    stack = [(head, 0)]
    deepest = len(head.flow_class.definition.nodes)
    while stack:
        at, depth = stack.pop()
        if (at.name, depth) in seen:
            continue
        seen.add((at.name, depth))
        if at.merges and (depth == 0 or at.name in closing):
            meeting.add(at.name)
            continue
        if at.merges:
            depth -= 1  # the join of an inner split: its token is the split's own
        elif depth == 0:
            on_way.add(at.name)
        for each in neighbours(at):  # an event on a split, or on any task, has the token of that
            inside = min(depth + at.splits, deepest) if each.host is not at else depth
            stack.append((each, inside))
    return frozenset(on_way), frozenset(meeting)
