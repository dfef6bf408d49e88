"""Single tasks: those that somebody does next, and those that an address names."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.engine import permissions
from portal.models import Task, User, utcnow

from .beside import open_of
from .rows import whole_tasks, with_processes


def next_in_process(session: Session, user: User, process_id: int) -> Task | None:
    """The next task of a process that is a person's, or else one that they may take."""
    for criterion in (open_of(user.id), (permissions.takeable_tasks(user),)):
        rows = session.scalars(
            _in_order(with_processes().where(*criterion, Task.process_id == process_id)).limit(20)
        )
        found: list[Task] = list(rows.unique())
        for task in found:
            if task.status == "ASSIGNED" or permissions.may_take(session, user, task):
                return task
    return None


def next_in_inbox(session: Session, user: User) -> Task | None:
    return session.scalars(_in_order(with_processes().where(*open_of(user.id))).limit(1)).unique().first()


def chosen(session: Session, ids: list[int]) -> list[Task]:
    """These tasks with their processes, in the order of their ids; ids that are not there are left out."""
    return whole_tasks(session, ids)


def late(session: Session, user: User) -> int:
    """How many tasks in a person's inbox are overdue."""
    query = select(func.count(Task.id)).where(*open_of(user.id), Task.due < utcnow())
    return session.scalar(query) or 0


def _in_order(query: Any) -> Any:
    return query.order_by(Task.due.is_(None), Task.due, Task.priority.desc(), Task.id)
