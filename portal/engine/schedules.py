"""Starts on a schedule: once for each due moment, with any number of clocks."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.flow.registry import registry
from portal.models import Schedule

from . import actions, children, step
from .transaction import clock, transaction


def _timers() -> list[Any]:
    return [
        n for flow in registry.values() for n in flow._definition.starts if getattr(n, "schedules", False)
    ]


def next_start(node: Any, now: dt.datetime, last: dt.datetime | None = None) -> dt.datetime:
    """The first moment of the schedule after now; an interval keeps its beat."""
    if node.interval is None:
        trigger = CronTrigger.from_crontab(node.cron, timezone=ZoneInfo(node.timezone))
        found: dt.datetime = trigger.get_next_fire_time(None, now + dt.timedelta(microseconds=1))
        return found
    if last is None:
        return now + node.interval  # type: ignore[no-any-return]
    missed = (now - last) // node.interval
    return last + node.interval * (missed + 1)  # type: ignore[no-any-return]


def fire(session: Session) -> int:
    """Start what is due. The number of starts."""
    started = 0
    for node in _timers():
        label = node.flow_class._definition.label
        query = select(Schedule).where(Schedule.flow_label == label, Schedule.node == node.name)
        row = session.scalar(query)
        due = row is not None and row.next_start <= clock.get()()
        session.rollback()
        if row is None:
            _see(session, node, label)
        elif due:
            started += _start(session, node, query)
    return started


def _see(session: Session, node: Any, label: str) -> None:
    """A schedule is seen for the first time; another clock may see it at the same instant."""
    try:
        with transaction(session) as run:
            session.add(Schedule(flow_label=label, node=node.name, next_start=next_start(node, run.now)))
    except IntegrityError:
        pass  # the other one's row is as good


def _start(session: Session, node: Any, query: Any) -> int:
    with transaction(session) as run:
        row = session.scalar(
            query.with_for_update(skip_locked=True).execution_options(populate_existing=True)
        )
        if row is None or row.next_start > run.now:
            return 0  # another clock was faster
        row.next_start = next_start(node, run.now, row.next_start)
        process = actions.new_process(run, node.flow_class)
        task = children.first_task(run, process, node)
        actions.begin(run, process, task)
        step.follow(run, task, node.resume(run.activation(task)), "start")
        step.settle(run)
        return 1
