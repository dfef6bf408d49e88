"""Processes, tasks and events as plain values for programs: what their pages show, to the same people."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import uuid
from collections.abc import Mapping, Sequence, Set
from typing import Any
from urllib.parse import unquote

from flask import url_for
from sqlalchemy import inspect

from portal import summaries
from portal.engine import visibility
from portal.jsonstore import File, fields_of
from portal.models import Event, Process, Task, User
from portal.web.display.values import own_columns
from portal.web.files import Files, Link


def person(user: User | None) -> dict[str, Any] | None:
    return None if user is None else {"username": user.username, "name": user.name}


def process(found: Process) -> dict[str, Any]:
    """A process in a list."""
    flow_class = found.flow_class
    return {
        "id": found.id,
        "flow": found.flow_label,
        "title": flow_class.definition.title if flow_class is not None else found.flow_label,
        "status": found.status,
        "on_hold": found.on_hold,
        "summary": summaries.of_process(found),
        "created": found.created,
        "created_by": person(found.created_by),
        "finished": found.finished,
    }


def task(found: Task) -> dict[str, Any]:
    """A task in a list."""
    return {
        "id": found.id,
        "number": found.number,
        "process": found.process_id,
        "flow": found.process.flow_label,
        "node": found.flow_task,
        "kind": found.flow_task_type,
        "title": found.title,
        "summary": summaries.of_task(found),
        "status": found.status,
        "owner": person(found.owner),
        "created": found.created,
        "finished": found.finished,
        "due": found.due,
        "priority": found.priority,
    }


def event(found: Event, about: Process, of: Task | None) -> dict[str, Any]:
    """A row of the history. Of its detail only what is said to everybody who sees the process."""
    detail = found.detail or {}
    reason, acting_for, rule = (detail.get(name) for name in ("reason", "for", "rule"))
    return {
        "id": found.id,
        "created": found.created,
        "user": person(found.user),
        "flow": about.flow_label,
        "process": found.process_id,
        "task": found.task_id,
        "node": None if of is None else of.flow_task,
        "title": None if of is None else of.title,
        "action": found.action,
        "from_state": found.from_state,
        "to_state": found.to_state,
        "reason": reason if isinstance(reason, str) else None,
        "acting_for": acting_for if isinstance(acting_for, str) else None,
        "rule": rule if isinstance(rule, str) else None,
    }


def _address(link: Link) -> str | None:
    """Where programs read a file."""
    if link.url is None:
        return None
    return url_for("portal.api.talk.download", file_id=unquote(link.url.rpartition("/")[2]))


def artifact(of: Process, files: Files, reader: User) -> dict[str, Any] | None:
    found = of.artifact
    if found is None:
        return None
    return {"type": type(found).__name__, "data": values(found, files.within("artifact"), reader)}


def values(instance: Any, files: Files, reader: User) -> dict[str, Any]:
    """The fields and own columns of a process or an artifact by name, but for those that the reader may not see.

    Args:
        files: makes the links of its files.
    """
    if inspect(instance, raiseerr=False) is None:
        return {}
    left_out = visibility.hidden_fields(reader, instance)
    found: dict[str, Any] = {}
    for name in (*own_columns(type(instance)), *fields_of(type(instance))):
        if name in left_out:
            continue
        try:
            value = getattr(instance, name)
        except ValueError:  # the document holds what the field cannot read
            value = None
        found[name] = plain(value, files, name)
    return found


def plain(value: Any, files: Files, *path: str) -> Any:
    """A value as JSON, in the form in which a form's schema takes it again; files are links."""
    if value is None or (isinstance(value, bool | int | str) and not isinstance(value, enum.Enum)):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, enum.Enum):
        return plain(value.value, files, *path)
    if isinstance(value, bytes):
        link = files.link(value, *path)
        return {"name": link.name, "type": link.type, "size": len(value), "url": _address(link)}
    if isinstance(value, File):
        link = files.stored(value)
        said = {"id": value.id, "name": link.name, "type": link.type, "size": value.size}
        return said | {"url": _address(link)}
    if isinstance(value, dt.timedelta):
        return _duration(value)
    if isinstance(value, dt.datetime):
        return (value if value.tzinfo else value.replace(tzinfo=dt.UTC)).isoformat()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): plain(each, files, *path, str(name)) for name, each in value.items()}
    if isinstance(value, Sequence | Set):
        return [plain(each, files, *path, str(number)) for number, each in enumerate(value)]
    return _of_object(value, files, *path)


def _of_object(value: Any, files: Files, *path: str) -> Any:
    """A row of a table is its key; an embedded document an object."""
    state = inspect(value, raiseerr=False)
    if state is not None and getattr(state, "identity", None):
        return plain(state.identity[0], files, *path)
    parts = fields_of(type(value))
    if parts:
        return {name: plain(getattr(value, name), files, *path, name) for name in parts}
    return str(value)


def _duration(value: dt.timedelta) -> str:
    """ISO 8601, in seconds, exactly."""
    sign, value = ("-", -value) if value < dt.timedelta() else ("", value)
    seconds = value // dt.timedelta(seconds=1)
    fraction = f".{value.microseconds:06}".rstrip("0") if value.microseconds else ""
    return f"{sign}PT{seconds}{fraction}S"
