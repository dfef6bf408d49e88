"""Runs several actions of the system in one transaction, as a commit is most of what a small action costs.

Each action is what it would be alone: a context of its own under the lock of its own tree, with the trace of its own
task. An author's function finds nothing of its neighbours pending. If one fails, by whatever it does, all of them are
rolled back, and the caller does them one by one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy.orm import Session

from portal import trace
from portal.errors import contain
from portal.models import Task

from .context import ActionContext
from .retries import reason
from .savepoint import calls_authors
from .statements import Found, reading
from .transaction import transaction

log = logging.getLogger("portal.engine")

#: seconds after which no further action begins: the trees of those before it are locked meanwhile
LONGEST = 0.05


class Forgotten(Exception):
    """An author's function has thrown away the objects of another action."""


class BatchedAction(ActionContext):
    """One action of several. What it writes goes with what the others write."""

    def __init__(self, outer: ActionContext) -> None:
        super().__init__(outer.session, None, outer.now, set())
        self.rows, self.counts, self.failures = outer.rows, outer.counts, outer.failures
        self._apart = False

    def guarded(self, task: Task, call: Callable[[], Any]) -> Any:
        """As for a single action, but a failure goes to the caller of the batch, which takes all of it back."""
        try:
            if not calls_authors(task.node):
                return contain(call)
            if not self._apart:
                # What is written cannot be lost with the session's objects, and who changes it changes a stored row.
                self.session.flush()
                self._apart = True
            return super().guarded(task, call)
        except Exception as error:
            self.disturbed = error
            raise


Act = Callable[[ActionContext, Task], bool]


def in_turn(
    session: Session,
    task_ids: Sequence[int],
    act: Act,
    alone: Callable[[int], bool],
    stopping: Callable[[], bool] = lambda: False,
) -> tuple[int, list[int]]:
    """Act on tasks, on several in a transaction; on one after the other where that fails.

    Args:
        task_ids: in the order in which they come.
        act: an action of the system on one task, as it is under the lock. True if it did something.
        alone: the same in a transaction of its own; it says itself what has disturbed it.
        stopping: asked in between: whether to begin no more.

    Returns:
        How often something was done, and the tasks that were not turned to.
    """
    done, left, apart = 0, list(task_ids), False
    while left and not stopping():
        answers: dict[int, bool] = {}
        if not apart:
            try:
                answers = together(session, left, act)
            except Exception as error:
                log.debug("%s actions are done one by one: %s", len(left), reason(error))
                apart = True
        if not answers:  # or it is gone, or its tree is locked: alone it waits for a moment
            answers[left[0]] = alone(left[0])
        done += sum(answers.values())
        left = [task_id for task_id in left if task_id not in answers]
    return done, left


def together(session: Session, task_ids: Sequence[int], act: Act) -> dict[int, bool]:
    """Act on tasks in one transaction, in this order, as many as there is time for.

    Args:
        task_ids: one of a tree is turned to, and none whose tree somebody has locked.
        act: an action of the system on one task, as it is under the lock.

    Returns:
        What it answered, by the id of the task. Those left out were not turned to.

    Raises:
        Exception: what one of the actions has raised. Nothing was changed.
    """
    answers: dict[int, bool] = {}
    with transaction(session) as outer:
        locked = reading.lock_tasks(session, session.connection(), task_ids)
        read = [(found.task.id, found.task, found) for found in locked if found.task is not None]
        until = time.monotonic() + LONGEST
        for task_id, task, found in read:
            if task not in session or task.process not in session:
                raise Forgotten(f"task {task_id} is no longer in its session")
            answers[task_id] = _one(outer, task, found, act)
            if time.monotonic() >= until:
                break
    return answers


def _one(
    outer: ActionContext,
    task: Task,
    found: Found,
    act: Act,
) -> bool:
    run = BatchedAction(outer)
    run.hold(found)
    run.know(task)
    if found.alone:
        run.alone.add(task.process)
    outer.roots |= run.roots
    outer.session.info["run"] = run
    try:
        with trace.following(task.trace):
            answer = act(run, task)
    finally:
        outer.session.info["run"] = outer
    outer.work_for_clock |= run.work_for_clock
    outer.after_commit |= run.after_commit
    return answer
