"""Narrows a list: the criteria of a query for what the filters of a page say."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import and_, case, func, or_, select, true
from sqlalchemy.orm import Session

from portal import usernames
from portal.flow.registry import registry
from portal.language import gettext as _
from portal.models import Process, Task, User, utcnow

from .attention import needs_attention
from .fields import Column, column_of
from .filters import NARROWING, Filters, LeftOut
from .search import Search, may_have
from .versions import started_before, started_by, versions_like

#: the order of `due=` on a page
DUE = ("late", "today", "week", "none")
#: a period whose processes are looked up before the list is read
_SHORT = dt.timedelta(days=32)
#: so many processes are looked up before the list is read
_FEW = 200
_NUMBER = re.compile(r"-?[0-9]{1,9}", re.ASCII)


class Fault(ValueError):
    """A filter that cannot be understood; its message is a line for people."""


@dataclass
class Narrowed:
    """What filters mean to the database.

    Attributes:
        criteria: of a query for tasks joined with their processes, or for processes.
        columns: the fields that conditions are on, which the list then shows.
        faults: why some filter was left out, a line each.
        words: the criteria of a search, of which one is fulfilled.
        number: the number that is looked for: what has it comes first.
        flow: the flow that it is narrowed to.
    """

    criteria: list[Any] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    words: list[Any] | None = None
    number: int | None = None
    flow: str = ""


def narrow(session: Session, filters: Filters, kind: str) -> Narrowed:
    """Read the filters.

    Args:
        kind: `mine` for tasks that are somebody's own or free for them, `tasks` for other tasks, `archive` for what is
            over, `processes`.
    """
    found = Narrowed(faults=list(filters.faults), flow=filters.flow)
    makers = _OF_PROCESSES if kind == "processes" else _OF_TASKS
    for name in NARROWING[:-1]:
        if getattr(filters, name) and name not in ("q", "version"):
            try:
                found.criteria.append(makers[name](filters, kind))
            except Fault as fault:
                found.faults.append(LeftOut.of(name, fault))
    if filters.version:
        try:
            found.criteria.append(_version(session, filters))
        except Fault as fault:
            found.faults.append(LeftOut.of("version", fault))
    if kind == "processes" and filters.since and filters.until and not found.faults:
        found.criteria += _numbers_between(filters)
    sought: list[Any] = []
    for condition in filters.data:
        try:
            column = column_of(filters.flow, condition.name)
            compared = column.compare(condition.op, condition.text, filters.zone)
            texts = column.texts(condition.op, condition.text, filters.zone)
            if (indexed := may_have(session, texts)) is None:
                found.criteria.append(compared)
            else:  # the index alone knows how many these are: the planner takes the field for one that is never so
                sought += [indexed, case((compared, true()))]
            if column not in found.columns:
                found.columns.append(column)
        except ValueError as fault:
            found.faults.append(LeftOut.of(condition.key, fault))
    if sought:
        found.criteria += _looked_up(session, [Process.flow_label == filters.flow, *sought])
    for name in filters.columns:
        if name.startswith("data."):
            try:
                column = column_of(filters.flow, name.removeprefix("data."))
            except ValueError as fault:
                found.faults.append(LeftOut.of(name, fault))
                continue
            if column not in found.columns:
                found.columns.append(column)
    search = Search.of(session, filters.q)
    if search is not None:
        found.number = search.number
        found.words = search.processes() if kind == "processes" else search.tasks()
    return found


def day(text: str, zone: dt.tzinfo, later: int = 0) -> dt.datetime:
    """The moment at which a day begins."""
    try:
        date = dt.date.fromisoformat(text) + dt.timedelta(days=later)
        if not 2 <= date.year <= 9990:
            raise ValueError(text)
    except (ValueError, OverflowError) as error:
        raise Fault(
            _("“%(text)s” is not a date: write it as 2026-11-24. This filter is left out.", text=text[:40])
        ) from error
    return dt.datetime.combine(date, dt.time(), zone).astimezone(dt.UTC)


def _numbers_between(filters: Filters) -> list[Any]:
    """Between which numbers the processes of a short period lie, read from an index: a database that walks through a
    list by number does not know how far away they are."""
    first, last = day(filters.since, filters.zone), day(filters.until, filters.zone, later=1)
    if last - first > _SHORT:
        return []
    process = Process.__table__.alias()
    within = (process.c.created >= first, process.c.created < last)
    number = process.c.id + 0  # or it would walk through the numbers for these, too
    return [
        Process.id >= select(func.min(number)).where(*within).scalar_subquery(),
        Process.id <= select(func.max(number)).where(*within).scalar_subquery(),
    ]


def _looked_up(session: Session, criteria: list[Any]) -> list[Any]:
    """The same criteria, or the processes themselves where they are few: a list asks for them in each of its sets."""
    ids = session.scalars(select(Process.__table__.c.id).where(*criteria).limit(_FEW + 1)).all()
    return criteria if len(ids) > _FEW else [Process.id.in_(ids)]


def due_before(name: str, zone: dt.tzinfo) -> dt.datetime:
    """The moment before which something is due that is `late`, due `today` or within a `week`: today and the six
    days after it, so that on a Sunday Monday's work is not out of sight."""
    now = utcnow()
    today = now.astimezone(zone).date()
    days = {"today": 1, "week": 7}.get(name)
    return now if days is None else day((today + dt.timedelta(days=days)).isoformat(), zone)


def _due(filters: Filters, _kind: str) -> Any:
    if filters.due not in DUE:
        raise Fault(
            _(
                "“%(text)s” is no due date: late, today, week or none. This filter is left out.",
                text=filters.due[:40],
            )
        )
    return Task.due.is_(None) if filters.due == "none" else Task.due < due_before(filters.due, filters.zone)


def _priority(filters: Filters, _kind: str) -> Any:
    words = {"high": Task.priority > 0, "normal": Task.priority == 0, "low": Task.priority < 0}
    if filters.priority in words:
        return words[filters.priority]
    if not _NUMBER.fullmatch(filters.priority):
        raise Fault(_("“%(text)s” is no priority. This filter is left out.", text=filters.priority[:40]))
    return Task.priority == int(filters.priority)


def _flow(filters: Filters, _kind: str) -> Any:
    return Process.flow_label == filters.flow


_FINGERPRINT = re.compile(r"[0-9a-f]{1,16}", re.ASCII)
_WHOLE = 16


def _version(session: Session, filters: Filters) -> Any:
    """Whether the process was started by this version of its flow. One statement for the beginning of a fingerprint,
    two for `old`."""
    text = filters.version.lower()
    if not filters.flow:
        raise Fault(
            _("Choose a flow to filter by its versions: “%(text)s” is left out.", text=filters.version[:40])
        )
    if text == "old":
        flow_class = registry.get(filters.flow)
        now = "" if flow_class is None else flow_class.definition.fingerprint
        return started_before(session, filters.flow, now)
    if not _FINGERPRINT.fullmatch(text):
        raise Fault(
            _(
                "“%(text)s” is no version: a fingerprint, its beginning, or old. This filter is left out.",
                text=filters.version[:40],
            )
        )
    return started_by([text] if len(text) == _WHOLE else versions_like(session, text))


def _step(filters: Filters, _kind: str) -> Any:
    return Task.flow_task == filters.step


def _people(filters: Filters) -> Any:
    return select(User.id).where(User.username_key == usernames.key(filters.person))


def _person(filters: Filters, kind: str) -> Any:
    owned = Task.owner_id.in_(_people(filters))
    return or_(owned, Process.created_by_id.in_(_people(filters))) if kind == "mine" else owned


TASK_STATES = ("new", "assigned", "scheduled", "started", "error", "done", "canceled", "revived")


def _task_state(filters: Filters, _kind: str) -> Any:
    if filters.state == "attention":
        return Task.status == "ERROR"
    if filters.state == "open":
        return Task.finished.is_(None)
    if filters.state not in TASK_STATES:
        raise Fault(_("“%(text)s” is no state of a task. This filter is left out.", text=filters.state[:40]))
    return Task.status == filters.state.upper()


PROCESS_STATES = ("new", "open", "done", "canceled", "failed", "suspended")


def _process_state(filters: Filters, _kind: str) -> Any:
    state = filters.state
    if state == "attention":
        return needs_attention()
    if state == "suspended":
        return or_(Process.status == "SUSPENDED", and_(Process.status == "NEW", Process.on_hold))
    if state == "open":  # also on hold
        return Process.finished.is_(None)
    if state == "new":
        return and_(Process.status == "NEW", Process.on_hold.is_(False))
    if state not in PROCESS_STATES:
        raise Fault(_("“%(text)s” is no state of a process. This filter is left out.", text=state[:40]))
    return Process.status == state.upper()


def _of_its_tasks(make: Callable[[Filters, str], Any]) -> Callable[[Filters, str], Any]:
    """A condition that an open task of the process fulfils."""
    return lambda filters, kind: (
        select(Task.id)
        .where(Task.process_id == Process.id, Task.finished.is_(None), make(filters, kind))
        .exists()
    )


def _process_person(filters: Filters, _kind: str) -> Any:
    had = select(Task.process_id).where(Task.owner_id.in_(_people(filters)))
    return or_(Process.created_by_id.in_(_people(filters)), Process.id.in_(had))


def _since(filters: Filters, kind: str) -> Any:
    return _came(kind) >= day(filters.since, filters.zone)


def _until(filters: Filters, kind: str) -> Any:
    return _came(kind) < day(filters.until, filters.zone, later=1)


def _came(kind: str) -> Any:
    return {"processes": Process.created, "archive": Task.finished}.get(kind, Task.created)


_OF_TASKS: dict[str, Callable[[Filters, str], Any]] = {
    "flow": _flow, "step": _step, "person": _person, "state": _task_state, "due": _due, "since": _since,
    "until": _until, "priority": _priority,
}  # fmt: skip


_OF_PROCESSES: dict[str, Callable[[Filters, str], Any]] = {
    "flow": _flow, "step": _of_its_tasks(_step), "person": _process_person, "state": _process_state,
    "due": _of_its_tasks(_due), "since": _since, "until": _until, "priority": _of_its_tasks(_priority),
}  # fmt: skip
