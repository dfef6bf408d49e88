"""Starts processes on a schedule: once for each due moment, however many workers there are."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import case, func, select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.errors import Fault, FlowError
from portal.flow.registry import registry
from portal.models import Schedule

from .. import batches
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
    """Start what is due, several in a transaction. The number of starts."""
    nodes = {(node.flow_class.definition.label, node.name): node for node in _timers()}
    if not nodes:
        return 0
    rows = {(row.flow_label, row.node): row for row in session.execute(select(*Schedule.__table__.c))}
    session.rollback()
    for key in nodes.keys() - rows.keys():
        try:
            _see(session, nodes[key], *key)
        except Exception as error:
            report(log, error, "start %s.%s was disturbed, and is tried again", *key)
    now = clock.get()()
    due = {row.id: nodes[key] for key, row in rows.items() if key in nodes and _is_due(row, now)}

    def alone(key: int) -> bool:
        try:
            return _start_alone(session, key, due[key])
        except Exception as error:
            report(log, error, "start %r was disturbed, and is tried again", due[key])
            return False

    return batches.in_turn(session, list(due), partial(_start_some, due), alone)[0]


def _is_due(row: Any, now: dt.datetime) -> bool:
    return bool(row.next_start <= now and (row.lease is None or row.lease <= now))


def _start_some(nodes: Mapping[int, Any], session: Session, keys: Sequence[int]) -> dict[int, bool]:
    """Start several in one transaction: those that no other clock has."""
    with transaction(session) as outer:
        rows = _take(outer, keys)
        acts = ((key, partial(_start_stored, rows[key], nodes[key])) for key in keys if key in rows)
        return batches.each(outer, acts)


def _start_stored(row: Schedule, node: Any, run: ActionContext) -> bool:
    if row not in run.session:
        raise batches.Forgotten("a schedule is no longer in its session")
    return _start(run, row, node)


def _start_alone(session: Session, key: int, node: Any) -> bool:
    try:
        return _start_one(session, key, node)
    except Exception:
        _set_back(session, key)
        raise


def _see(session: Session, node: Any, label: str, name: str) -> None:
    """A schedule is seen for the first time; another clock may see it at the same instant."""
    try:
        with transaction(session) as run:
            session.add(Schedule(flow_label=label, node=name, next_start=next_start(node, run.now)))
    except IntegrityError:
        pass  # the other one's row is as good


def _take(run: ActionContext, keys: Sequence[int]) -> dict[int, Schedule]:
    """The rows under their lock, but for those that another clock has."""
    query = select(Schedule).where(Schedule.id.in_(keys)).with_for_update(skip_locked=True)
    rows = run.session.scalars(query.execution_options(populate_existing=True))
    return {row.id: row for row in rows}


@persistent
def _start_one(session: Session, key: int, node: Any) -> bool:
    with transaction(session) as run:
        row = _take(run, [key]).get(key)
        return row is not None and _start(run, row, node)


def _start(run: ActionContext, row: Schedule, node: Any) -> bool:
    if row.next_start > run.now:
        return False  # another clock was faster
    row.next_start = next_start(node, run.now, row.next_start)
    row.failures, row.lease = 0, None
    process = processes.new_process(run, node.flow_class)
    task = processes.first_task(run, process, node)
    processes.begin(run, process, task)
    step.follow(run, task, node.resume(run.activation(task)), "start")
    step.settle(run)
    return True


@persistent
def _set_back(session: Session, key: int) -> None:
    """Postpone a start that could not be made. It stays due: its moment is not dropped."""
    with transaction(session) as run:
        row = _take(run, [key]).get(key)
        if row is not None and row.next_start <= run.now:
            row.failures += 1
            row.lease = run.now + wait_after(row.failures)
