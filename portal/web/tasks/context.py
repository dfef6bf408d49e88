"""What a task's page shows beside the form: the process so far."""

from __future__ import annotations

from typing import Any

from portal import queries
from portal.flow.activation import Activation
from portal.flow.base import title_of
from portal.flow.definition import label_of
from portal.models import Event, db

from ..display.values import rows_of
from ..drafts.kept import comments_of
from ..files import Files
from ..layout import read_beside
from .decided import decisions_of

#: what people did, as opposed to what ran by itself
_HUMAN_DEEDS = ("start", "execute", "cancel", "undo", "revive", "reassign")
_STEPS = 8


def form_context(activation: Activation) -> dict[str, Any]:
    """What the template of a form knows."""
    process, task, starts = activation.process, activation.task, activation.node.starts
    if not starts:
        read_beside(process.id, comments_of("tasks", task.id))
    events = [] if starts else queries.timeline(db.session(), process.id, size=40)
    decisions = decisions_of(process, events, activation.user)
    decided = {name for each in decisions for name in each.names}
    return {
        "activation": activation,
        "process": process,
        "task": task,
        "node": activation.node,
        "flow": activation.node.flow_class.definition,
        "starts": starts,
        "data": []
        if starts
        else [row for row in rows_of(process, Files(process)) if row.name not in decided],
        "artifact": None if starts else artifact_of(process),
        "decisions": decisions,
        "earlier": _deeds(events),
    }


def form_templates(node: Any, given: str | None = None) -> tuple[str, ...]:
    """The names of the page of a node's form; the first one that is there is taken.

    Args:
        given: what the view names by `template=`.
    """
    if given:
        return (given,)
    folder = f"portal/{node.flow_class.definition.label}"
    return f"{folder}/{node.name}.html", f"{folder}/form.html", "portal/form.html"


def artifact_of(process: Any, *, visible: bool = True) -> dict[str, Any] | None:
    """The artifact's rows under its name for people; `visible` says whether they may open its files."""
    found = process.artifact
    if found is None:
        return None
    files = Files(process, ("artifact",), visible=visible)
    return {"title": title_of(label_of(type(found).__name__)), "rows": rows_of(found, files)}


def _deeds(events: list[Event]) -> list[Event]:
    """What people did, the latest first."""
    return [event for event in events if event.task is not None and event.action in _HUMAN_DEEDS][:_STEPS]
