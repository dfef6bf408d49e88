"""Checks which addresses a flow takes mail at, and what the mail is for."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .base import Node
from .names import guess
from .reference import Reference

if TYPE_CHECKING:
    from .definition import Definition

_MEND = "as in {'invoices@example.com': this.arrived}"


def nodes(flow_class: Any) -> dict[str, Node]:
    """What mail to an address, or to a name before any `@`, is for."""
    said = flow_class.mail_addresses
    known = flow_class.definition.nodes
    return {address: known[each.name] for address, each in said.items()} if isinstance(said, Mapping) else {}


def faults(definition: Definition) -> Iterator[str]:
    flow_class: Any = definition.flow_class
    said = flow_class.mail_addresses
    if not isinstance(said, Mapping):
        yield f"mail_addresses: takes a mapping of addresses to nodes, {_MEND}, not {said!r}"
        return
    if not isinstance(flow_class.mail_from_anyone, bool):
        yield f"mail_from_anyone: takes True or False, not {flow_class.mail_from_anyone!r}"
    for address, each in said.items():
        if not isinstance(address, str) or not address.strip() or "+" in address or " " in address:
            yield f"mail_addresses: {address!r} is no address without a plus sign, nor the name before its @"
        name = getattr(each, "name", each)
        if not isinstance(each, Reference | Node):
            yield f"mail_addresses: {address!r} leads to {each!r}; write this.<node>"
        elif name not in definition.nodes:
            yield (
                f"mail_addresses: {address!r} names {name!r}, but there is no such node"
                f"{guess(str(name), definition.nodes)}"
            )
        else:
            yield from _unfit(definition, definition.nodes[name])


def _unfit(definition: Definition, node: Node) -> Iterator[str]:
    if not (node.handles or (node.starts and not node.human and not node.schedules)):
        yield f"mail_addresses: mail is for a StartHandle, a Handle or a MessageCatch; {node.name} is a {node.kind}"
        return
    func = node.func
    if isinstance(func, Reference):
        func = getattr(definition.flow_class, func.name, None)
    try:
        parameters = inspect.signature(func).parameters.values() if callable(func) else ()
    except (TypeError, ValueError):
        return
    if func is not None and not any(
        each.name == "mail" or each.kind is each.VAR_KEYWORD for each in parameters
    ):
        yield f"mail_addresses: the function of {node.name} gets the mail as `mail`: add this parameter"
