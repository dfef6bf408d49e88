"""Runs several actions of the system in one transaction, as a commit is most of what a small action costs.

Each action is what it would be alone: a context of its own under the lock of its own tree, with the trace of its own
task. An author's function finds nothing of its neighbours pending. If one fails, by whatever it does, all of them are
rolled back, and the caller does them one by one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
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

#: actions in one transaction
MOST = 20
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


Act = Callable[[ActionContext, Task], Any]
#: acts on some of these, in their order: what was answered, by what was turned to
Together = Callable[[Session, Sequence[int]], dict[int, Any]]


def in_turn(
    session: Session,
    keys: Sequence[int],
    some: Together,
    alone: Callable[[int], Any],
    stopping: Callable[[], bool] = lambda: False,
) -> tuple[int, list[int]]:
    """Act on tasks, or on other rows, on several in a transaction; on one after the other where that fails.

    Args:
        keys: in the order in which they come.
        some: acts on several in one transaction; see `tasks`.
        alone: the same in a transaction of its own; it says itself what has disturbed it.
        stopping: asked in between: whether to begin no more.

    Returns:
        How often something was done, and what was not turned to.
    """
    done, left, apart = 0, list(keys), False
    while left and not stopping():
        answers: dict[int, Any] = {}
        if not apart:
            try:
                answers = some(session, left[:MOST])
            except Exception as error:
                log.debug("%s actions are done one by one: %s", len(left[:MOST]), reason(error))
                apart = True
        if not answers:  # or it is gone, or its tree is locked: alone it waits for a moment
            answers[left[0]] = alone(left[0])
        done += sum(bool(answer) for answer in answers.values())
        left = [key for key in left if key not in answers]
    return done, left


def tasks(act: Act) -> Together:
    """Acts on tasks in one transaction: on one of a tree, and on none whose tree somebody has locked.

    Args:
        act: an action of the system on one task, as it is under the lock. Something true if it did something.
    """

    def some(session: Session, task_ids: Sequence[int]) -> dict[int, Any]:
        with transaction(session) as outer:
            locked = reading.lock_tasks(session, session.connection(), task_ids)
            read = [(found.task.id, found.task, found) for found in locked if found.task is not None]
            return each(outer, [(key, partial(_on_task, act, found, task)) for key, task, found in read])

    return some


def each(outer: ActionContext, acts: Iterable[tuple[int, Callable[[ActionContext], Any]]]) -> dict[int, Any]:
    """Do actions of the system in a transaction that has locked what they need, as many as there is time for.

    Raises:
        Exception: what one of them has raised. Nothing was changed.
    """
    answers: dict[int, Any] = {}
    until = time.monotonic() + LONGEST
    for key, act in acts:
        answers[key] = _one(outer, act)
        if time.monotonic() >= until:
            break
    return answers


def _on_task(act: Act, found: Found, task: Task, run: ActionContext) -> Any:
    if task not in run.session or task.process not in run.session:
        raise Forgotten("a task is no longer in its session")
    run.hold(found)
    run.seen.add(task)
    if found.alone:
        run.seen.alone.add(task.process)
    with trace.following(task.trace):
        return act(run, task)


def _one(outer: ActionContext, act: Callable[[ActionContext], Any]) -> Any:
    run = BatchedAction(outer)
    outer.session.info["run"] = run
    try:
        answer = act(run)
    finally:
        outer.session.info["run"] = outer
    outer.roots |= run.roots
    outer.work_for_clock |= run.work_for_clock
    outer.after_commit |= run.after_commit
    return answer
