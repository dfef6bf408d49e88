"""Claims and fires timers and deadlines. The row is the queue, and any number of workers share it."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from portal.flow.registry import registry
from portal.models import Process, Schedule, Task

from .. import batches, writes
from ..context import ActionContext
from ..interpreter import boundary_events, conditions, messages, signals, step
from ..leases import LEASE, TRIES, at_rest, batch, holds, known_tasks, mark, wait_after
from ..retries import persistent, report
from ..transaction import clock, task_action
from . import reminders, schedules

log = logging.getLogger("portal.engine")


#: after so many interruptions a job is suspected to kill its worker
SUSPECT = 2


def now() -> dt.datetime:
    return clock.get()()


@dataclass(frozen=True, slots=True)
class Due:
    """A task whose moment has come."""

    task_id: int
    scheduled: dt.datetime
    #: a job, to be done outside of every lock
    works: bool
    #: until when nobody else takes it; None where it was read only
    until: dt.datetime | None = None
    #: a job whose workers were lost more than once: it may be what kills them
    suspect: bool = False


def due(session: Session, moment: dt.datetime, limit: int = 100) -> list[Due]:
    """The tasks whose moment has come, the oldest moment first: read, not claimed."""
    works = known_tasks(_works).label("works")
    query = select(Task.id, Task.scheduled, works).join(Task.process)
    query = query.where(*_ripe(moment, lambda node: node.works or node.times))
    rows = session.execute(query.order_by(Task.scheduled, Task.id).limit(limit)).all()
    session.rollback()
    return [Due(*row) for row in rows]


def _works(node: Any) -> bool:
    return bool(node.works)


def _times(node: Any) -> bool:
    return bool(node.times)


def _ripe(moment: dt.datetime, has: Callable[[Any], bool]) -> tuple[Any, ...]:
    return Task.finished.is_(None), Task.scheduled <= moment, _waits(has)


def _waits(has: Callable[[Any], bool]) -> Any:
    return holds(Task.status == "SCHEDULED", ~Process.on_hold, known_tasks(has))


def _short(_waited: dt.timedelta) -> dt.timedelta:
    return LEASE


def claim_due(
    session: Session,
    moment: dt.datetime,
    limit: int,
    *,
    works: bool = False,
    lease: Callable[[dt.timedelta], dt.timedelta] = _short,
) -> list[Due]:
    """Take due tasks that nobody else has, the oldest moment first, and commit.

    Args:
        limit: take no more than can be fired, or handed to an executor, well within the lease.
        works: jobs instead of timers.
        lease: how long nobody else takes them, by how long they have been due. A dispatcher that dies loses nothing:
            the tasks come up again.
    """
    free = or_(Task.lease.is_(None), Task.lease <= moment)
    query = select(Task.id, Task.scheduled, Task.failures).where(
        *_ripe(moment, _works if works else _times), free
    )
    query = query.order_by(Task.scheduled, Task.id)
    found = batch(session, query.limit(limit), Task)
    if found:
        until = moment + lease(moment - found[-1].scheduled)
        mark(session, Task, found, lease=until)
        return [Due(row.id, row.scheduled, works, until, works and row.failures >= SUSPECT) for row in found]
    return []


def release(session: Session, held: list[Due]) -> None:
    """Hand claimed tasks back that were not fired."""
    if not held:
        return
    with writes.writing(session):
        for until in {each.until for each in held}:
            mine = update(Task).where(
                Task.id.in_([d.task_id for d in held if d.until == until]), Task.lease == until
            )
            session.execute(mine.values(lease=None).execution_options(synchronize_session=False))


def first_timer(moment: Any) -> Any:
    """The moment of the first timer that nobody holds; see `due`."""
    return _first(moment, _times)


def first_job(moment: Any) -> Any:
    """The moment of the first job that nobody holds; see `due`."""
    return _first(moment, _works)


def _first(moment: Any, has: Callable[[Any], bool]) -> Any:
    free = or_(Task.lease.is_(None), Task.lease <= moment)
    query = select(Task.scheduled).where(
        Task.finished.is_(None), Task.scheduled.is_not(None), free, _waits(has)
    )
    return query.order_by(Task.scheduled, Task.id).limit(1)


def next_moment(session: Session, after: dt.datetime) -> dt.datetime | None:
    """When a timer, a deadline, a scheduled start or a reminder falls due next."""
    query = select(Task.scheduled).where(Task.finished.is_(None), Task.scheduled > after, _waits(_times))
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
    """Do at once all periodic work except timers and jobs: for tests, and for people at a terminal."""
    done = schedules.fire(session) + signals.deliver_all(session) + conditions.ask_all(session)
    done += messages.deliver(session) + reminders.turn(session)
    messages.sweep(session)
    return done


@persistent
def fire(session: Session, task_id: int) -> bool:
    """Fire a timer, or an armed deadline, if it still waits and is due. True if it did."""
    try:
        with task_action(session, task_id) as (run, task):
            return _fire(run, task)
    except LookupError:
        return False


def _fire(run: ActionContext, task: Task) -> bool:
    task.lease = None
    if not is_due(task, run.now) or task.node is None or task.node.topic is not None:
        return False  # an external task is done by nobody but its worker
    if task.node.host is not None:
        boundary_events.fire(run, task)
    else:
        activation = run.activation(task)
        step.resume(run, task, lambda: activation.node.resume(activation), "timer")
    step.settle(run)
    return True


def is_due(task: Task, moment: dt.datetime) -> bool:
    """Whether the moment of a waiting task has come."""
    return (
        task.status == "SCHEDULED"
        and task.scheduled is not None
        and task.scheduled <= moment
        and not task.process.on_hold
    )


def fire_claimed(session: Session, due: Due) -> bool:
    """Fire a claimed timer; one that is disturbed is left for a while. True if it fired."""
    try:
        return fire(session, due.task_id)
    except Exception as error:
        report(log, error, "timer of task %s was disturbed", due.task_id)
        put_off(session, due.task_id, error)
        return False


def fire_all(session: Session, claimed: Sequence[Due], stopping: Callable[[], bool] = lambda: False) -> int:
    """Fire claimed timers, several in a transaction; one after the other where that fails. The number that fired.

    Args:
        claimed: by one `claim_due`; what is not fired before its lease is over is handed back.
        stopping: asked in between: whether the rest is to be handed back.
    """
    held = {each.task_id: each for each in claimed}
    until = min((each.until for each in claimed if each.until is not None), default=None)
    fired, left = batches.in_turn(
        session,
        list(held),
        batches.tasks(_fire),
        lambda task_id: fire_claimed(session, held[task_id]),
        lambda: stopping() or (until is not None and now() >= until),
    )
    release(session, [held[task_id] for task_id in left])
    return fired


def put_off(session: Session, task_id: int, error: Exception, attempt: int | None = None) -> bool:
    """As `set_back`; where even that fails, the claim's own lease keeps the task until things are better.

    So it does where somebody is at work in the tree: to set it back, one would have to wait for the same lock again.
    """
    try:
        return bool(at_rest(session, [task_id])) and set_back(session, task_id, error, attempt)
    except Exception as trouble:
        report(log, trouble, "task %s could not be set back, and comes up when its lease is over", task_id)
        return False


@persistent
def set_back(session: Session, task_id: int, error: Exception, attempt: int | None = None) -> bool:
    """Try a timer or job again later, after something other than the author's code has stopped it.

    After the last try the task becomes ERROR, so that a poisoned row neither spins nor keeps others waiting.

    Args:
        attempt: of a job that was at work; None for what was about to begin.

    Returns:
        True if the task was given up.
    """
    with task_action(session, task_id) as (run, task):
        at_work = task.status == "STARTED" and task.attempt == attempt
        if not at_work and (task.status != "SCHEDULED" or attempt is not None):
            return False
        task.failures += 1
        action = "job" if task.node is not None and task.node.works else "timer"
        if task.failures >= TRIES:
            task.lease = None
            step.incident(run, task, error, action)
            step.settle(run)
            return True
        task.lease = run.now + wait_after(task.failures)
        if at_work:
            task.scheduled = run.now
            run.record(task, "SCHEDULED", action, disturbed=attempt, error=type(error).__name__)
        return False
