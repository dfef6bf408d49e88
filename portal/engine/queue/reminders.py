"""Notifies people of tasks that are due soon, and of those that are late."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session, contains_eager

from portal.flow.registry import registry
from portal.models import Process, Task

from .. import batches, notifications, writes
from ..leases import LONGEST_WAIT, at_rest, batch, holds
from ..retries import disturbance, reason, report
from ..transaction import clock, wake

log = logging.getLogger("portal.engine")


def _due(now: dt.datetime) -> tuple[Any, ...]:
    return (
        Task.finished.is_(None),
        Task.remind <= now,
        holds(Task.status.in_(("NEW", "ASSIGNED")), ~Process.on_hold, Process.flow_label.in_(list(registry))),
    )


def first(_moment: Any) -> Any:
    """When the first reminder falls due; see `due`."""
    query = select(Task.remind).where(Task.finished.is_(None), Task.remind.is_not(None))
    return query.order_by(Task.remind, Task.id).limit(1)


def turn(session: Session, limit: int = batches.MOST) -> int:
    """Write the notices whose moment has come, all in one transaction; one after the other where that fails. The number
    of tasks that it turned to.

    The root of each tree is locked, as in an action, and two clocks get different tasks.
    """
    now = clock.get()()
    try:
        return _remind(session, now, limit)
    except Exception as error:
        if disturbance(error) is not None:
            raise
        log.debug("reminders are written one by one: %s", reason(error))
    query = select(Task.id).join(Task.process).where(*_due(now)).order_by(Task.remind, Task.id).limit(limit)
    task_ids = list(session.scalars(query))
    session.rollback()
    return sum(_remind_alone(session, now, task_id) for task_id in task_ids)


def _remind_alone(session: Session, now: dt.datetime, task_id: int) -> int:
    try:
        return _remind(session, now, 1, Task.id == task_id)
    except Exception as error:
        if disturbance(error) is not None:
            raise
        report(log, error, "the reminder of task %s has failed, and waits", task_id)
    later = update(Task).where(Task.id.in_(at_rest(session, [task_id])), Task.remind <= now)
    return int(writes.execute(session, later.values(remind=now + LONGEST_WAIT)).rowcount)


def _remind(session: Session, now: dt.datetime, limit: int, *which: Any) -> int:
    query = select(Task).join(Task.process).where(*_due(now), *which)
    query = query.options(contains_eager(Task.process)).execution_options(populate_existing=True)
    try:
        found = batch(session, query.order_by(Task.remind, Task.id).limit(limit), Task)
        if not found:
            return 0
        looked_at: list[Task] = []
        news = [_news(row.Task, now) for row in found]
        rows = notifications.write(
            session, now, _in_time(news, looked_at), notifications.People(session, news)
        )
        for task in looked_at:
            task.remind = task.due if task.due is not None and task.due > now else None
        session.commit()
    except BaseException:
        session.rollback()
        raise
    if rows:
        wake()
    return len(looked_at)


def _in_time(news: Sequence[notifications.News], looked_at: list[Task]) -> Iterator[notifications.News]:
    """What there is time for: who is told is asked of authors' code, too, and the trees are locked meanwhile."""
    until = time.monotonic() + batches.LONGEST
    for each in news:
        yield each
        if each.task is not None:
            looked_at.append(each.task)
        if time.monotonic() >= until:
            break


def _news(task: Task, now: dt.datetime) -> notifications.News:
    due = task.due or now
    cause = f"task/{task.id}/{task.created.isoformat()}/{due.isoformat()}"
    return notifications.News(
        "late" if due <= now else "due", task.process, task, None, cause, trace=task.trace
    )
