"""Signals: a throw releases all catches that wait at that moment, each in a transaction of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from sqlalchemy import delete, func, insert, literal, or_, select, union_all, update
from sqlalchemy.orm import Session

from portal.models import Process, SignalDelivery, SignalSubscription, Task

from .. import batches, writes
from ..context import ActionContext
from ..leases import LEASE, TRIES, batch, known_tasks, mark, wait_after
from ..retries import persistent, report
from ..transaction import clock, task_action
from . import boundary_events

log = logging.getLogger("portal.engine")


def throw(run: ActionContext, name: str) -> None:
    """Fix which catches are armed now; they are released after the commit."""
    run.session.flush()
    moment = literal(run.now, SignalDelivery.created.type)
    waits = (Task.finished.is_(None), Task.status == "STARTED")
    catches = select(Task.id).where(*waits, Task.awaits == f"signal:{name}")
    subscribed = select(SignalSubscription.task_id).where(SignalSubscription.name == name)
    reached = union_all(catches, select(Task.id).where(*waits, Task.id.in_(subscribed))).subquery()
    armed = select(reached.c.id, moment, moment)
    run.session.execute(insert(SignalDelivery).from_select(["task_id", "created", "scheduled"], armed))
    run.work_for_clock = True
    run.after_commit[_deliver_now] = None


def _deliver_now(session: Session) -> None:
    """Release what has just been reached, here and now where that is possible; a worker does the rest."""
    try:
        _deliver_some(session, claim(session), lambda each: deliver(session, each))
    except Exception:
        log.exception("a signal could not be delivered at once; a worker does it")


def first(_moment: Any) -> Any:
    """When the first delivery can be made; see `due`."""
    return select(func.min(SignalDelivery.scheduled))


def claim(session: Session, limit: int = 50) -> list[int]:
    """Take deliveries that can be made now: those of suspended processes wait. Other workers get others."""
    now = clock.get()()
    query = (
        select(SignalDelivery.id)
        .join(Task, Task.id == SignalDelivery.task_id)
        .join(Process, Process.id == Task.process_id)
    )
    mine = or_(Task.finished.is_not(None), known_tasks(lambda node: node.signal is not None))
    query = query.where(SignalDelivery.scheduled <= now, ~Process.on_hold, mine)
    query = query.order_by(SignalDelivery.scheduled, SignalDelivery.id)
    found = batch(session, query.limit(limit), SignalDelivery)
    if found:
        mark(session, SignalDelivery, found, scheduled=now + LEASE)
    return [row.id for row in found]


@persistent
def deliver(session: Session, delivery_id: int) -> bool:
    """Release one catch. True if it still waited."""
    task_id = session.scalar(select(SignalDelivery.task_id).where(SignalDelivery.id == delivery_id))
    session.rollback()
    if task_id is None:
        return False
    with task_action(session, task_id) as (run, task):
        return _release(run, task, delivery_id)


def _release(run: ActionContext, task: Task, delivery_id: int) -> bool:
    taken: Any = run.session.execute(delete(SignalDelivery).where(SignalDelivery.id == delivery_id))
    if not taken.rowcount or task.status != "STARTED" or task.node is None:
        return False
    if task.process.on_hold:
        run.session.add(SignalDelivery(task_id=task.id, created=run.now, scheduled=run.now))
        return False
    if task.node.host is not None:
        boundary_events.fire(run, task, "signal")
    else:
        activation = run.activation(task)
        run.interpreter.resume(run, task, lambda: activation.node.resume(activation), "signal")
    run.interpreter.settle(run)
    return True


def _deliver_some(session: Session, deliveries: list[int], alone: Callable[[int], bool]) -> None:
    """Release catches, several in a transaction."""
    query = select(SignalDelivery.id, SignalDelivery.task_id).where(SignalDelivery.id.in_(deliveries))
    rows = session.execute(query.order_by(SignalDelivery.id)).all() if deliveries else []
    tasks = {row.id: row.task_id for row in rows}
    session.rollback()
    first = {task_id: each for each, task_id in reversed(tasks.items())}
    batches.in_turn(
        session,
        list(first),
        batches.tasks(lambda run, task: _release(run, task, first[task.id])),
        lambda task_id: alone(first[task_id]),
    )
    for each in set(tasks) - set(first.values()):  # thrown twice
        alone(each)


def turn(session: Session) -> int:
    """A worker's turn: release some of the catches that can be released now. The number that it turned to."""
    found = claim(session)
    _deliver_some(session, found, lambda each: _deliver_alone(session, each))
    return len(found)


def _deliver_alone(session: Session, delivery_id: int) -> bool:
    try:
        return deliver(session, delivery_id)
    except Exception as error:
        report(log, error, "signal delivery %s was disturbed", delivery_id)
        set_back(session, delivery_id, error)
        return False


def deliver_all(session: Session) -> int:
    """Release every catch that can be released now. The number that it turned to."""
    done = 0
    while found := turn(session):
        done += found
    return done


def set_back(session: Session, delivery_id: int, error: Exception) -> None:
    """Try a delivery again later; after the last try its catch becomes ERROR."""
    row = session.execute(
        select(SignalDelivery.task_id, SignalDelivery.failures).where(SignalDelivery.id == delivery_id)
    ).first()
    session.rollback()
    if row is None:
        return
    failures = row.failures + 1
    if failures < TRIES:
        again = clock.get()() + wait_after(failures)
        later = update(SignalDelivery).where(SignalDelivery.id == delivery_id)
        writes.execute(session, later.values(scheduled=again, failures=SignalDelivery.failures + 1))
        return
    with task_action(session, row.task_id) as (run, task):
        session.execute(delete(SignalDelivery).where(SignalDelivery.id == delivery_id))
        if task.status == "STARTED":
            run.interpreter.incident(run, task, error, "signal")
            run.interpreter.settle(run)
