"""What an engine has to answer in order to run an exported flow: conditions, scripts and numbers of items, in words."""

from __future__ import annotations

from typing import Any

from portal.flow.base import describe

from .words import caption


def condition(edge: Any) -> str:
    """When a way out of a gateway is taken: the author's expression or the name of the function.

    A way without a condition is always taken. A lambda has neither name nor text, so the way's end stands for it.
    """
    given = edge.condition
    if edge.kind == "then":
        given = edge.source.condition
    if given is None:
        return str(edge.label) or "true"
    return describe(given) or f"to {caption(edge.target)}"


def awaited(node: Any) -> str:
    """What a conditional event waits for, or when a join goes on early."""
    given = node.continue_on_condition if node.kind == "Join" else node.condition
    words = describe(given) if given is not None else ""
    return words or caption(node)


def script(node: Any) -> str:
    """What a step of code does: the name of its function."""
    if node.kind == "CancelRegion":
        return f"cancel {', '.join(each.name for each in node.region)}"
    given = node.func
    return (describe(given) if given is not None else "") or caption(node)


def items(node: Any) -> str:
    """How many children there will be."""
    given = node.items
    if isinstance(given, list | tuple):
        return str(len(given))
    words = describe(given) if given is not None else ""
    return f"len({words})" if words else "the number of items"
