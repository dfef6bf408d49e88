"""Faults of a flow that can be seen before it runs."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from . import notices, soundness

if TYPE_CHECKING:
    from .base import Node
    from .definition import Definition

#: attributes of a flow class that a node may not be named like
RESERVED = frozenset(
    {
        *("process_class", "process_summary_template", "process_result_template", "propagate_errors"),
        *("process_notices", "process_webhooks"),
        *(
            "id",
            "data",
            "status",
            "process",
            "task",
            "user",
            "flow",
            "created",
            "finished",
            "artifact",
            "seed",
        ),
    }
)


def faults(definition: Definition) -> Iterator[str]:
    """Each fault as a sentence with the class, the node and the mend."""
    flow = definition.flow_class.__name__
    nodes = definition.nodes
    for node in nodes.values():
        for fault in node.faults():
            yield f"{flow}.{node.name}: {fault}"
    yield from (f"{flow}.{fault}" for fault in _process_faults(definition))
    if not nodes:  # a base class that only offers methods to its heirs
        return
    if not definition.starts:
        yield f"{flow}: no start; add flow.Start(…) or flow.StartHandle(…)"
        return
    yield from (f"{flow}.{fault}" for fault in _graph_faults(definition))


def _process_faults(definition: Definition) -> Iterator[str]:
    process_class = definition.process_class
    if process_class is not None and not hasattr(process_class, "flow_label"):
        yield f"process_class: {process_class!r} is not a subclass of portal.models.Process"
    yield from notices.faults(definition.flow_class)


def _graph_faults(definition: Definition) -> Iterator[str]:
    nodes = definition.nodes
    from_starts = set().union(*({start.name, *reached(start)} for start in definition.starts))
    handlers = {edge.target.name for edge in _compensations(definition)}
    for name, node in nodes.items():
        if name in handlers or node.compensates:
            continue  # only a compensation leads here, and back to where it was thrown
        if name not in from_starts:
            yield f"{name}: nobody leads to this node; let another node lead to it, or remove it"
        elif not node.ends and not node.outgoing:
            yield f"{name}: the path ends here without an End; add .Next(this.end)"
        elif hasattr(node, "Next") and not node.splits and len(node.outgoing) > 1:
            yield f"{name}: has {len(node.outgoing)} .Next(…); one is enough, or use a Split"
    yield from soundness.faults(definition)


def _compensations(definition: Definition) -> Iterator[Any]:
    for node in definition.nodes.values():
        if node.compensates:
            yield from node.outgoing


def neighbours(node: Node) -> Iterator[Node]:
    """Where a token at this node can go next, through its boundary events too."""
    if not node.compensates:
        for edge in node.outgoing:
            yield edge.target
        yield from node.boundaries


def in_order(node: Node) -> list[str]:
    """The names of what can be reached from a node, nearest first."""
    found: dict[str, None] = {}
    queue: list[Any] = list(neighbours(node))
    while queue:
        following: list[Any] = []
        for each in queue:
            if each.name not in found:
                found[each.name] = None
                following.extend(neighbours(each))
        queue = following
    return list(found)


def reached(node: Node) -> list[str]:
    return in_order(node)


def closing(node: Node, races: bool = True) -> frozenset[str]:
    """The joins that close the split whose branch begins at this node.

    Splits and joins nest like brackets: a join met while an inner split is open closes the inner one. Without
    `races` a race opens no bracket: one branch of it is left, which may go straight to the outer split's join.
    """
    found: set[str] = set()
    seen: set[tuple[str, int]] = set()
    stack = [(node, 0)]
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
        opens = at.splits and (races or not at.races)
        for following in neighbours(at):
            stack.append((following, min(depth + opens, len(at.flow_class._definition.nodes))))
    return frozenset(found)


def guess(name: str | None, known: Iterable[str]) -> str:
    """A mend for a name that is not known."""
    known = list(known)
    close = difflib.get_close_matches(name or "", known, 1)
    if close:
        return f"; did you mean this.{close[0]}?"
    return f"; there are: {', '.join(known)}" if known else ""
