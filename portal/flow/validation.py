"""Checks a flow when its class is made: names, ways, and settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from . import attributes, notices, soundness, withdrawal
from .graph import in_order

if TYPE_CHECKING:
    from .definition import Definition

#: attributes of a flow class that a node may not be named like
RESERVED = frozenset(
    {
        *("process_class", "process_summary_template", "process_result_template", "propagate_errors"),
        *("process_notices", "process_webhooks", "webhook_secret", "category", "keywords", "milestones"),
        *("mail_addresses", "mail_from_anyone"),
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
    """Each fault: the name of a node or an attribute, empty for the flow itself, and what is wrong with the mend."""
    nodes = definition.nodes
    for node in nodes.values():
        yield from (f"{node.name}: {fault}" for fault in node.faults())
    yield from _process_faults(definition)
    yield from attributes.faults(definition)
    if not nodes:  # a base class that only offers methods to its heirs
        return
    if not definition.starts:
        yield ": no start; add flow.Start(…) or flow.StartHandle(…)"
        return
    yield from _graph_faults(definition)


def _process_faults(definition: Definition) -> Iterator[str]:
    process_class = definition.process_class
    if process_class is not None and not (
        isinstance(process_class, type) and hasattr(process_class, "flow_label")
    ):
        mend = (
            f"write {type(process_class).__name__}"
            if hasattr(process_class, "flow_label")
            else "derive one from it"
        )
        yield f"process_class: {process_class!r} is not a subclass of portal.models.Process; {mend}"
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
