"""A flow's board: its open work by step."""

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
#: at how many open tasks of a flow its board looks, those of the oldest processes: to count all of them would take
#: longer the more there are
MOST_ON_A_BOARD = 5_000


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


class Board(dict[str, Column]):
    """The columns by the names of their steps.

    Attributes:
        whole: whether they hold all open tasks; else those of the oldest processes, as many as were asked for.
    """

    whole = True


def board(
    session: Session, user: User, label: str, now: dt.datetime, most: int | None = MOST_ON_A_BOARD
) -> Board:
    """The open tasks of a flow that a person may see, by step: counts, and the first few of each.

    Args:
        most: how many tasks are looked at; None for all, however long that takes.
    """
    seen = and_(Process.flow_label == label, Process.finished.is_(None), Task.finished.is_(None))
    if not user.views(label):
        seen = and_(seen, or_(permissions.visible_processes(user), permissions.takeable_tasks(user)))
    looked_at = select(Task.id, Task.flow_task, Task.due, Task.status, Task.created, Task.priority)
    oldest = looked_at.join(Task.process).where(seen).order_by(Process.id).limit(most).cte("looked_at").c
    columns = _columns(session, oldest, now, most)
    if any(node.calls_processes for node in registry[label].definition.nodes.values()):
        _mark_callers(session, oldest, columns)
    place = func.row_number().over(
        partition_by=oldest.flow_task,
        order_by=(oldest.due.is_(None), oldest.due, oldest.priority.desc(), oldest.id),
    )
    ranked = select(oldest.id, place.label("place")).subquery()
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


def _mark_callers(session: Session, oldest: Any, columns: Board) -> None:
    query = select(oldest.id, oldest.flow_task).where(oldest.status != "ERROR")
    for task_id, name in session.execute(query.where(oldest.id.in_(failed_below()))):
        if name in columns:
            columns[name].failed_below.add(task_id)
            columns[name].failed += 1


def _columns(session: Session, oldest: Any, now: dt.datetime, most: int | None) -> Board:
    query = select(
        oldest.flow_task,
        func.count(oldest.id),
        func.count(case((oldest.due < now, 1))),
        func.count(case((oldest.status == "ERROR", 1))),
        func.min(oldest.created),
    ).group_by(oldest.flow_task)
    rows = session.execute(query).all()
    found = Board({row[0]: Column(*row) for row in rows if "__" not in row[0]})
    found.whole = most is None or sum(row[1] for row in rows) < most
    return found
