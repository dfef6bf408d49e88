"""Jobs: claimed under the lock, executed outside of it, completed under it again.

A worker that is late (its claim ran out and another one took over) is told apart by the number of the attempt.
"""

from __future__ import annotations

import datetime as dt
import logging
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, inspect, literal_column, or_, select, update
from sqlalchemy.orm import Session

from portal import jsonstore, trace
from portal.errors import Busy, contain
from portal.flow.activation import Activation
from portal.flow.registry import registry
from portal.models import Task

from .. import batches, failures, writes
from ..context import ActionContext
from ..interpreter import step
from ..leases import TRIES, batch, wait_after
from ..retries import disturbance, persistent, reason, report
from ..transaction import clock, task_action
from . import heartbeats
from .timers import is_due
from .working import LEASE as LEASE
from .working import PrivateSession, assigned, before_work, begin, write

log = logging.getLogger("portal.engine")


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to do one try of a job."""

    task_id: int
    attempt: int
    #: when this try has taken too long
    deadline: dt.datetime


@persistent
def claim(session: Session, task_id: int) -> Claim | None:
    """Take a job that is due. None if there is nothing to do."""
    try:
        with task_action(session, task_id) as (run, task):
            return _claim(run, task)
    except LookupError:
        return None


def claim_some(session: Session, task_ids: Sequence[int]) -> dict[int, Claim]:
    """Take jobs that begin at once, in one transaction.

    Returns:
        The claims by task. Where one is missing, the job is to be claimed alone: it is no longer due, somebody is at
        work in its tree, or one of them could not be claimed, and none was.
    """
    if len(task_ids) < 2:
        return {}
    try:
        found = batches.tasks(_claim)(session, task_ids[: batches.MOST])
    except Exception as error:
        log.debug("%s jobs are claimed one by one: %s", len(task_ids), reason(error))
        return {}
    return {task_id: claimed for task_id, claimed in found.items() if claimed is not None}


def _claim(run: ActionContext, task: Task) -> Claim | None:
    if task.node is None:
        log.warning(
            "job of task %s: this worker has no %s.%s; are its code and PORTAL_FLOWS as elsewhere?",
            task.id, task.process.flow_label, task.flow_task,
        )  # fmt: skip
        return None
    if not is_due(task, run.now) or not task.node.works:
        return None
    task.attempt += 1
    task.lease = run.now + LEASE
    task.progress = None
    run.record(task, "STARTED", "job", attempt=task.attempt, worker=heartbeats.name())
    return Claim(task.id, task.attempt, run.now + time_limit(task.node))


def time_limit(node: Any) -> dt.timedelta:
    """How long one try of a job may take."""
    limit: dt.timedelta = registry.current.job_timeout if node.timeout is None else node.timeout
    return limit


class WorkerLost(Exception):
    """The worker of a job was not heard of until its lease was over."""


def perform(session: Session, claimed: Claim) -> None:
    """Do a claimed job and complete it."""
    with at_work(session, claimed) as activation:
        if activation is not None:
            contain(lambda: activation.node.work(activation))  # type: ignore[attr-defined]


@contextmanager
def at_work(session: Session, claimed: Claim) -> Iterator[Activation | None]:
    """A claimed job, completed after the block; an error in the block fails this try, and goes no further.

    It is None if this attempt no longer counts. Somebody else's lock, of which SQLite tells a job at once that has
    read before it writes, is no failure: it is raised, and whoever runs the job sets it back.
    """
    own = PrivateSession(expire_on_commit=False, autoflush=False, info={"of": session})
    try:
        activation = begin(own, claimed.task_id)
        if activation is None or activation.task.attempt != claimed.attempt:
            yield None
            return
        error: Exception | None = None
        try:
            with trace.following(activation.task.trace):
                yield activation
            session.commit()  # what the job did through the session that everyone uses
        except Exception as raised:
            session.rollback()
            if isinstance(disturbance(raised), Busy):
                raise
            error = raised
        finish(session, claimed, activation, error)
    finally:
        own.close()


def expire(session: Session, claimed: Claim) -> bool:
    """Fail a try that has taken too long; what it still answers is dropped. True if it was still running."""
    if claimed.deadline >= clock.get()():
        return False
    words = f"attempt {claimed.attempt} took too long and was given up, though its code may still run"
    return finish(session, claimed, None, TimeoutError(words))


@persistent
def finish(session: Session, claimed: Claim, done: Activation | None, error: Exception | None) -> bool:
    """Complete a job under the lock. False if this attempt no longer counts: its result is dropped."""
    task_id, attempt = claimed.task_id, claimed.attempt
    with task_action(session, task_id) as (run, task):
        if task.status != "STARTED" or task.attempt != attempt:
            return False
        task.lease = None
        if done is None or error is not None:
            failed(run, task, error or RuntimeError("the job gave no result"))
        else:
            _completed(run, task, done)
        step.settle(run)
        return True


def _completed(run: ActionContext, task: Task, done: Activation) -> None:
    try:
        run.guarded(task, lambda: _write(run, task, done))
    except Exception as refusal:  # of the database, or of the process: nothing of the result is kept
        if run.disturbed is refusal:
            raise
        failed(run, task, refusal)
        return
    activation = run.activation(task)
    step.resume(run, task, lambda: activation.node.resume(activation), "job")


def _write(run: ActionContext, task: Task, done: Activation) -> None:
    """Write what a job has assigned."""
    mine = assigned(done)
    write(mine, task.process)
    for name, value in mine["held"].items():
        if (
            f"{name}_key" in mine["columns"]
            or getattr(type(done.process), name).unstored(done.process) is not None
        ):
            setattr(task.process, name, _here(run.session, value))
    jsonstore.apply(jsonstore.changes(before_work(done), done.task.data), task.data)


def _here(session: Session, instance: Any) -> Any:
    """The same object in the session of the action."""
    state = inspect(instance)
    return session.get(type(instance), state.identity) if state.has_identity else instance


def failed(
    run: ActionContext,
    task: Task,
    error: Exception,
    left: int | None = None,
    wait: dt.timedelta | None = None,
) -> None:
    """This try has failed: the next one is planned, or the node has failed.

    Tries are counted by what failed, not by the number of the attempt: one whose worker was lost, stopped or
    disturbed has not failed.

    Args:
        left: how many tries there are still; as the node says where nobody says otherwise.
        wait: until the next one, likewise.
    """
    node: Any = task.node
    tries = (task.data.get("_exception") or {}).get("tries", 0) + 1
    of = node.retries + 1 if left is None else tries + left
    if tries >= of:
        step.fail(run, task, error, "job")
        return
    try:
        if wait is None:
            wait = contain(lambda: node.wait_after(tries, random.random()))
        scheduled = run.now + wait
    except Exception as trouble:  # the author's own rule for the wait
        step.fail(run, task, trouble, "job")
        return
    task.scheduled = scheduled
    task.data["_exception"] = {**failures.describe(error, run.now), "tries": tries, "of": of}
    run.record(task, "SCHEDULED", "job", error=failures.name(error), attempt=task.attempt)
    then = f"; try {tries + 1} of {of} at {scheduled:%Y-%m-%d %H:%M:%S %Z}"
    run.failures.append(failures.Failure(task.process, task, error, then))


@persistent
def hand_back(session: Session, claimed: Claim) -> bool:
    """Make a job due again at once whose worker stops before it is done. False if this attempt no longer counts.

    What the worker still says of it is dropped.
    """
    with task_action(session, claimed.task_id) as (run, task):
        return _hand_back(run, task, claimed.attempt)


def hand_back_all(session: Session, held: Sequence[Claim]) -> None:
    """Hand back what a worker that stops has not done."""
    claims = {each.task_id: each for each in held}

    def alone(task_id: int) -> bool:
        try:
            return hand_back(session, claims[task_id])
        except Exception as error:
            words = "job of task %s could not be handed back, and comes up when its lease is over"
            report(log, error, words, task_id)
            return False

    some = batches.tasks(lambda run, task: _hand_back(run, task, claims[task.id].attempt))
    batches.in_turn(session, list(claims), some, alone)


def _hand_back(run: ActionContext, task: Task, attempt: int) -> bool:
    if task.status != "STARTED" or task.attempt != attempt:
        return False
    task.lease, task.scheduled = None, run.now
    run.record(task, "SCHEDULED", "job", handed_back=attempt)
    return True


def heartbeat(session: Session, held: list[Claim]) -> None:
    """Say that the worker of these jobs is alive."""
    if not held:
        return
    mine = or_(*(and_(Task.id == each.task_id, Task.attempt == each.attempt) for each in held))
    query = select(Task.id).where(mine, Task.status == "STARTED")
    free = query.with_for_update(
        skip_locked=True
    )  # one that somebody changes must not cost the others their lease
    writes.execute(session, update(Task).where(Task.id.in_(free)).values(lease=clock.get()() + LEASE))


#: as it stands in the index of these
_AT_WORK = Task.status == literal_column("'STARTED'")


def first_lost(_moment: Any) -> Any:
    """When the lease of a job ends, unless its worker is heard of before; see `due`."""
    return select(func.min(Task.lease)).where(_AT_WORK)


def reclaim(session: Session, limit: int = 100) -> int:
    """Make jobs due again whose worker has not been heard of for too long. Their number.

    One whose workers are lost again and again, perhaps by its own doing, becomes an incident.
    """
    lost = select(Task.id, Task.attempt).where(_AT_WORK, Task.lease < clock.get()())
    found = batch(session, lost.order_by(Task.lease).limit(limit))
    session.rollback()
    attempts = {row.id: row.attempt for row in found}

    def alone(task_id: int) -> bool:
        try:
            return _reclaim(session, task_id, attempts[task_id])
        except Exception as error:
            report(log, error, "the lost job of task %s could not be made due again", task_id)
            return False

    some = batches.tasks(lambda run, task: _made_due(run, task, attempts[task.id]))
    return batches.in_turn(session, list(attempts), some, alone)[0]


@persistent
def _reclaim(session: Session, task_id: int, attempt: int) -> bool:
    with task_action(session, task_id) as (run, task):
        return _made_due(run, task, attempt)


def _made_due(run: ActionContext, task: Task, attempt: int) -> bool:
    lost = task.status == "STARTED" and task.attempt == attempt
    if not lost or task.lease is None or task.lease >= run.now:
        return False
    task.failures += 1
    if task.failures >= TRIES:
        task.lease = None
        step.incident(run, task, WorkerLost(f"its worker was lost, for the {task.failures}th time"), "job")
        step.settle(run)
        return True
    task.scheduled = run.now
    task.lease = None if task.failures == 1 else run.now + wait_after(task.failures)
    run.record(task, "SCHEDULED", "job", lost=attempt)
    return True
