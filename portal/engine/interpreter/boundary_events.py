"""Events on the border of a task: armed when it begins to wait, disarmed when it ends."""

from __future__ import annotations

from functools import partial
from typing import Any

from sqlalchemy import select

from portal.flow.boundary import Boundary, TimeoutBoundary
from portal.flow.outcome import Wait
from portal.models import SignalSubscription, Task

from ..context import ActionContext
from . import processes

#: in the data of an event that repeats: how often it has fired before
_FIRED = "_fired"


def on(task: Task) -> tuple[Boundary, ...]:
    """The events on the border of a task."""
    node = task.node
    return () if node is None else node.boundaries


def arm(run: ActionContext, host: Task) -> None:
    """Make a waiting task of each event on a host that has begun to wait."""
    for node in on(host):
        if not node.arms:
            continue
        before = run.events_of.get(host, {}).get(event_name(node.name))
        if before is not None and before.status == "DONE":
            continue  # it has fired at the task that this one takes the place of
        run.hosts.add(host)
        task = run.create(host.process, node, host.token)
        task.awaits = f"host:{host.number}"
        if before is not None and node.times:
            task.scheduled, task.data = before.scheduled, dict(before.data)
            run.record(task, "SCHEDULED")
            continue
        activation = run.activation(task)
        activation.task = host
        outcome = run.interpreter.attempt(run, task, partial(node.enter, activation), of=host)
        if outcome is None:
            continue
        assert isinstance(outcome, Wait)
        task.scheduled = outcome.until
        run.record(task, outcome.status)
        _subscribe(run, task, node)


def _subscribe(run: ActionContext, task: Task, node: Boundary) -> None:
    """Let a throw find an event that waits for its signal."""
    if node.signal is not None:
        run.session.flush()
        run.session.add(SignalSubscription(task_id=task.id, name=node.signal))


def event_name(name: str) -> str:
    """What an event on a task is called after the name of the node: `timeout`, `timeout_2`."""
    return name.partition("__")[2]


def events_of(run: ActionContext, host: Task) -> dict[str, Task]:
    """The events that stand ready on a task, and those that have fired, by `event_name`."""
    run.session.flush()
    query = select(Task).where(
        Task.process_id == host.process_id,
        Task.awaits == f"host:{host.number}",
        Task.status.in_(("SCHEDULED", "STARTED", "DONE")),
    )
    found = list(run.session.scalars(query.order_by(Task.number)).unique())
    run.seen.add(*found)
    return {event_name(task.flow_task): task for task in found}


def disarm(run: ActionContext, host: Task, but: Task | None = None) -> None:
    """Cancel the events of a host that is over, also those whose nodes the code no longer has."""
    if host in run.seen.made and host not in run.hosts:
        return
    names = [node.name for node in on(host) if node.arms]
    if not names and (host in run.seen.made or host.is_current):
        return
    awaits = f"host:{host.number}"
    run.seen.find_others(
        host.process, Task.awaits == awaits, *([Task.flow_task.in_(names)] if host.is_current else [])
    )
    for task in run.seen.of(host.process):
        if task.awaits == awaits and task.is_open and task is not but:
            run.record(task, "CANCELED", "step")


def catching(task: Task, error: BaseException | str | None) -> Boundary | None:
    """The event on a task that catches this error."""
    return next((node for node in on(task) if node.catches(error)), None)


def listening(task: Task, code: str) -> Boundary | None:
    """The event on a task that waits for an escalation with this code."""
    return next((node for node in on(task) if node.hears(code)), None)


def interrupt(run: ActionContext, host: Task, node: Boundary, reason: Any, action: str) -> None:
    """An error event fires: its host is cancelled, and its path begins."""
    if reason is not None:
        host.data["_exception"] = reason
    run.record(host, "CANCELED", action)
    disarm(run, host)
    processes.cancel_children(run, host)
    task = run.create(host.process, node, host.token, host)
    run.interpreter.complete(run, task, node.proceed(run.activation(task)), action)


def fire(run: ActionContext, task: Task, action: str = "timer") -> None:
    """Fire an armed event: its moment, signal or message has come."""
    node: Any = task.node
    host = host_of(run, task)
    run.link(task, host)
    if node.interrupting:
        run.record(host, "CANCELED", action)
        disarm(run, host, but=task)
        processes.cancel_children(run, host)
    activation = run.activation(task)
    outcome = run.guarded(task, lambda: node.proceed(activation))
    if not node.interrupting:
        _arm_again(run, node, task, host)
    run.interpreter.complete(run, task, outcome, action)


def _arm_again(run: ActionContext, node: Any, task: Task, host: Task) -> None:
    """Arm an event again that repeats beside its host."""
    if node.times:
        _time_again(run, node, task, host)
        return
    again = run.create(host.process, node, host.token)
    again.awaits = task.awaits
    run.record(again, "STARTED", "step")
    _subscribe(run, again, node)


def _time_again(run: ActionContext, node: TimeoutBoundary, task: Task, host: Task) -> None:
    """The next moment of a timeout that repeats. What was missed meanwhile is made up by this one."""
    fired = int(task.data.get(_FIRED, 0)) + 1
    when = node.next_moment(task.scheduled or run.now, run.now)
    if when is None or fired == node.times_to_fire:
        return
    again = run.create(host.process, node, host.token)
    again.awaits, again.data = task.awaits, {_FIRED: fired}
    again.scheduled = when
    run.record(again, "SCHEDULED", "timer")


def host_of(run: ActionContext, task: Task) -> Task:
    """The task that an armed event sits on."""
    number = int((task.awaits or "").removeprefix("host:"))
    found = run.seen.find(task.process, Task.number == number)
    if not found:
        raise LookupError(f"task {number} of process {task.process_id} is not open")
    return found[0]
