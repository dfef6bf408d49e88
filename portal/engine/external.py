"""External tasks: programs elsewhere fetch and lock them, and report their result.

The lock is a job's lease, and the number of the attempt its fence: who is late, because the lock ran out and another
program has fetched the task, is told apart by it and changes nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import or_, select, tuple_
from sqlalchemy.orm import Session, aliased, joinedload

from portal.errors import PermissionDenied, TransitionNotAllowed
from portal.flow.activation import Activation
from portal.flow.external import awaited
from portal.flow.registry import registry
from portal.models import Process, Task, User

from . import failures, lifecycle
from .context import ActionContext
from .interpreter import boundary_events, step
from .leases import holds, root_of
from .queue import jobs
from .queue.timers import is_due
from .retries import persistent
from .transaction import task_action, transaction

T = TypeVar("T")

_root = aliased(Process, name="root", flat=True)


class ExternalFailure(Exception):
    """What a program elsewhere has reported of its work."""


class BpmnError(Exception):
    """An error with a code that a program elsewhere has thrown, and no event on the task catches."""


@dataclass(frozen=True, slots=True)
class Lock:
    """The lock that a program holds on a task, as the program names it.

    Attributes:
        user: whose program it is; None is the system.
        worker: what the program calls itself.
        attempt: the attempt for which it was locked; None: the program does not say.
    """

    task_id: int
    user: User | None
    worker: str
    attempt: int | None = None


def may_work(user: User | None, node: Any) -> bool:
    """Whether a program of this person may work on a node. The system may on every one."""
    if user is None or user.manages(node.flow_class.definition.label):
        return True
    return node.permission is not None and user.can(node.permission)


def recover(session: Session) -> int:
    """Release external tasks whose lock has expired. Returns their number."""
    return jobs.reclaim(session)


@persistent
def fetch_and_lock(
    session: Session,
    user: User | None,
    worker: str,
    topics: Mapping[str, dt.timedelta],
    *,
    limit: int,
    tell: Callable[[Task], T],
) -> list[T]:
    """Lock tasks that nobody else has, the longest waiting first, but for those in a tree at work.

    Args:
        user: whose program asks: it gets what this person may work on.
        worker: what the program calls itself.
        topics: how long each lock holds, by topic.
        limit: how many tasks at most.
        tell: what is told of each; under the lock.
    """
    with transaction(session, user) as run:
        return [tell(task) for task in _lock_free_ones(run, worker, topics, limit)]


def _lock_free_ones(
    run: ActionContext, worker: str, topics: Mapping[str, dt.timedelta], limit: int
) -> list[Task]:
    nodes = _nodes(run.user, topics)
    if not nodes:
        return []
    free = or_(Task.lease.is_(None), Task.lease <= run.now)
    query = select(Task.id, _root.id).join(_root, _root.id == root_of(Task))
    query = query.where(
        Task.finished.is_(None),
        Task.awaits.in_([awaited(topic) for topic in topics]),
        Task.scheduled <= run.now,
        holds(
            Task.status == "SCHEDULED", free, tuple_(Process.flow_label, Task.flow_task).in_(nodes), ~Process.on_hold
        ),
    )  # fmt: skip
    query = query.order_by(Task.scheduled, Task.id).limit(limit)
    if run.session.get_bind().dialect.name != "sqlite":  # which lets one action write at a time
        query = query.with_for_update(of=(Task, _root), skip_locked=True)
    rows = run.session.execute(query).all()
    run.roots.update(root for _, root in rows)
    wanted = (
        select(Task).where(Task.id.in_([task_id for task_id, _ in rows])).options(joinedload(Task.process))
    )
    found = {
        task.id: task
        for task in run.session.scalars(wanted.execution_options(populate_existing=True)).unique()
    }
    tasks = [found[task_id] for task_id, _ in rows if _is_free(found[task_id], run)]
    run.seen.add(*tasks)
    for task in tasks:
        node: Any = task.node
        task.attempt += 1
        task.lease = run.now + topics[node.topic]
        task.external_task_id, task.progress = worker, None
        run.record(task, "STARTED", "job", attempt=task.attempt, worker=worker)
    return tasks


def _is_free(task: Task, run: ActionContext) -> bool:
    return task.node is not None and is_due(task, run.now)


@contextmanager
def _locked_task(session: Session, lock: Lock) -> Iterator[tuple[ActionContext, Task]]:
    """An action on a task that a program has locked.

    Raises:
        PermissionDenied: this person's programs do not work on it.
        TransitionNotAllowed: the program does not hold it, or no longer.
    """
    with task_action(session, lock.task_id, lock.user) as (run, task):
        node: Any = task.node
        if node is not None and not may_work(run.user, node):
            raise PermissionDenied(
                f"Whose program works on «{task.title}» manages the flow or holds its permission."
            )
        if node is None or node.topic is None:
            raise TransitionNotAllowed(f"task {task.id} is no external task")
        if task.status != "STARTED":
            raise TransitionNotAllowed(
                f"task {task.id} is not locked by «{lock.worker}»: it is {lifecycle.words(task.status)}"
            )
        if task.external_task_id != lock.worker or lock.attempt not in (None, task.attempt):
            raise TransitionNotAllowed(
                f"task {task.id} is no longer locked by «{lock.worker}»: "
                f"«{task.external_task_id}» has it, attempt {task.attempt}"
            )
        yield run, task


@persistent
def complete(session: Session, lock: Lock, write: Callable[[Activation], object]) -> None:
    """The work is done: write what came of it, and go on.

    Args:
        write: enters the result; what it raises goes to the caller, and nothing has happened.
    """
    with _locked_task(session, lock) as (run, task):
        task.lease = None
        activation = run.activation(task)
        run.called = task
        run.guarded(task, lambda: write(activation))
        step.follow(run, task, run.guarded(task, lambda: activation.node.resume(activation)), "job")
        step.settle(run)


@persistent
def fail(
    session: Session,
    lock: Lock,
    message: str,
    details: str = "",
    *,
    left: int | None = None,
    wait: dt.timedelta | None = None,
) -> None:
    """The work has failed: it can be fetched again after a wait, or becomes an incident when no try is left.

    Args:
        details: shown to managers, such as a traceback.
        left: how many tries there are still; None: as the node says.
        wait: until it can be fetched again; None: as the node says.
    """
    with _locked_task(session, lock) as (run, task):
        task.lease = None
        error = ExternalFailure(message)
        if details:
            error.add_note(details)
        jobs.failed(run, task, error, left, wait)
        step.settle(run)


@persistent
def throw(
    session: Session,
    lock: Lock,
    code: str,
    message: str = "",
    write: Callable[[Activation], object] | None = None,
) -> None:
    """The work has come to an error that the flow knows by a code: `.OnError(…, code=…)` on the task catches it; else
    it becomes an incident."""
    with _locked_task(session, lock) as (run, task):
        task.lease = None
        if write is not None:
            run.guarded(task, lambda: write(run.activation(task)))
        error = BpmnError(f"{code}: {message}" if message else code)
        caught = boundary_events.catching(task, code)
        if caught is None:
            step.fail(run, task, error, "job")
        else:
            boundary_events.interrupt(run, task, caught, failures.describe(error, run.now), "job")
        step.settle(run)


@persistent
def extend(
    session: Session, lock: Lock, span: dt.timedelta, progress: Mapping[str, Any] | None = None
) -> None:
    """Hold the lock for a span from now on.

    Args:
        progress: `done`, `total` and `message`, shown while the work goes on.
    """
    with _locked_task(session, lock) as (run, task):
        task.lease = run.now + span
        if progress is not None:
            task.progress = dict(progress)


@persistent
def unlock(session: Session, lock: Lock) -> None:
    """Hand a task back undone: it can be fetched at once."""
    with _locked_task(session, lock) as (run, task):
        task.lease, task.scheduled = None, run.now
        run.record(task, "SCHEDULED", "job", handed_back=task.attempt)


def waiting(user: User | None, topic: str = "") -> Any:
    """A query for the open external tasks that a person's programs may work on.

    Args:
        topic: of one alone; empty for all.
    """
    nodes = _nodes(user, (topic,) if topic else None)
    return select(Task).join(Task.process).where(
        Task.finished.is_(None), tuple_(Process.flow_label, Task.flow_task).in_(nodes)
    )  # fmt: skip


def _nodes(user: User | None, topics: Collection[str] | None) -> list[tuple[str, str]]:
    """The label and the name of each external task of the flows on which a person's programs may work.

    Args:
        topics: of these topics alone; None: of all.
    """
    return [
        (flow.definition.label, node.name)
        for flow in registry.values()
        for node in flow.definition.nodes.values()
        if node.topic is not None and (topics is None or node.topic in topics) and may_work(user, node)
    ]
