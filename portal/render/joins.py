"""Tells for each join whether every way into it is certain to be used, exactly once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

#: gateways that leave some of their ways unused
_CHOICES = frozenset({"If", "Switch", "SplitFirst"})


def all_arrive(join: Any) -> bool:
    """Whether one token comes in on every way, each time: what BPMN's parallel gateway waits for.

    Between the join and its split nothing may choose, end early or merge without a join of its own. Where that
    is not so the join waits for what can still arrive, as BPMN's inclusive gateway does.
    """
    split = _split_of(join)
    if split is None or is_conditional(split):
        return False
    return all(
        node.kind not in _CHOICES
        and not is_conditional(node)
        and not _has_side_ways(node)
        and (node.kind == "Join" or len(node.incoming) < 2)
        for node in upstream(join, split)
    )


def is_conditional(node: Any) -> bool:
    """Whether it is a split with a branch that is not taken once, each time."""
    return node.kind == "Split" and any(
        edge.label or edge.multiple or edge.condition is not None for edge in node.outgoing
    )


def upstream(node: Any, until: Any = None) -> Iterator[Any]:
    """What leads to a node, the nearest first, up to one that is left out."""
    seen, waiting = {node.name}, [node]
    if until is not None:
        seen.add(until.name)
    while waiting:
        for edge in waiting.pop(0).incoming:
            source = edge.source.host or edge.source
            if source.name not in seen:
                seen.add(source.name)
                waiting.append(source)
                yield source


def _split_of(join: Any) -> Any:
    """The nearest split through which every way to the join leads."""
    return next((node for node in upstream(join) if node.kind == "Split" and _guards(node, join)), None)


def _guards(split: Any, join: Any) -> bool:
    return all(node.incoming for node in upstream(join, split))


def _has_side_ways(node: Any) -> bool:
    nodes = node.flow_class.definition.nodes.values()
    return any(other.host is node and other.kind != "CompensationBoundary" for other in nodes)
