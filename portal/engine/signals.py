"""Signals: news of the moment for the catches that are armed at the throw, each in its own transaction."""

from __future__ import annotations

import logging

from sqlalchemy import delete, insert, literal, select
from sqlalchemy.orm import Session

from portal.models import Delivery, Process, Task

from . import step
from .run import Run
from .transaction import read_task, transaction

log = logging.getLogger("portal.engine")


def throw(run: Run, name: str) -> None:
    """Fix which catches are armed now; they are released after the commit."""
    run.session.flush()
    armed = select(Task.id, literal(run.now, Delivery.created.type)).where(
        Task.finished.is_(None), Task.status == "STARTED", Task.awaits == f"signal:{name}"
    )
    run.session.execute(insert(Delivery).from_select(["task_id", "created"], armed))
    run.work_for_clock = run.threw = True


def waiting(session: Session, limit: int = 100) -> list[int]:
    """The deliveries that can be made: those of suspended processes wait."""
    query = (
        select(Delivery.id)
        .join(Task, Task.id == Delivery.task_id)
        .join(Process, Process.id == Task.process_id)
    )
    found = list(session.scalars(query.where(~Process.on_hold).order_by(Delivery.id).limit(limit)))
    session.rollback()
    return found


def deliver(session: Session, delivery_id: int) -> bool:
    """Release one catch. True if it still waited."""
    task_id = session.scalar(select(Delivery.task_id).where(Delivery.id == delivery_id))
    session.rollback()
    if task_id is None:
        return False
    with transaction(session, task=task_id) as run:
        taken = session.execute(delete(Delivery).where(Delivery.id == delivery_id))
        task = read_task(session, task_id)
        run.know(task)
        if not taken.rowcount or task.status != "STARTED" or task.node is None:  # type: ignore[attr-defined]
            return False
        if task.process.on_hold:
            session.add(Delivery(task_id=task_id, created=run.now))
            return False
        activation = run.activation(task)
        try:
            outcome = step.guarded(run, task, lambda: activation.node.resume(activation))
        except Exception as error:
            step.fail(run, task, error, "signal")
        else:
            step.follow(run, task, outcome, "signal")
        step.settle(run)
        return True


def deliver_all(session: Session) -> int:
    """Release every catch that can be released now. Their number."""
    released = 0
    while found := waiting(session):
        made = sum(deliver(session, each) for each in found)
        released += made
        if not made:
            break
    return released
