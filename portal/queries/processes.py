"""Processes: the list, one of them with its history, and where they stand."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from sqlalchemy import JSON, Select, bindparam, case, func, inspect, literal, select, type_coerce, union
from sqlalchemy.ext.mutable import MutableBase
from sqlalchemy.orm import (
    Load,
    Session,
    aliased,
    contains_eager,
    defer,
    joinedload,
    lazyload,
    selectin_polymorphic,
)
from sqlalchemy.orm.attributes import set_committed_value

from portal.engine import criteria
from portal.models import Event, Process, Task, User, utcnow

from . import shown
from .attention import Attention, attention
from .beside import BADGES, badge_counts
from .filters import EVERYTHING, Filters
from .listing import read
from .loading import load_pointers, tables_of_heirs
from .one_process import OPEN, Course, Stop
from .paging import PAGE, Page
from .statement_cache import cached_statement
from .talk import PROCESS, Known, talk_columns

#: how many children and events one page shows
_CHILDREN_SHOWN, EVENTS = 50, 50


@dataclass(frozen=True)
class Position:
    """Where a process stands: a step with open tasks."""

    process_id: int
    flow_task: str
    status: str
    count: int
    since: dt.datetime
    #: who has it, when it is one task and somebody's
    owner: str | None
    due: dt.datetime | None = None


def processes(session: Session, user: User, filters: Filters = EVERYTHING, size: int = PAGE) -> Page:
    """The processes that a person may see, or has started, the newest first."""
    return read(session, user, filters.list_of_processes, filters, size)


#: what waits for other steps of its process
_PATIENT = ("Join", "SplitFirst")
#: what waits for processes that it has called
_CALLS = ("Subprocess", "NSubprocess")


def places(session: Session, process_ids: list[int]) -> dict[int, list[Position]]:
    """Where each of these processes stands now."""
    if not process_ids:
        return defaultdict(list)
    return arranged(session.execute(_places(), {"process_ids": process_ids}))


@cache
def _places() -> Select[Any]:
    owner = func.min(func.coalesce(func.nullif(User.full_name, ""), User.username))
    return (
        select(
            Task.process_id, Task.flow_task, Task.status, func.count(Task.id), func.min(Task.created),
            owner, func.min(Task.due), Task.flow_task_type,
        )
        .outerjoin(User, User.id == Task.owner_id)
        .where(Task.process_id.in_(bindparam("process_ids", expanding=True)), Task.finished.is_(None))
        .group_by(Task.process_id, Task.flow_task, Task.status, Task.flow_task_type)
    )  # fmt: skip


def arranged(rows: Iterable[Any]) -> dict[int, list[Position]]:
    """Where processes stand, from the columns of a `Position` and the kind of node that its open tasks are of."""
    found: dict[int, list[Position]] = defaultdict(list)
    patient: list[Position] = []
    for *row, kind in rows:
        place = Position(*row)
        if kind in _PATIENT and place.status == "STARTED":
            patient.append(place)
        elif "__" not in place.flow_task:  # an event on a step's border waits beside the step
            found[place.process_id].append(place if place.count == 1 else replace(place, owner=None))
    for place in patient:  # it stands where the branches are that it waits for
        if not found[place.process_id]:
            found[place.process_id].append(place)
    return found


@dataclass
class ProcessDetail:
    """All that the page of a process shows."""

    process: Process
    visible: bool
    #: what `badges` counts; the page shows it beside
    badges: dict[str, int]
    #: whether there are comments and files
    known: Known
    children: list[Process] = field(default_factory=list)


def story(session: Session, user: User, process_id: int, place: str) -> ProcessDetail | None:
    """A process, its children, and whether the person may see it; None when it is not there.

    Args:
        place: where the draft of a comment on it is kept.
    """
    heirs = tuple(tables_of_heirs())
    query = cached_statement(session, user, ("story", heirs), lambda who: _story(session, who))
    values = {"me": user.id, "now": utcnow(), "process_id": process_id, "place": place}
    rows = session.execute(query, values).all()
    if not rows or rows[0][0].id != process_id:
        return None
    process, visible, *more, whole = rows[0]
    _set_document(process, whole)
    children = [row[0] for row in rows[1:] if row[1]]
    shown.complete(session, children)
    load_pointers(session, [], [process, *children])
    counts = dict(zip(BADGES, more, strict=False))
    return ProcessDetail(process, bool(visible), counts, Known(*more[len(BADGES) :]), children)


def _story(session: Session, user: Any) -> Select[Any]:
    parent = joinedload(Process.parent_task)
    # each by its own index: an OR of the two reads every process
    called = aliased(Process)
    below = select(called.id).where(
        called.parent_task_id.in_(select(Task.id).where(Task.process_id == PROCESS))
    )
    shown_here = union(select(PROCESS), below)
    whole = case((Process.id == PROCESS, Process.data))  # of a child only what its summary says is read
    beside = (*badge_counts(user), *talk_columns(PROCESS))
    return (
        select(Process, criteria.visible_process(user), *beside, whole)
        .where(Process.id.in_(shown_here))
        .options(
            joinedload(Process.created_by).lazyload(User.roles),
            parent.lazyload(Task.owner),
            parent.joinedload(Task.process).options(lazyload(Process.created_by), defer(Process.data)),
            _heirs(),
            *shown.options(session, Load(Process)),
        )
        .order_by(case((Process.id == PROCESS, 0), else_=1), Process.id)
        .limit(_CHILDREN_SHOWN + 1)
    )


def _set_document(process: Process, document: Any) -> None:
    """Give a process the document that was read beside it."""
    if "data" not in process.__dict__:
        set_committed_value(process, "data", document)
        if isinstance(document, MutableBase):
            document._parents[inspect(process)] = "data"  # whom its changes mark


def children(session: Session, user: User, task: Task) -> list[Process]:
    """The processes that a task has called, oldest first, and that the person may see."""
    if task.node is None or not task.node.calls_processes:
        return []
    query = select(Process).where(Process.parent_task_id == task.id, criteria.visible_process(user))
    query = query.options(joinedload(Process.created_by).lazyload(User.roles), _heirs())
    query = query.options(*shown.options(session, Load(Process)))
    found = list(session.scalars(query.order_by(Process.id).limit(_CHILDREN_SHOWN)).unique())
    shown.complete(session, found)
    load_pointers(session, [], found)
    return found


def alike(session: Session, task: Stop) -> int:
    """How many other open tasks of this step, in any process, have failed with an error of the same type. Counted to a
    hundred."""
    kind = (task.failure or {}).get("type")
    kept = type_coerce(Task.data, JSON)["_exception"]["type"].as_string()
    query = (
        select(literal(1))
        .select_from(Task)
        .join(Process, Process.id == Task.process_id)
        .where(Task.finished.is_(None), Task.status == "ERROR", Task.flow_task == task.flow_task)
        .where(Process.flow_label == task.process.flow_label, kept == kind, Task.id != task.id)
        .limit(100)
    )
    return session.scalar(select(func.count()).select_from(query.subquery())) or 0


def troubles(session: Session, found: ProcessDetail, course: Course) -> dict[int, Attention]:
    """Why a process, or one of its children, needs attention, by their ids."""
    process = found.process
    if process.finished is None and _may_need_attention(course):
        return attention(session, [process, *found.children])
    return {}


def _may_need_attention(course: Course) -> bool:
    """Whether it is worth asking: most processes have a few open tasks that are in order, and call no other."""
    open_tasks = course.open_tasks
    return not 0 < course.open_count <= OPEN or any(
        task.status == "ERROR"
        or task.flow_task_type in _CALLS
        or (task.owner_id is not None and not task.owner_is_active)
        for task in open_tasks
    )


def timeline(session: Session, process_id: int, size: int) -> list[Event]:
    """What happened in a process last, the latest first."""
    query = (
        select(Event)
        .outerjoin(Event.task)
        .where(Event.process_id == process_id)
        .options(contains_eager(Event.task).lazyload(Task.owner), joinedload(Event.user).lazyload(User.roles))
        .order_by(Event.id.desc())
        .limit(size)
    )
    return list(session.scalars(query).unique())


def task_events(session: Session, task: Task) -> list[Event]:
    """What happened to a task, the latest first."""
    query = select(Event).options(joinedload(Event.user).lazyload(User.roles)).where(Event.task_id == task.id)
    return list(session.scalars(query.order_by(Event.id.desc()).limit(EVENTS)).unique())


def last_event(session: Session, task: Task | None = None, process: Process | None = None) -> Event | None:
    """What last happened to a task, or to a process itself."""
    query = (
        select(Event).options(joinedload(Event.user).lazyload(User.roles)).order_by(Event.id.desc()).limit(1)
    )
    if task is not None:
        query = query.where(Event.task_id == task.id)
    elif process is not None:
        query = query.where(Event.process_id == process.id, Event.task_id.is_(None))
    return session.scalars(query).unique().first()


def _heirs() -> Any:
    return selectin_polymorphic(Process, tables_of_heirs())
