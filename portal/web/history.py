"""What happened in a process, in words: what people did and decided, what failed, and how its data changed."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from portal.jsonstore import StringField, fields_of
from portal.language import gettext as _
from portal.queries import Happened

from .display.moments import short_span
from .display.values import Row, label_of, stored_row
from .forms.decisions import field_or_column, label_of_value


class Line(NamedTuple):
    """One line of the story."""

    event: Happened
    #: the answer of a decision, as its button had it, and whether that is a yes; None where it is neither
    answer: str
    good: bool | None
    remark: str
    #: how long it was held, or had waited
    note: str


class Changed(NamedTuple):
    """A field that somebody has changed."""

    label: str
    old: Row
    new: Row
    event: Happened


class Entered(NamedTuple):
    """Who has entered the value of a field last."""

    name: str
    moment: dt.datetime


def story(process: Any, events: Iterable[Happened], hidden: frozenset[str]) -> list[Line]:
    """The lines of these events.

    Args:
        events: the latest first.
        hidden: the names of the fields that the reader may not see.
    """
    decided: set[str] = set()
    flow_class, fields = process.flow_class, fields_of(type(process))
    deciding = {
        name: node.view
        for name, node in (flow_class.definition.nodes.items() if flow_class is not None else ())
        if getattr(node.view, "decision", None) is not None
    }
    found = []
    for event in events:
        answer, good, remark = "", None, ""
        finished = event.action == "execute" and event.to_state == "DONE" and event.task is not None
        if event.task is not None and finished and event.task.flow_task in deciding:
            view, entered = deciding[event.task.flow_task], event.detail.get("changes") or {}
            answer, good = _answer(process, view.decision.name, entered, hidden, decided)
            remark = "\n".join(
                str(entered[name][1] or "")
                for name in view.fields
                if name in entered and name not in hidden and isinstance(fields.get(name), StringField)
            )
        found.append(Line(event, answer, good, remark, _note(event)))
    return found


def _answer(
    process: Any, name: str, entered: dict[str, Any], hidden: frozenset[str], decided: set[str]
) -> tuple[str, bool | None]:
    """What was decided: as the history keeps it; what it does not say is what the field says today."""
    if name in hidden or not hasattr(process, name):
        return "", None
    field = field_or_column(type(process), name)
    if name in entered:
        stored = entered[name][1]
        value = field.from_json(stored) if name in fields_of(type(process)) else stored
    elif name in decided:
        return "", None
    else:
        value = getattr(process, name)
    decided.add(name)
    return label_of_value(field, value), value if isinstance(value, bool) else None


def _note(event: Happened) -> str:
    task = event.task
    if event.action in ("send", "add"):
        named = next((event.detail[key] for key in ("message", "signal", "item") if key in event.detail), "")
        return f"“{named if isinstance(named, str) else json.dumps(named, ensure_ascii=False)}”"
    if task is None:
        return ""
    if event.action == "execute" and task.assigned is not None:
        seconds = (event.created - task.assigned).total_seconds()
        return _("had it for %(span)s", span=short_span(seconds)) if seconds >= 60 else ""
    if event.action == "assign" and event.from_state == "NEW":
        seconds = (event.created - task.created).total_seconds()
        return _("it had waited %(span)s", span=short_span(seconds)) if seconds >= 60 else ""
    return ""


def changes(process: Any, events: Iterable[Happened], hidden: frozenset[str]) -> Iterator[Changed]:
    """The fields that were changed by these events, but for those that the reader may not see."""
    model = type(process)
    for event in events:
        for name, (old, new) in (event.detail.get("changes") or {}).items():
            if name not in hidden:
                before, after = stored_row(model, name, old), stored_row(model, name, new)
                yield Changed(label_of(model, name), before, after, event)


def entered(events: Iterable[Happened]) -> dict[str, Entered]:
    """Who entered a field last, and when, where that was not the requester with the request."""
    found: dict[str, Entered | None] = {}
    for event in events:
        for name in event.detail.get("changes") or ():
            requested = event.action == "start"
            found.setdefault(
                name, None if requested or event.user is None else Entered(event.user.name, event.created)
            )
    return {name: who for name, who in found.items() if who is not None}
