"""Moves tokens until all of them wait. Other modules call it through `ActionContext.interpreter`."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from typing import Any

from sqlalchemy import select

from portal.errors import PortalError
from portal.flow.base import Node
from portal.flow.outcome import Done, Outcome, Wait, Way
from portal.jsonstore import plain
from portal.models import Process, Task
from portal.models.pointer import demand_mapped

from .. import failures
from ..context import ActionContext
from ..failures import Failure
from ..seen import among_open
from ..statements import placing
from . import (
    assignment,
    boundary_events,
    compensation,
    conditions,
    joins,
    messages,
    mutexes,
    processes,
    races,
    scopes,
    signals,
    subprocesses,
    token,
)

#: flows whose failures are raised, for the sake of a test
propagating: ContextVar[frozenset[Any]] = ContextVar("propagating", default=frozenset())
#: how often one token may come to one node within an action
VISITS = 1000


class EndlessLoop(PortalError):
    """A loop in which nothing waits, and whose condition always holds: it would keep the lock for ever."""


def settle(run: ActionContext) -> None:
    """Run until every branch waits or has ended."""
    while True:
        while run.ready:
            task = run.ready.pop()
            if task.finished is None:  # nothing has cancelled it since its token came
                enter(run, task)
        if (run.joins_due and joins.release(run)) or mutexes.release(run) or (run.touched and close_all(run)):
            continue
        if not conditions.ask_tree(run):
            break


def close_all(run: ActionContext) -> bool:
    """End the processes in which nothing is left to do. True if a parent went on with it."""
    touched, run.touched = list(run.touched), {}
    for process in touched:
        close_if_over(run, process)
    return bool(run.ready or run.joins_due or run.touched)


def enter(run: ActionContext, task: Task) -> None:
    """A token has come to a task: ask its node."""
    activation = run.activation(task)
    if activation.node.mutex is not None and mutexes.must_wait(run, task, activation.node):
        return
    visit = task.process, task.flow_task, task.token
    run.visits[visit] += 1
    if run.visits[visit] > VISITS:
        error = EndlessLoop(
            f"the token came here {VISITS:,} times in one action, without anything to wait for on its way: "
            f"does the condition of the loop ever end it?"
        )
        fail(run, task, error)
        return
    resume(run, task, partial(activation.node.enter, activation))


def attempt(
    run: ActionContext, task: Task, call: Callable[[], Any], action: str = "step", *, of: Task | None = None
) -> Any:
    """Call an author's code under a guard. None if it has failed, and the task with it.

    Args:
        of: the task whose changes are taken back on failure, where it is not the one that fails.
    """
    try:
        return run.guarded(of or task, call)
    except Exception as error:
        fail(run, task, error, action)
        return None


def resume(run: ActionContext, task: Task, call: Callable[[], Outcome], action: str = "step") -> bool:
    """Call a node, and do what it answers. False if it has failed."""
    try:
        outcome = run.guarded(task, lambda: checked(run, call()))
    except Exception as error:
        fail(run, task, error, action)
        return False
    follow(run, task, outcome, action)
    return True


def checked(run: ActionContext, answer: Outcome) -> Outcome:
    """An answer that can be followed. What an author's code has put into it fails its node alone, and not the action in
    which it would be stored."""
    if not isinstance(answer, Done | Wait):
        raise TypeError(f"a node answers Done(…) or Wait(…), not {answer!r}")
    for way in answer.ways:
        if way.data is not None:
            plain(way.data)
        if way.seed is not None and demand_mapped("seed", way.seed).transient:
            run.session.add(way.seed)
    return answer


def follow(run: ActionContext, task: Task, outcome: Outcome, action: str = "step") -> None:
    """Do what a node has answered, unless its own code has cancelled it meanwhile."""
    if task.finished is not None:
        return
    if isinstance(outcome, Wait):
        wait(run, task, outcome, action)
        start_inside(run, task, outcome)
    else:
        complete(run, task, outcome, action)


def wait(run: ActionContext, task: Task, outcome: Wait, action: str = "step") -> None:
    placing.put(
        task,
        scheduled=outcome.until,
        owner_permission=outcome.permission,
        owner_permission_obj=outcome.permission_obj,
        priority=task.priority or outcome.priority,
    )
    if outcome.due is not None and task.due is None:
        task.due = outcome.due  # and with it when its owner is reminded
    if outcome.awaits is not None:
        task.awaits = outcome.awaits
    run.record(task, outcome.status, action)
    if outcome.owner is not None:
        assignment.give_by_rule(run, task, outcome.owner)
    boundary_events.arm(run, task)


def start_inside(run: ActionContext, task: Task, outcome: Wait) -> None:
    """What begins while a task waits: the branches of a race, or child processes."""
    if outcome.ways:
        send(run, task, outcome.ways, splits=True)
    if outcome.compensates:
        compensation.begin(run, task)
    messages.take(run, task)
    if outcome.children:
        run.number_tasks()  # they point at theirs
        attempt(run, task, lambda: subprocesses.start(run, task, outcome.children))


def complete(run: ActionContext, task: Task, outcome: Done, action: str = "step") -> None:
    """The task is done: disarm what was armed on it, and send its token on."""
    run.record(task, "DONE", action)
    boundary_events.disarm(run, task)
    if "/" in task.token:
        races.decide(run, task)
    for name in outcome.signals:
        signals.throw(run, name)
    if outcome.cancels:
        cancel_region(run, task, outcome.cancels)
    if outcome.escalates is not None:
        subprocesses.escalate(run, task.process, outcome.escalates)
        if task.process.finished is not None:
            return  # the listener has interrupted what escalated
    if task.awaits is not None and compensation.handled(run, task):
        return
    if outcome.finishes is not None:
        subprocesses.finish(run, task, outcome)
        subprocesses.over(run, task.process)
        return
    proceed(run, task, outcome)


def cancel_region(run: ActionContext, task: Task, names: tuple[str, ...]) -> None:
    """Cancel the open tasks of these nodes."""
    for other in run.seen.find(task.process, Task.flow_task.in_(names)):
        if other is not task:
            close(run, other, "step")


def close(run: ActionContext, task: Task, action: str = "cancel") -> None:
    """Cancel a task and what is armed on it, unless it went with another one already."""
    if not task.is_open:
        return
    run.record(task, "CANCELED", action)
    leave(run, task)


def leave(run: ActionContext, task: Task) -> None:
    """End what is under way only while a task is: events on its border, branches of a race, child processes."""
    boundary_events.disarm(run, task)
    races.call_off(run, task)
    processes.cancel_children(run, task)


def proceed(run: ActionContext, task: Task, outcome: Done) -> None:
    if outcome.ways:
        send(run, task, outcome.ways, outcome.splits)
        return
    node: Any = task.node
    if not node.races:  # or else the winner's branch is under way
        join = node.flow_class.definition.common_join(node) if outcome.empty and node.outgoing else None
        if join is not None and scopes.belongs_above(run, task, join):
            joins.arrive(run, join, task.token, task)
        elif join is not None:
            follow_direct(run, join, task)
        else:
            placing.put(task.process, ended=True)


def send(run: ActionContext, task: Task, ways: tuple[Way, ...], splits: bool) -> None:
    """Send tokens along these ways."""
    made = []
    for number, way in enumerate(ways, 1):
        branch = token.branch(task.token, task.number, number) if splits else task.token
        target: Node = way.edge.target
        if target.merges:
            joins.arrive(run, target, branch, task)
        else:
            new = run.create(task.process, target, branch, task, data=way.data)
            if way.seed is not None:
                new.seed = way.seed
            made.append(new)
    run.ready.extend(reversed(made))


def follow_direct(run: ActionContext, join: Node, split: Task) -> None:
    """A split with nothing to do goes straight to its join, which has no one to wait for."""
    task = run.create(split.process, join, split.token, split)
    run.record(task, "STARTED")
    joins.go_on(run, task)


def fail(run: ActionContext, task: Task, error: Exception, action: str = "step") -> None:
    """A node has failed: an error event on it catches that, or it becomes ERROR and waits for people.

    Raises:
        Exception: the error itself, where the flow or the caller wants it raised, or where it is not the node's
            and the whole action is to be done again.
    """
    if run.disturbed is error:
        raise error
    flow_class: Any = task.process.flow_class
    raises = run.propagate or flow_class in propagating.get()
    if run.called is task or raises or (flow_class is not None and flow_class.propagate_errors):
        raise error
    caught = boundary_events.catching(task, failures.cause(error))
    if caught is not None:
        run.failures.append(Failure(task.process, task, error, f"; {caught.name} catches it"))
        boundary_events.interrupt(run, task, caught, failures.describe(error, run.now), "step")
        return
    incident(run, task, error, action)


def incident(run: ActionContext, task: Task, error: Exception, action: str) -> None:
    """A task becomes ERROR and waits for people."""
    task.data["_exception"] = failures.describe(error, run.now)
    run.record(task, "ERROR", action, error=failures.name(error))
    run.failures.append(Failure(task.process, task, error, ""))


def close_if_over(run: ActionContext, process: Process) -> None:
    """A process is done when an end was reached and none of its tasks is open."""
    if process in run.reopened or process.status != "NEW" or not process.ended:
        return
    for task in run.seen.tasks.get(process, ()):
        if task.finished is None:
            return
    if not run.seen.has_all(process):
        query = among_open(select(Task.id).where(Task.process_id == process.id, Task.finished.is_(None)))
        known = run.seen.ids(process)
        with run.session.no_autoflush:
            if run.session.scalar(query.where(Task.id.not_in(known)).limit(1)) is not None:
                return
    run.record_process(process, "DONE", "step")
    subprocesses.over(run, process)
