"""Incidents for people: the groups, one of them with its tasks, and how often it failed lately."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Integer, and_, cast, extract, func, or_, select
from sqlalchemy.orm import Session, aliased, contains_eager, lazyload

from portal.models import Event, Incident, IncidentTask, Process, Task, User

#: groups on a page, and tasks of an opened one
GROUPS, TASKS = 30, 5
#: what is solved, or tried again, is listed for so long
KEPT = dt.timedelta(days=7)
#: how far back the picture of a group reaches, an hour a bar
HOURS = 24
#: the tabs
STATES = ("open", "retried", "resolved")


@dataclass(frozen=True)
class Wanted:
    """What the list is narrowed to.

    Attributes:
        labels: of the flows whose incidents one may see; None for all.
        state: of `STATES`.
        q: words of the error, or the number of a process.
    """

    labels: Sequence[str] | None
    state: str = "open"
    flow: str = ""
    step: str = ""
    q: str = ""
    after: str = ""


@dataclass
class Group:
    """What failed alike.

    Attributes:
        count: the tasks that are in this state.
        first, last: when the first and the last of them failed.
        hours: how many failed in each of the last hours, the oldest first.
    """

    incident: Incident
    count: int
    first: dt.datetime
    last: dt.datetime
    hours: list[int] = field(default_factory=lambda: [0] * HOURS)


@dataclass
class Groups:
    """A page of groups; `after` is where the next one begins."""

    rows: list[Group]
    after: str = ""


_again = aliased(Task, name="again")


def _in_state(state: str, now: dt.datetime) -> Any:
    """A criterion on links, joined to the task that tries again."""
    if state == "open":
        return IncidentTask.closed.is_(None)
    recent = IncidentTask.closed >= now - KEPT
    trying = and_(
        _again.finished.is_(None), _again.status != "ERROR", IncidentTask.closed_by.in_(("revive", "migrate"))
    )
    if state == "retried":
        return and_(recent, trying)
    return and_(recent, or_(_again.id.is_(None), _again.finished.is_not(None)))


def _links(*columns: Any, state: str) -> Any:
    query = select(*columns).select_from(IncidentTask).join(Incident)
    if state != "open":
        tried = func.coalesce(IncidentTask.retry_id, IncidentTask.task_id)
        query = query.outerjoin(_again, _again.id == tried)
    return query


def _narrowed(query: Any, wanted: Wanted) -> Any:
    if wanted.labels is not None:
        query = query.where(Incident.flow_label.in_(wanted.labels))
    if wanted.flow:
        query = query.where(Incident.flow_label == wanted.flow)
    if wanted.step:
        query = query.where(Incident.flow_task == wanted.step)
    text = " ".join(wanted.q.split())[:100]
    if text:
        found = [
            column.icontains(text, autoescape=True)
            for column in (Incident.error, Incident.message, Incident.flow_label, Incident.flow_task)
        ]
        number = text.removeprefix("#")
        if number.isascii() and number.isdigit() and len(number) < 19:
            of_process = select(Task.id).where(Task.process_id == int(number))
            found.append(IncidentTask.task_id.in_(of_process))
        query = query.where(or_(*found))
    return query


def groups(session: Session, wanted: Wanted, now: dt.datetime) -> Groups:
    """The groups with the most tasks in a state first."""
    count = func.count(IncidentTask.task_id)
    query = _links(
        Incident.key, count, func.min(IncidentTask.opened), func.max(IncidentTask.opened), state=wanted.state
    ).where(_in_state(wanted.state, now))
    query = _narrowed(query, wanted).group_by(Incident.key)
    place = _place(wanted.after)
    if place is not None:
        number, key = place
        query = query.having(or_(count < number, and_(count == number, Incident.key > key)))
    rows = session.execute(query.order_by(count.desc(), Incident.key).limit(GROUPS + 1)).all()
    shown = rows[:GROUPS]
    kept = {
        each.key: each for each in session.scalars(select(Incident).where(Incident.key.in_([r[0] for r in shown])))
    } if shown else {}  # fmt: skip
    found = [Group(kept[key], *figures) for key, *figures in shown]
    _fill_hours(session, found, now)
    after = f"{shown[-1][1]}-{shown[-1][0]}" if len(rows) > GROUPS else ""
    return Groups(found, after)


def _place(after: str) -> tuple[int, str] | None:
    number, _, key = after.partition("-")
    fits = number.isascii() and number.isdigit() and len(number) < 10 and key.isalnum()
    return (int(number), key) if fits else None


def _fill_hours(session: Session, found: Sequence[Group], now: dt.datetime) -> None:
    """Count what failed in each of the last hours, in one statement."""
    if not found:
        return
    by_key = {group.incident.key: group for group in found}
    seconds = int(now.timestamp()) - cast(extract("epoch", IncidentTask.opened), Integer)
    recent = (
        select(IncidentTask.incident_key.label("key"), (seconds // 3600).label("ago"))
        .where(
            IncidentTask.incident_key.in_(list(by_key)),
            IncidentTask.opened > now - dt.timedelta(hours=HOURS),
        )
        .subquery()
    )
    query = select(recent.c.key, recent.c.ago, func.count()).group_by(recent.c.key, recent.c.ago)
    for key, ago, number in session.execute(query):
        if 0 <= ago < HOURS:
            by_key[key].hours[HOURS - 1 - ago] += number


def counts(session: Session, labels: Sequence[str] | None, now: dt.datetime) -> dict[str, int]:
    """How many tasks are in each state, as the tabs say it."""
    asked = select(*(_number(labels, state, now).scalar_subquery().label(state) for state in STATES))
    return dict(session.execute(asked).one()._mapping)


def open_count(session: Session, labels: Sequence[str] | None, now: dt.datetime) -> int:
    """How many tasks have failed and wait for people."""
    return session.scalar(_number(labels, "open", now)) or 0


def _number(labels: Sequence[str] | None, state: str, now: dt.datetime) -> Any:
    query = _links(func.count(IncidentTask.task_id), state=state).where(_in_state(state, now))
    return _narrowed(query, Wanted(labels))


@dataclass
class Failed:
    """A task of a group, with the fresh one that tries it again, if any."""

    link: IncidentTask
    task: Task
    again: Task | None


def tasks(
    session: Session, key: str, state: str, now: dt.datetime, *, after: int = 0, size: int = TASKS
) -> list[Failed]:
    """Tasks of a group in a state, the newest first.

    Args:
        after: the id of the last one that was shown; 0 for none.
    """
    query = (
        select(IncidentTask, Task, _again)
        .join(Task, Task.id == IncidentTask.task_id)
        .join(Task.process)
        .outerjoin(_again, _again.id == func.coalesce(IncidentTask.retry_id, IncidentTask.task_id))
        .where(IncidentTask.incident_key == key, _in_state(state, now))
        .options(contains_eager(Task.process).joinedload(Process.created_by).lazyload(User.roles))
        .order_by(IncidentTask.task_id.desc())
        .limit(size)
    )
    if after:
        query = query.where(IncidentTask.task_id < after)
    return [Failed(*row) for row in session.execute(query).unique()]


def group(session: Session, key: str, state: str, now: dt.datetime) -> Group | None:
    """A group with its figures in a state; None where it has nothing in it."""
    query = _links(
        func.count(IncidentTask.task_id), func.min(IncidentTask.opened), func.max(IncidentTask.opened), state=state
    ).where(IncidentTask.incident_key == key, _in_state(state, now))  # fmt: skip
    number, first, last = session.execute(query).one()
    incident = session.get(Incident, key)
    if incident is None or not number:
        return None
    found = Group(incident, number, first, last)
    _fill_hours(session, [found], now)
    return found


@dataclass(frozen=True)
class Attempt:
    """One try of a job.

    Attributes:
        ended: None while it runs.
        error: the type of what it raised; empty where it raised nothing.
        gave_up: no further try followed.
    """

    number: int
    started: dt.datetime
    ended: dt.datetime | None
    worker: str
    error: str
    gave_up: bool


def attempts(session: Session, task_id: int, most: int = 20) -> list[Attempt]:
    """The tries of a failed job, the first one first, as its history tells them; the last `most` of them."""
    query = select(Event).options(lazyload(Event.user))
    query = query.where(Event.task_id == task_id, Event.action == "job").order_by(Event.id.desc())
    found: list[Attempt] = []
    end: Event | None = None
    for event in session.scalars(query.limit(2 * most)):
        if event.to_state != "STARTED":
            end = event
            continue
        detail = (end.detail or {}) if end is not None else {}
        found.append(
            Attempt(
                int((event.detail or {}).get("attempt") or 0),
                event.created,
                None if end is None else end.created,
                str((event.detail or {}).get("worker") or ""),
                str(detail.get("error") or ""),
                end is not None and end.to_state == "ERROR",
            )
        )
        end = None
    return found[::-1]
