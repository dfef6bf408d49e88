"""What is due. The row is the queue: losing every clock loses nothing, and any number of them may look."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.flow.registry import registry
from portal.models import Process, Schedule, Task

from . import boundary, step
from .transaction import clock, read_task, transaction


def now() -> dt.datetime:
    return clock.get()()


@dataclass(frozen=True, slots=True)
class Due:
    """A task whose moment has come."""

    task_id: int
    scheduled: dt.datetime
    #: a job, to be done outside of every lock
    works: bool


def working_kinds() -> list[str]:
    """The kinds of nodes whose code runs outside of every lock."""
    return sorted({n.kind for flow in registry.values() for n in flow._definition.nodes.values() if n.works})


def due(session: Session, moment: dt.datetime, limit: int = 100) -> list[Due]:
    """The tasks whose moment has come, the oldest moment first."""
    kinds = set(working_kinds())
    query = (
        select(Task.id, Task.scheduled, Task.flow_task_type)
        .join(Task.process)
        .where(
            Task.finished.is_(None),
            Task.scheduled <= moment,
            Task.status == "SCHEDULED",
            ~Process.on_hold,
            Process.flow_label.in_(list(registry)),
        )
    )
    rows = session.execute(query.order_by(Task.scheduled, Task.id).limit(limit)).all()
    session.rollback()
    return [
        Due(task_id, scheduled, kind in kinds) for task_id, scheduled, kind in rows if scheduled is not None
    ]


def next_moment(session: Session, after: dt.datetime) -> dt.datetime | None:
    """When a timer, a deadline, a scheduled start or a reminder falls due next."""
    query = (
        select(Task.scheduled)
        .join(Task.process)
        .where(
            Task.finished.is_(None),
            Task.status == "SCHEDULED",
            Task.scheduled > after,
            Task.flow_task_type.not_in(working_kinds()),
            ~Process.on_hold,
        )
    )
    starts = select(Schedule.next_start).where(
        Schedule.next_start > after, Schedule.flow_label.in_(list(registry))
    )
    reminders = select(Task.remind).where(Task.finished.is_(None), Task.remind > after)
    moments = [
        session.scalar(query.order_by(Task.scheduled).limit(1)),
        session.scalar(starts.order_by(Schedule.next_start).limit(1)),
        session.scalar(reminders.order_by(Task.remind).limit(1)),
    ]
    session.rollback()
    return min((moment for moment in moments if moment is not None), default=None)


def turn(session: Session) -> int:
    """What comes round beside the tasks' own moments: schedules, conditions, signals, reminders, old messages."""
    from . import conditions, messages, reminders, schedules, signals

    done = schedules.fire(session) + signals.deliver_all(session) + conditions.ask_all(session)
    done += reminders.turn(session)
    messages.sweep(session)
    return done


def fire(session: Session, task_id: int) -> bool:
    """Fire a timer, or an armed deadline, if it still waits and is due. True if it did."""
    try:
        with transaction(session, task=task_id) as run:
            task = read_task(session, task_id)
            run.know(task)
            if not _is_due(task, run.now) or task.node is None:
                return False
            if hasattr(task.node, "host"):
                boundary.fire(run, task)
            else:
                activation = run.activation(task)
                try:
                    outcome = step.guarded(run, task, lambda: activation.node.resume(activation))
                except Exception as error:
                    step.fail(run, task, error, "timer")
                else:
                    step.follow(run, task, outcome, "timer")
            step.settle(run)
            return True
    except LookupError:
        return False


def _is_due(task: Task, moment: dt.datetime) -> bool:
    return (
        task.status == "SCHEDULED"
        and task.scheduled is not None
        and task.scheduled <= moment
        and not task.process.on_hold
    )
