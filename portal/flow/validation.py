"""Checks a flow when its class is made: names, ways, and settings."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from . import notices, soundness, withdrawal
from .graph import in_order

if TYPE_CHECKING:
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
    yield from withdrawal.faults(definition.flow_class)


def _graph_faults(definition: Definition) -> Iterator[str]:
    nodes = definition.nodes
    from_starts = set().union(*({start.name, *in_order(start)} for start in definition.starts))
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


def guess(name: str | None, known: Iterable[str]) -> str:
    """A mend for a name that is not known."""
    known = list(known)
    close = difflib.get_close_matches(name or "", known, 1)
    if close:
        return f"; did you mean this.{close[0]}?"
    return f"; there are: {', '.join(known)}" if known else ""
