"""Exports the history for process mining: OCEL 2.0 in JSON, and XES (IEEE 1849)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any

from portal.jsonstore import storable
from portal.models import Event
from portal.web.xes import Attributes, log

Plain = dict[str, Any]

#: the attributes of what events and objects are of, all of them texts
_OF_EVENT = ("action", "from_state", "to_state", "title", "reason")
_OF_OBJECT = {"task": ("node", "title"), "person": ("name",)}


def ocel(events: Iterable[Event]) -> Plain:
    """The events with the processes, tasks and people that they are about.

    The type of an event is the flow, the step and the state that it led to: `order.approve.done`, `order.new`. The type
    of a process is its flow.
    """
    found: list[Plain] = []
    objects: dict[str, Plain] = {}
    kinds: dict[str, tuple[str, ...]] = {}
    for event in events:
        process, task, user = event.process, event.task, event.user
        names = (process.flow_label, *((task.flow_task,) if task is not None else ()), event.to_state.lower())
        about = [_object(objects, "process", process.id, process.flow_label, process.created)]
        if task is not None:
            said = {"node": task.flow_task, "title": task.title}
            about.append(_object(objects, "task", task.id, "task", task.created, said, of=about[0]))
        if user is not None:
            name = {"name": user.name}
            about.append(_object(objects, "person", user.username, "person", event.created, name, "by"))
        kind = ".".join(names)
        kinds[kind] = _OF_EVENT
        told = _public(event)
        found.append(
            {
                "id": str(event.id),
                "type": kind,
                "time": _moment(event.created),
                "attributes": [{"name": name, "value": told[name]} for name in _OF_EVENT if told[name]],
                "relationships": about,
            }
        )
    types = dict.fromkeys(each["type"] for each in objects.values())
    return {
        "event_types": [_type(kind, names) for kind, names in sorted(kinds.items())],
        "object_types": [_type(kind, _OF_OBJECT.get(kind, ())) for kind in sorted(types)],
        "events": found,
        "objects": list(objects.values()),
    }


def _type(name: str, attributes: Iterable[str]) -> Plain:
    return {"name": name, "attributes": [{"name": each, "type": "string"} for each in attributes]}


def _object(
    objects: dict[str, Plain],
    kind: str,
    key: object,
    name: str,
    since: dt.datetime,
    said: Plain | None = None,
    qualifier: str = "",
    of: Plain | None = None,
) -> Plain:
    """Note an object, and say how an event is about it."""
    place = f"{kind}:{key}"
    values = [
        {"name": each, "value": storable(str(value)), "time": _moment(since)}
        for each, value in (said or {}).items()
    ]
    related = [] if of is None else [of | {"qualifier": "of"}]
    objects.setdefault(place, {"id": place, "type": name, "attributes": values, "relationships": related})
    return {"objectId": place, "qualifier": qualifier or kind}


def xes(events: Iterable[Event]) -> Iterator[str]:
    """The events in a trace for each process: one that is read on has traces of the same names."""
    traces: dict[int, list[Event]] = {}
    for event in events:
        traces.setdefault(event.process_id, []).append(event)
    return log(
        ({"concept:name": str(process_id), "flow": found[0].process.flow_label}, map(_event, found))
        for process_id, found in traces.items()
    )


def _event(event: Event) -> Attributes:
    return {
        "concept:name": event.process.flow_label if event.task is None else event.task.flow_task,
        "lifecycle:transition": event.to_state.lower(),
        "org:resource": None if event.user is None else event.user.username,
        "time:timestamp": event.created,
        "id": event.id,
        **_public(event),
    }


def _public(event: Event) -> dict[str, str]:
    """What is said to everybody who sees the process."""
    reason = (event.detail or {}).get("reason")
    return {
        "action": event.action,
        "from_state": event.from_state or "",
        "to_state": event.to_state,
        "title": "" if event.task is None else str(event.task.title),
        "reason": storable(reason) if isinstance(reason, str) else "",
    }


def _moment(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat()
