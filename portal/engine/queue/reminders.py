"""Notifies people of tasks that are due soon, and of those that are late."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, contains_eager

from portal.flow.registry import registry
from portal.models import Process, Task

from .. import notifications
from ..leases import batch, holds
from ..transaction import clock, wake


def _due(now: dt.datetime) -> tuple[Any, ...]:
    return (
        Task.finished.is_(None),
        Task.remind <= now,
        holds(Task.status.in_(("NEW", "ASSIGNED")), ~Process.on_hold, Process.flow_label.in_(list(registry))),
    )


def _news(task: Task, now: dt.datetime) -> notifications.News:
    due = task.due or now
    cause = f"task/{task.id}/{task.created.isoformat()}/{due.isoformat()}"
    return notifications.News(
        "late" if due <= now else "due", task.process, task, None, cause, trace=task.trace
    )


def first(_moment: Any) -> Any:
    """When the first reminder falls due; see `due`."""
    query = select(Task.remind).where(Task.finished.is_(None), Task.remind.is_not(None))
    return query.order_by(Task.remind, Task.id).limit(1)


def turn(session: Session, limit: int = 50) -> int:
    """Write the notices whose moment has come. The number of tasks that were looked at.

    The root of each tree is locked, as in an action, and two clocks get different tasks.
    """
    now = clock.get()()
    query = select(Task).join(Task.process).where(*_due(now))
    query = query.options(contains_eager(Task.process)).execution_options(populate_existing=True)
    try:
        found = batch(session, query.order_by(Task.remind, Task.id).limit(limit), Task)
        if not found:
            return 0
        tasks = [row.Task for row in found]
        rows = notifications.write(session, now, [_news(task, now) for task in tasks])
        for task in tasks:
            task.remind = task.due if task.due is not None and task.due > now else None
        session.commit()
    except BaseException:
        session.rollback()
        raise
    if rows:
        wake()
    return len(tasks)
