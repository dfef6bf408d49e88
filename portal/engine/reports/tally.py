"""Counts events by day. What an event adds depends on itself and on earlier events only, so a day is counted once."""

from __future__ import annotations

import datetime as dt
import hashlib
import zoneinfo
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from portal.models import DailyDuration, DailyFlow, DailyPerson, DailyStep, Event, Process, Task

from .. import lifecycle
from .durations import bucket

#: the states of a task in which nobody works on it
_WAITS = ("NEW", "SCHEDULED", "ERROR")
#: how many steps of a path are kept; steps that repeat at once count as one
_LONGEST_PATH = 30
#: kinds of nodes that only decide where the process goes
_GATEWAYS = ("If", "Switch", "Split", "SplitFirst", "Join")
#: the states in which a process is over, and what a day counts them as
ENDS = {"DONE": "finished", "CANCELED": "cancelled", "FAILED": "failed"}

_first = aliased(Task, name="first", flat=True)


def _columns(model: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    keys = tuple(column.key for column in model.__table__.primary_key)
    return keys, tuple(column.key for column in model.__table__.columns if column.key not in keys)


#: the tables of counts: what makes a row of each, and what is counted in it
TABLES: dict[Any, tuple[tuple[str, ...], tuple[str, ...]]] = {
    model: _columns(model) for model in (DailyFlow, DailyStep, DailyPerson, DailyDuration)
}


class Tally:
    """The counts of some events.

    Attributes:
        rows: by table and key, what is added to each count.
        paths: the ways that were gone, by their key: their steps, and how they ended.
    """

    def __init__(self) -> None:
        self.rows: dict[Any, dict[tuple[Any, ...], dict[str, int]]] = {model: {} for model in TABLES}
        self.paths: dict[str, tuple[list[str], str]] = {}

    def add(self, model: Any, key: tuple[Any, ...], **numbers: int) -> None:
        row = self.rows[model].setdefault(key, dict.fromkeys(TABLES[model][1], 0))
        for name, number in numbers.items():
            row[name] += number

    def of(self, model: Any) -> Iterable[dict[str, Any]]:
        """The rows of a table."""
        names = TABLES[model][0]
        for key, numbers in self.rows[model].items():
            yield dict(zip(names, key, strict=True)) | numbers


def read(session: Session, after: int, up_to: int | None, limit: int) -> Sequence[Any]:
    """The next events, with what is counted of their processes and tasks."""
    query = (
        select(
            Event.id, Event.created, Event.process_id, Event.task_id, Event.action, Event.from_state, Event.to_state,
            Event.user_id, Process.flow_label, Process.created.label("began"),
            func.coalesce(_first.fingerprint, "").label("version"),
            Task.flow_task, Task.token, Task.number, Task.created.label("entered"), Task.due,
        )
        .select_from(Event)
        .join(Process, Process.id == Event.process_id)
        .outerjoin(Task, Task.id == Event.task_id)
        .outerjoin(_first, (_first.process_id == Event.process_id) & (_first.number == 1))
        .where(Event.id > after)
        .order_by(Event.id)
        .limit(limit)
    )  # fmt: skip
    return session.execute(query if up_to is None else query.where(Event.id <= up_to)).all()


def tally(session: Session, events: Sequence[Any], zone: dt.tzinfo) -> Tally:
    """Count events. Of those before them only what concerns their tasks and the ends of their processes is read."""
    counted = Tally()
    done = [each.task_id for each in events if each.task_id is not None and each.to_state == "DONE"]
    spans = _Spans(session, done)
    first_numbers = _first_numbers(session, events)
    ended = [each for each in events if each.task_id is None and _ends(each)]
    paths = _paths(session, ended)
    for each in events:
        place = (each.flow_label, each.created.astimezone(zone).date(), each.version)
        if each.task_id is None:
            _count_process(counted, place, each, paths)
        else:
            _count_task(counted, place, each, spans, first_numbers)
    return counted


def zone_of(name: str) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(name)


def _ends(event: Any) -> bool:
    return event.to_state in ENDS and event.from_state not in ENDS


def _count_process(counted: Tally, place: tuple[Any, ...], event: Any, paths: dict[int, list[str]]) -> None:
    if event.action == "start":
        counted.add(DailyFlow, place, started=1)
    if _ends(event):
        counted.add(DailyFlow, place, **{ENDS[event.to_state]: 1})
        span = bucket((event.created - event.began).total_seconds())
        if event.to_state == "DONE":
            counted.add(DailyDuration, (*place, "cycle", "", span), number=1)
        steps = paths.get(event.id, [])
        key = hashlib.sha1("\n".join([event.to_state, *steps]).encode(), usedforsecurity=False).hexdigest()
        counted.paths[key] = (steps, event.to_state)
        counted.add(DailyDuration, (*place, "path", key, span), number=1)
    elif event.from_state in ENDS and event.to_state not in ENDS:
        counted.add(DailyFlow, place, reopened=1)


def _count_task(
    counted: Tally, place: tuple[Any, ...], event: Any, spans: _Spans, first_numbers: dict[Any, int]
) -> None:
    before, to = event.from_state, event.to_state
    numbers: dict[str, int] = {}
    if before is None:
        numbers["entered"] = 1
        first = first_numbers.get((event.process_id, event.flow_task, event.token))
        if event.action == "step" and first is not None and event.number > first:
            numbers["rework"] = 1
    if to in lifecycle.CLOSED and before not in lifecycle.CLOSED:
        numbers["left"] = 1
    elif before in lifecycle.CLOSED and to not in lifecycle.CLOSED:
        numbers["entered"] = 1
    if to == "CANCELED" and before != to:
        numbers["cancelled"] = 1
    elif to == "ERROR" and before != to:
        numbers["failed"] = 1
    elif to == "DONE" and before != to:
        waiting, working = spans.of(event)
        late = int(event.due is not None and event.due < event.created)
        numbers |= {"done": 1, "late": late, "waiting": waiting, "working": working}
        whole = bucket((event.created - event.entered).total_seconds())
        counted.add(DailyDuration, (*place, "step", event.flow_task, whole), number=1)
        if event.action == "execute" and event.user_id is not None:
            counted.add(DailyPerson, (*place, event.user_id), done=1, late=late, working=working)
    if numbers:
        counted.add(DailyStep, (*place, event.flow_task), **numbers)


class _Spans:
    """How long tasks waited and were worked on until an event of theirs."""

    def __init__(self, session: Session, tasks: list[int]) -> None:
        self._changes: dict[int | None, list[Any]] = defaultdict(list)
        if tasks:
            query = select(Event.task_id, Event.id, Event.created, Event.to_state).where(
                Event.task_id.in_(tasks)
            )
            for row in session.execute(query.order_by(Event.id)):
                self._changes[row.task_id].append(row)

    def of(self, event: Any) -> tuple[int, int]:
        """Milliseconds of waiting and of work."""
        waiting, working = dt.timedelta(), dt.timedelta()
        since, state = event.entered, "NEW"
        for _, number, moment, to in self._changes[event.task_id]:
            if number > event.id:
                break
            if state in _WAITS:
                waiting += moment - since
            elif state not in lifecycle.CLOSED:
                working += moment - since
            since, state = moment, to
        return _milliseconds(waiting), _milliseconds(working)


def _milliseconds(span: dt.timedelta) -> int:
    return max(0, span // dt.timedelta(milliseconds=1))


def _first_numbers(session: Session, events: Sequence[Any]) -> dict[Any, int]:
    """The number of the first task at each step that a path came to more than once."""
    made = [
        each for each in events if each.from_state is None and each.task_id is not None and each.number > 1
    ]
    if not made:
        return {}
    place = (Task.process_id, Task.flow_task, Task.token)
    query = (
        select(*place, func.min(Task.number))
        .where(
            Task.process_id.in_({each.process_id for each in made}),
            Task.flow_task.in_({each.flow_task for each in made}),
        )
        .group_by(*place)
        .having(func.count() > 1)
    )
    return {tuple(row[:3]): row[3] for row in session.execute(query)}


def _paths(session: Session, ended: Sequence[Any]) -> dict[int, list[str]]:
    """The steps that were done before each of these ends of processes."""
    if not ended:
        return {}
    query = (
        select(Event.process_id, Event.id, Task.flow_task)
        .join(Task, Task.id == Event.task_id)
        .where(
            Event.process_id.in_({each.process_id for each in ended}),
            Event.to_state == "DONE",
            Task.flow_task_type.not_in(_GATEWAYS),
        )
        .order_by(Event.id)
    )
    done: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for process_id, number, step in session.execute(query):
        done[process_id].append((number, step))
    return {
        each.id: _path(step for number, step in done[each.process_id] if number < each.id) for each in ended
    }


def _path(steps: Iterable[str]) -> list[str]:
    path: list[str] = []
    for step in steps:
        if not path or path[-1] != step:
            if len(path) == _LONGEST_PATH:
                return [*path, "…"]
            path.append(step)
    return path
