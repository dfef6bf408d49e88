"""Reminds people of tasks that fall due, and of those that are late."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased, contains_eager

from portal.flow.registry import registry
from portal.models import Process, Task

from . import notices
from .transaction import clock, wake


def _due(now: dt.datetime) -> tuple[Any, ...]:
    return (
        Task.finished.is_(None),
        Task.remind <= now,
        Task.status.in_(("NEW", "ASSIGNED")),
        ~Process.on_hold,
        Process.flow_label.in_(list(registry)),
    )


def _news(task: Task, now: dt.datetime) -> notices.News:
    due = task.due or now
    cause = f"task/{task.id}/{task.created.isoformat()}/{due.isoformat()}"
    return notices.News("late" if due <= now else "due", task.process, task, None, cause)


def turn(session: Session, limit: int = 50) -> int:
    """Write the notices whose moment has come. The number of tasks that were looked at.

    The root of each tree is locked, as in an action; those that someone holds are left to a later turn, and two
    clocks get different tasks.
    """
    now = clock.get()()
    waiting = session.scalar(select(Task.id).join(Task.process).where(*_due(now)).limit(1)) is not None
    session.rollback()
    if not waiting:  # asked without a lock: mostly there is nothing to do
        return 0
    session.connection(execution_options={"writes": True})
    root = aliased(Process, flat=True)
    query = (
        select(Task)
        .join(Task.process)
        .join(root, root.id == func.coalesce(Process.root_id, Process.id))
        .where(*_due(now))
        .options(contains_eager(Task.process))
        .order_by(Task.remind, Task.id)
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    if session.get_bind().dialect.name != "sqlite":
        query = query.with_for_update(of=root, skip_locked=True)
    try:
        tasks = list(session.scalars(query).unique())
        rows = notices.write(session, now, [_news(task, now) for task in tasks])
        for task in tasks:
            task.remind = task.due if task.due is not None and task.due > now else None
        session.commit()
    except BaseException:
        session.rollback()
        raise
    if rows:
        wake()
    return len(tasks)
