"""The course of one process: its tasks, the ways that its tokens went, and its history, as plain rows.

A page of a process is flat: of one with very many tasks the first and the last ones are read, and those that are open.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, and_, bindparam, case, func, or_, select, true, type_coerce, union
from sqlalchemy.orm import Session

from portal.models import Event, Process, Task, User, task_link

#: tasks that are read of a process in all; of one with more as many from its beginning, and from its end
WHOLE, BEGINNING, END = 500, 60, 300
#: open tasks that are read; those of them that a page has a row for, and in it all that can be done with each; events
#: that are looked through for one page of the story
OPEN, SHOWN, _WINDOW = 50, 20, 500
_BEFORE_ALL = 2**62

_task, _user, _event = Task.__table__, User.__table__, Event.__table__
_name = func.coalesce(func.nullif(_user.c.full_name, ""), _user.c.username)


@dataclass(slots=True)
class Stop:
    """A task, as the page of its process tells of it."""

    id: int
    number: int
    flow_task: str
    flow_task_type: str
    status: str
    owner_id: int | None
    owner_username: str | None
    owner_name: str | None
    owner_is_active: bool | None
    created: dt.datetime
    assigned: dt.datetime | None
    started: dt.datetime | None
    finished: dt.datetime | None
    due: dt.datetime | None
    scheduled: dt.datetime | None
    #: which try of a job it is at
    attempt: int
    #: what an open one has failed with
    failure: dict[str, Any] | None
    process: Process

    @property
    def data(self) -> dict[str, Any]:
        return {} if self.failure is None else {"_exception": self.failure}

    @property
    def node(self) -> Any:
        flow_class: Any = self.process.flow_class
        if flow_class is None:
            return None
        return flow_class.definition.standing[self.flow_task, self.flow_task_type, self.status]


@dataclass
class Course:
    """The tasks of a process that were read, in their order; `ways` are the names of the nodes that led to another."""

    tasks: list[Stop]
    ways: frozenset[tuple[str, str]]
    #: whether these are all
    whole: bool
    #: how many are open, those of its borders aside; more than `OPEN` are counted no further
    open_count: int

    @property
    def open_tasks(self) -> list[Stop]:
        return [task for task in self.tasks if task.finished is None and "__" not in task.flow_task][:OPEN]

    @property
    def shown(self) -> list[Stop]:
        """The open tasks that a page has a row for. Of more, those that have failed come first."""
        found = self.open_tasks
        return (
            found if len(found) <= SHOWN else sorted(found, key=lambda task: task.status != "ERROR")[:SHOWN]
        )


def _tasks(among: Any) -> Any:
    before = _task.alias()
    running = and_(_task.c.finished.is_(None), _task.c.status.in_(("ERROR", "SCHEDULED", "STARTED")))
    failure = case((running, type_coerce(_task.c.data, JSON)["_exception"]))
    columns = [
        _task.c[name]
        for name in (
            "created", "assigned", "started", "finished", "due", "scheduled", "attempt",
        )
    ]  # fmt: skip
    return (
        select(
            before.c.flow_task, _task.c.id, _task.c.number, _task.c.flow_task, _task.c.flow_task_type, _task.c.status,
            _task.c.owner_id, _user.c.username, _name, _user.c.is_active, *columns, failure,
        )
        .select_from(_task)
        .outerjoin(_user, _user.c.id == _task.c.owner_id)
        .outerjoin(task_link, task_link.c.task_id == _task.c.id)
        .outerjoin(before, before.c.id == task_link.c.previous_id)
        .where(among)
        .order_by(_task.c.number)
    )  # fmt: skip


_of_process = _task.c.process_id == bindparam("process_id")
_open = (
    select(_task.c.id)
    .where(_of_process, _task.c.finished.is_(None), _task.c.flow_task > "")
    .where(~_task.c.flow_task.contains("__", autoescape=True))
    .limit(OPEN + 1)
)  # fmt: skip
_ALL = _tasks(_of_process)
_ENDS = _tasks(
    _task.c.id.in_(
        union(
            select(_task.c.id).where(_of_process, _task.c.number <= BEGINNING),
            select(_task.c.id).where(_of_process, _task.c.number > bindparam("last")),
            select(_open.subquery().c.id),
        )
    )
)


def course(session: Session, process: Process) -> Course:
    """The tasks of a process, as far as a page shows them: one statement."""
    whole = process.task_count <= WHOLE
    values: dict[str, Any] = {"process_id": process.id}
    if not whole:
        values["last"] = process.task_count - END
    tasks: dict[int, Stop] = {}
    ways = set()
    for before, key, *rest in session.execute(_ALL if whole else _ENDS, values):
        if key not in tasks:
            tasks[key] = Stop(*(key, *rest, process))
        if before is not None:
            ways.add((before, tasks[key].flow_task))
    found = Course(list(tasks.values()), frozenset(ways), whole, 0)
    found.open_count = sum(task.finished is None and "__" not in task.flow_task for task in found.tasks)
    return found


# -- history -------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Person:
    """Who did something."""

    id: int
    name: str
    username: str


@dataclass(slots=True)
class Step:
    """The task that something happened to."""

    id: int
    flow_task: str
    flow_task_type: str
    status: str
    created: dt.datetime
    assigned: dt.datetime | None


@dataclass(slots=True)
class Happened:
    """A row of the history."""

    id: int
    created: dt.datetime
    action: str
    from_state: str | None
    to_state: str
    detail: dict[str, Any]
    task: Step | None
    user: Person | None

    @property
    def task_id(self) -> int | None:
        return None if self.task is None else self.task.id


@dataclass(slots=True)
class History:
    """A page of the history, the latest first; `before` is where the earlier ones begin, if there are any."""

    rows: list[Happened]
    before: int | None


#: what people fill in, or correct
_ENTERED = _event.c.action.in_(("start", "execute", "data"))
#: what runs by itself, though somebody's action may have set it off
_BY_ITSELF = ("step", "timer", "signal", "message", "job", "create", "migrate")
_KINDS = {
    # people's deeds, failures, and what became of the process
    "story": or_(
        and_(
            _event.c.task_id.is_not(None),
            _event.c.user_id.is_not(None),
            _event.c.action.not_in(_BY_ITSELF),
            # a rule gives work to somebody, whoever's action set it off
            type_coerce(_event.c.detail, JSON)["rule"].as_string().is_(None),
        ),
        and_(_event.c.task_id.is_not(None), _event.c.to_state == "ERROR"),
        and_(_event.c.task_id.is_(None), _event.c.action != "start"),
    ),
    "changes": and_(_ENTERED, type_coerce(_event.c.detail, JSON)["changes"].as_string().is_not(None)),
    "events": true(),
}


def _history(kind: str) -> Any:
    window = (
        select(_event.c.id)
        .where(_event.c.process_id == bindparam("process_id"), _event.c.id < bindparam("before"))
        .order_by(_event.c.id.desc())
        .limit(_WINDOW)
        .cte("looked_through")
    )
    fits = _KINDS[kind]
    last = select(func.min(window.c.id)).scalar_subquery()
    looked_through = select(func.count()).select_from(window).scalar_subquery()
    return (
        select(
            looked_through, fits, _event.c.id, _event.c.created, _event.c.action,
            _event.c.from_state, _event.c.to_state, _event.c.detail, _task.c.id, _task.c.flow_task,
            _task.c.flow_task_type, _task.c.status, _task.c.created, _task.c.assigned,
            _user.c.id, _name, _user.c.username,
        )
        .select_from(window)
        .join(_event, _event.c.id == window.c.id)
        .outerjoin(_task, _task.c.id == _event.c.task_id)
        .outerjoin(_user, _user.c.id == _event.c.user_id)
        .where(or_(fits, _event.c.id == last))  # the last one says how far was looked
        .order_by(_event.c.id.desc())
        .limit(bindparam("size"))
    )  # fmt: skip


_HISTORY = {kind: _history(kind) for kind in _KINDS}


def history(session: Session, process_id: int, kind: str, before: int | None, size: int) -> History:
    """A page of the history of a process: one statement, whatever its length.

    Args:
        kind: `events` for all of it, `story` for what people did and what failed, `changes` for changes of data.
        before: the number of an event; None for the latest.
        size: how many of them.
    """
    values = {"process_id": process_id, "before": _BEFORE_ALL if before is None else before, "size": size + 1}
    rows: Sequence[Any] = session.execute(_HISTORY[kind], values).all()
    found = [_happened(row) for row in rows[:size] if row[1]]
    if len(rows) > size:
        return History(found, rows[size - 1][2])
    return History(found, rows[-1][2] if rows and rows[0][0] == _WINDOW else None)


def _happened(row: Any) -> Happened:
    _count, _fits, key, created, action, from_state, to_state, detail, *rest = row
    task = None if rest[0] is None else Step(*rest[:6])
    user = None if rest[6] is None else Person(*rest[6:])
    return Happened(key, created, action, from_state, to_state, detail or {}, task, user)


#: what of an event's detail may be a user name
_NAMES = ("for", "from", "to")


def names_in(
    session: Session, events: Iterable[Event | Happened], known: Mapping[str, str]
) -> dict[str, str]:
    """The names of the people in events by their user names; a statement only for who is not known yet.

    Args:
        known: the names of people who were read anyway.
    """
    names, asked = dict(known), set[str]()
    for event in events:
        if event.user is not None:
            names[event.user.username] = event.user.name
        asked.update(name for key in _NAMES if isinstance(name := (event.detail or {}).get(key), str))
    if asked := asked - names.keys():
        rows = session.execute(select(_user.c.username, _name).where(_user.c.username.in_(asked)))
        names.update((username, name) for username, name in rows)
    return names
