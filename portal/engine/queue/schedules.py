"""Starts processes on a schedule: once for each due moment, however many workers there are."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable
from typing import Any

from sqlalchemy import case, func, select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.errors import Fault, FlowError
from portal.flow.registry import registry
from portal.models import Schedule

from ..context import ActionContext
from ..interpreter import processes, step
from ..leases import wait_after
from ..moments import next_start
from ..retries import persistent, report
from ..transaction import clock, transaction

log = logging.getLogger("portal.engine")


def check(flows: Iterable[Any]) -> None:
    """Refuse schedules that name no moment, before a clock meets them.

    Raises:
        FlowError: with the flow, the node and what is wrong.
    """
    for flow in flows:
        for node in flow.definition.starts:
            if node.schedules:
                try:
                    next_start(node, clock.get()())
                except ValueError as error:
                    text = f"cron={node.cron!r} names no moment: {error}; write it as in '0 8 * * mon-fri'"
                    fault = Fault(f"{flow.__name__}.{node.name}", text, *node.place)
                    raise FlowError(faults=[fault]) from error


def _timers() -> list[Any]:
    return [node for flow in registry.values() for node in flow.definition.starts if node.schedules]


def first(_moment: Any) -> Any:
    """When the first schedule starts, or is tried again; see `due`. None where no flow has one."""
    names = [(node.flow_class.definition.label, node.name) for node in _timers()]
    if not names:
        return None
    again = case((Schedule.lease > Schedule.next_start, Schedule.lease), else_=Schedule.next_start)
    return select(func.min(again)).where(tuple_(Schedule.flow_label, Schedule.node).in_(names))


def fire(session: Session) -> int:
    """Start what is due. The number of starts."""
    nodes = {(node.flow_class.definition.label, node.name): node for node in _timers()}
    if not nodes:
        return 0
    rows = {(row.flow_label, row.node): row for row in session.execute(select(*Schedule.__table__.c))}
    session.rollback()
    now, started = clock.get()(), 0
    for key, node in nodes.items():
        try:
            started += _turn_to(session, node, key, rows.get(key), now)
        except Exception as error:
            report(log, error, "start %s.%s was disturbed, and is tried again", *key)
    return started


def _turn_to(session: Session, node: Any, key: tuple[str, str], row: Any, now: dt.datetime) -> int:
    if row is None:
        _see(session, node, *key)
        return 0
    if row.next_start > now or (row.lease is not None and row.lease > now):
        return 0
    try:
        return _start(session, node, row.id)
    except Exception:
        _set_back(session, row.id)
        raise


def _see(session: Session, node: Any, label: str, name: str) -> None:
    """A schedule is seen for the first time; another clock may see it at the same instant."""
    try:
        with transaction(session) as run:
            session.add(Schedule(flow_label=label, node=name, next_start=next_start(node, run.now)))
    except IntegrityError:
        pass  # the other one's row is as good


def _take(run: ActionContext, key: int) -> Schedule | None:
    """The row under its lock. None if another clock has it."""
    query = select(Schedule).where(Schedule.id == key).with_for_update(skip_locked=True)
    return run.session.scalar(query.execution_options(populate_existing=True))


@persistent
def _start(session: Session, node: Any, key: int) -> int:
    with transaction(session) as run:
        row = _take(run, key)
        if row is None or row.next_start > run.now:
            return 0  # another clock was faster
        row.next_start = next_start(node, run.now, row.next_start)
        row.failures, row.lease = 0, None
        process = processes.new_process(run, node.flow_class)
        task = processes.first_task(run, process, node)
        processes.begin(run, process, task)
        step.follow(run, task, node.resume(run.activation(task)), "start")
        step.settle(run)
        return 1


@persistent
def _set_back(session: Session, key: int) -> None:
    """Postpone a start that could not be made. It stays due: its moment is not dropped."""
    with transaction(session) as run:
        row = _take(run, key)
        if row is not None and row.next_start <= run.now:
            row.failures += 1
            row.lease = run.now + wait_after(row.failures)
