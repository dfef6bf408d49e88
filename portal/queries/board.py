"""A flow's board: the waiting work by step."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from portal.engine import permissions
from portal.flow.registry import registry
from portal.models import Process, Task, User

from . import shown
from .attention import failed_below
from .loading import load_pointers, tables_of_heirs

#: how many cards stand in a column
_CARDS = 6


@dataclass
class Column:
    """One step with work that waits."""

    flow_task: str
    count: int = 0
    late: int = 0
    failed: int = 0
    oldest: dt.datetime | None = None
    cards: list[Task] = field(default_factory=list)
    #: the tasks that wait for a process with a failed step, by id
    failed_below: set[int] = field(default_factory=set)


def board(session: Session, user: User, label: str, now: dt.datetime) -> dict[str, Column]:
    """The open tasks of a flow that a person may see, by step: counts, and the first few of each."""
    seen = and_(Process.flow_label == label, Process.finished.is_(None), Task.finished.is_(None))
    if not user.views(label):
        seen = and_(seen, or_(permissions.visible_processes(user), permissions.takeable_tasks(user)))
    columns = _columns(session, seen, now)
    if any(node.calls_processes for node in registry[label].definition.nodes.values()):
        _mark_callers(session, seen, columns)
    place = func.row_number().over(
        partition_by=Task.flow_task, order_by=(Task.due.is_(None), Task.due, Task.priority.desc(), Task.id)
    )
    ranked = select(Task.id, place.label("place")).join(Task.process).where(seen).subquery()
    process = contains_eager(Task.process)
    query = (
        select(Task)
        .join(ranked, ranked.c.id == Task.id)
        .join(Task.process)
        .where(ranked.c.place <= _CARDS)
        .options(
            process.joinedload(Process.created_by).lazyload(User.roles),
            process.selectin_polymorphic(tables_of_heirs()),
            joinedload(Task.owner).lazyload(User.roles),
            *shown.options(session, process),
        )
        .order_by(ranked.c.place)
    )
    tasks = list(session.scalars(query).unique())
    for task in tasks:
        if task.flow_task in columns:
            columns[task.flow_task].cards.append(task)
    processes = list({task.process_id: task.process for task in tasks}.values())
    shown.complete(session, processes)
    load_pointers(session, tasks, processes)
    return columns


def _mark_callers(session: Session, seen: Any, columns: dict[str, Column]) -> None:
    query = select(Task.id, Task.flow_task).join(Task.process).where(seen, Task.status != "ERROR")
    for task_id, name in session.execute(query.where(Task.id.in_(failed_below()))):
        if name in columns:
            columns[name].failed_below.add(task_id)
            columns[name].failed += 1


def _columns(session: Session, seen: Any, now: dt.datetime) -> dict[str, Column]:
    query = (
        select(
            Task.flow_task,
            func.count(Task.id),
            func.count(case((Task.due < now, 1))),
            func.count(case((Task.status == "ERROR", 1))),
            func.min(Task.created),
        )
        .join(Task.process)
        .where(seen)
        .group_by(Task.flow_task)
    )
    return {row[0]: Column(*row) for row in session.execute(query) if "__" not in row[0]}
