"""Single tasks and what comes next: objects of the session, unlike the rows of the lists."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from portal.engine import criteria, permissions
from portal.models import Helper, Process, Task, User, utcnow

from . import acting
from .loading import load_pointers, tables_of_heirs
from .paging import PAGE
from .rows import whole_tasks, with_processes


def next_in_process(session: Session, user: User, process_id: int) -> Task | None:
    """The next task of a process that is a person's, or else one that they may take."""
    for mine in (_mine(user), (criteria.takeable_tasks(user),)):
        query = with_processes().where(Task.finished.is_(None), *mine, Task.process_id == process_id)
        found: list[Task] = list(session.scalars(_in_order(query).limit(20)).unique())
        for task in found:
            if task.status == "ASSIGNED" or permissions.may_take(session, user, task):
                return task
    return None


def next_at_step(session: Session, user: User, label: str, node: str) -> list[tuple[int, str]]:
    """The id and the state of the first few tasks of a step that are a person's, then of those that they may take."""
    found: list[tuple[int, str]] = []
    step = (Process.flow_label == label, Task.flow_task == node, ~Process.on_hold)
    for mine in (_mine(user), (criteria.takeable_tasks(user),)):
        rows: Any = select(Task.id, Task.status).join(Task.process)
        rows = rows.where(Task.finished.is_(None), *mine, *step)
        found += [(row[0], row[1]) for row in session.execute(_in_order(rows).limit(10))]
    return found


def next_in_inbox(session: Session, user: User) -> Task | None:
    """The first task of a person that they can work on now: a suspended process is passed over."""
    query = with_processes().where(Task.finished.is_(None), *_mine(user), ~Process.on_hold)
    return session.scalars(_in_order(query).limit(1)).unique().first()


def chosen(session: Session, ids: list[int]) -> list[Task]:
    """These tasks with their processes, in the order of their ids; ids that are not there are left out."""
    return whole_tasks(session, ids)


def one_task(session: Session, task_id: int) -> Task | None:
    """A task with its process."""
    return session.scalars(_by_id(tuple(tables_of_heirs())), {"task_id": task_id}).unique().first()


@lru_cache(maxsize=16)
def _by_id(_heirs: tuple[type[Process], ...]) -> Any:
    """Made once for the process classes that there are: every page and action of a task asks it."""
    return with_processes().where(Task.id == bindparam("task_id"))


def due_tasks(session: Session, user: User, most: int = 500) -> list[Task]:
    """What a person has to do that is due at some moment, the soonest first."""
    query = with_processes().where(Task.finished.is_(None), acting.mine(user), Task.due.is_not(None))
    return list(session.scalars(query.order_by(Task.due, Task.id).limit(most)).unique())


def snoozed(session: Session, user: User) -> list[Task]:
    """What a person has put off, the next one to come back first."""
    query = with_processes().where(
        Task.finished.is_(None),
        Task.owner_id == user.id,
        Task.status == "ASSIGNED",
        Task.snoozed_until > utcnow(),
    )
    tasks = list(session.scalars(query.order_by(Task.snoozed_until, Task.id).limit(PAGE)).unique())
    load_pointers(session, tasks, list({task.process_id: task.process for task in tasks}.values()))
    return tasks


def helped(session: Session, user: User) -> list[Task]:
    """The open tasks of others with which a person helps, the soonest due first."""
    asked = select(Helper.task_id).where(Helper.user_id == user.id)
    query = with_processes().where(Task.finished.is_(None), Task.status == "ASSIGNED", Task.id.in_(asked))
    tasks = list(session.scalars(_in_order(query.where(Task.owner_id != user.id)).limit(PAGE)).unique())
    load_pointers(session, tasks, list({task.process_id: task.process for task in tasks}.values()))
    return tasks


def _mine(user: User) -> tuple[Any, ...]:
    """What is a person's, and not put off until later."""
    return acting.mine(user), or_(Task.snoozed_until.is_(None), Task.snoozed_until <= utcnow())


def _in_order(query: Any) -> Any:
    return query.order_by(Task.due.is_(None), Task.due, Task.priority.desc(), Task.id)
