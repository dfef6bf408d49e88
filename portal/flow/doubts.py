"""What is legal in a flow and may well be a slip: what `portal flows check` says beside the faults."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from .names import guess, near
from .reference import Expression, Reference

if TYPE_CHECKING:
    from .base import Node
    from .declaration import Flow


def doubts(flow_class: type[Flow], flows: Iterable[type[Flow]]) -> Iterator[str]:
    """What may be a slip in a flow, each with its node.

    Args:
        flows: all that there are: a signal of one is another one's.
    """
    there = list(flows)
    for node in flow_class.definition.nodes.values():
        for doubt in (
            *_cases(node),
            *_signals(node, there),
            *_codes(node),
            *_escalations(node, there),
            *_permission(node, there),
        ):
            yield f"{flow_class.__name__}.{node.name}: {doubt}"


def _cases(node: Node) -> Iterator[str]:
    """Branches of a choice that cannot be taken."""
    if node.kind != "Switch":
        return
    seen: dict[object, str] = {}
    for edge in node.outgoing:
        key = _sameness(edge.condition)
        if edge.condition is not None and key in seen:
            yield f"the case of {edge.target.name} is never taken: {seen[key]} has the same condition before it"
        seen.setdefault(key, edge.target.name)


def _sameness(condition: Any) -> object:
    """What two conditions have in common that say the same."""
    if isinstance(condition, Expression):
        return repr(condition)
    return condition.name if isinstance(condition, Reference) else id(condition)


def _signals(node: Node, flows: list[type[Flow]]) -> Iterator[str]:
    if not node.signal:
        return
    others = [each for flow in flows for each in flow.definition.nodes.values() if each.signal]
    throws = node.kind == "SignalThrow"
    known = {str(each.signal) for each in others if (each.kind == "SignalThrow") is not throws}
    if node.signal in known:
        return
    close = near(node.signal, known)
    mend = f"; did you mean {close!r}?" if close else ""
    if throws:
        yield f"no flow waits for the signal {node.signal!r}{mend}"
    else:
        yield f"no flow throws the signal {node.signal!r}{mend or ': your code or a program has to'}"


def _codes(node: Node) -> Iterator[str]:
    """Codes of `.OnError` on a called process with which that never ends."""
    called = _called(node)
    if called is None:
        return
    ends = {
        str(each.code) for each in called.definition.nodes.values() if each.kind == "ErrorEnd" and each.code
    }
    for boundary in node.boundaries:
        code = getattr(boundary, "code", None) if boundary.kind == "ErrorBoundary" else None
        # what the start's own function raises is caught by the name of its class
        if isinstance(code, str) and code not in ends and not code[:1].isupper():
            yield f"no ErrorEnd of {called.__name__} has the code {code!r}{guess(code, sorted(ends), '')}"


def _escalations(node: Node, flows: list[type[Flow]]) -> Iterator[str]:
    if node.kind == "EscalationThrow":
        thrown_here: str = getattr(node, "code", "")
        heard = (
            each for flow in flows for host in flow.definition.nodes.values() for each in host.boundaries
        )
        if not any(each.hears(thrown_here) for each in heard):
            yield f"no .OnEscalation of any flow listens to the code {thrown_here!r}: it is ignored"
    called = _called(node)
    if called is None:
        return
    thrown = _thrown_below(called, set())
    for boundary in node.boundaries:
        if boundary.kind != "EscalationBoundary" or any(map(boundary.hears, thrown)):
            continue
        code = getattr(boundary, "code", None)
        wanted = f" with the code {code!r}{guess(code, sorted(thrown), '')}" if code else ""
        yield f"nothing in {called.__name__} throws an escalation{wanted}"


def _thrown_below(flow_class: type[Flow], seen: set[type[Flow]]) -> set[str]:
    """The codes of the escalations in a flow and in those that it calls."""
    seen.add(flow_class)
    found: set[str] = set()
    for node in flow_class.definition.nodes.values():
        if node.kind == "EscalationThrow":
            found.add(getattr(node, "code", ""))
        called = _called(node)
        if called is not None and called not in seen:
            found |= _thrown_below(called, seen)
    return found


def _permission(node: Node, flows: list[type[Flow]]) -> Iterator[str]:
    """A permission that no other step asks for, and that is nearly one of others."""
    asked = node.permission
    if not asked or getattr(node, "_auto_permission", False):
        return
    others = {
        each.permission
        for flow in flows
        for each in flow.definition.nodes.values()
        if each is not node and each.permission
    }
    meant = None if asked in others else near(asked, others, closeness=0.9)
    if meant and re.sub(r"\d", "", meant) != re.sub(r"\d", "", asked):  # steps may be numbered
        yield f"no other step asks for the permission {asked!r}; did you mean {meant!r}?"


def _called(node: Any) -> type[Flow] | None:
    """The flow that a node calls."""
    return node.start_node().flow_class if node.calls_processes else None
