"""What a picture says about a node."""

from __future__ import annotations

import datetime as dt
from typing import Any

_UNITS = (("week", 7 * 86400), ("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


#: boundary events without a code
_UNNAMED = {
    "ErrorBoundary": "Any error",
    "EscalationBoundary": "Escalation",
    "CompensationBoundary": "Taken back",
}


def caption(node: Any) -> str:
    """A node's title; a boundary event, which its author cannot name, says when it fires."""
    if node.kind == "TimeoutBoundary":
        return _moment(getattr(node, "delay", None))
    if node.kind in _UNNAMED:
        return code_of(node) or _UNNAMED[node.kind]
    return str(node.title)


def code_of(node: Any) -> str:
    """The code or name that a node throws or catches, empty if it has none."""
    code = next(
        (getattr(node, name) for name in ("code", "signal", "signal_name") if getattr(node, name, None)), ""
    )
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
    if isinstance(delay, dt.datetime):
        return f"On {delay:%Y-%m-%d %H:%M}"
    return "When overdue"
