"""What a picture says about a node."""

from __future__ import annotations

import datetime as dt
from typing import Any

from portal.flow.base import describe
from portal.working_time import WorkingTime

_UNITS = (("week", 7 * 86400), ("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


#: boundary events without a code
_UNNAMED = {
    "ErrorBoundary": "Any error",
    "EscalationBoundary": "Escalation",
    "CompensationBoundary": "Taken back",
}


def caption(node: Any) -> str:
    """A node's title; a boundary event without one says when it fires."""
    own = node._title
    if node.kind == "TimeoutBoundary":
        return own or _moment(node.delay)
    if node.kind in ("MessageBoundary", "SignalBoundary"):
        return own or code_of(node)
    if node.kind in _UNNAMED:
        return own or code_of(node) or _UNNAMED[node.kind]
    return str(node.title)


def label(edge: Any) -> str:
    """What stands at a way; one that makes a token for each item of a source says so."""
    return " · ".join(filter(None, (edge.label, "for each item" if edge.multiple else "")))


def notes(node: Any) -> tuple[str, ...]:
    """What the shape alone does not say about a node, a line each."""
    lines = []
    if mutex := node.mutex:
        lines.append(f"one at a time: {mutex}")
    if (milestone := node.milestone) is not None:
        lines.append(f"only while: {describe(milestone) or 'it is time'}")
    if region := node.region:
        nodes = node.flow_class.definition.nodes
        lines.append(f"cancels {', '.join(caption(nodes[each.name]) for each in region)}")
    if node.kind == "Join":
        lines += _enough(node)
    return tuple(lines)


def _enough(join: Any) -> list[str]:
    """When a join goes on early, and what becomes of the branches that are not in."""
    count, asked = join.count, join.continue_on_condition
    if count is None and asked is None:
        return []
    early = ["the first is enough" if count == 1 else f"{count} are enough"] if count is not None else []
    early += [f"or when: {describe(asked) or 'a condition holds'}"] if asked is not None else []
    rest = "the rest is cancelled" if join.cancel_active else "the rest goes on"
    return [*early, rest, *(["one round at a time"] if join.blocking else [])]


def code_of(node: Any) -> str:
    """The code or name that a node throws or catches, empty if it has none."""
    code = node.code or node.signal or node.message or ""
    return code.__name__ if isinstance(code, type) else str(code)


def span(delay: dt.timedelta) -> str:
    """A span in words: "3 days", "1 hour 30 minutes"."""
    left, parts = round(delay.total_seconds()), []
    for unit, seconds in _UNITS:
        count, rest = divmod(left, seconds)
        if count and not (unit == "week" and rest):
            parts.append(f"{count} {unit}{'s' if count > 1 else ''}")
            left = rest
    return " ".join(parts) or "At once"


def _moment(delay: Any) -> str:
    if isinstance(delay, dt.timedelta):
        return f"After {span(delay)}"
    if isinstance(delay, WorkingTime):
        return f"After {delay}"
    if isinstance(delay, dt.datetime):
        return f"On {delay:%Y-%m-%d %H:%M}"
    return "When overdue"
