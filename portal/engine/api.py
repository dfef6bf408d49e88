"""What programs call through the language: `MyFlow.node.run(…)`, `task.activation()`, `process.cancel()`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy.orm import Session

from portal.flow.activation import Activation
from portal.models import Process, Task, User, db

from . import actions
from .correlation import Call, actor, handle, send, session_for
from .interpreter import processes, signals, step, subprocesses
from .retries import persistent
from .transaction import transaction

__all__ = [
    "activation", "cancel_process", "handle", "resume", "send", "start", "suspend", "throw_signal", "withdraw",
]  # fmt: skip


def start(node: Any, kwargs: dict[str, Any], tell: Callable[[int], object] | None = None) -> Any:
    """Start a process at a `StartHandle`; see there.

    Args:
        tell: called with the id of the process, whatever the node's function returns.
    """
    subprocesses.demand_registered(node.flow_class)
    user, propagate = actor(kwargs)
    return _start(db.session(), Call(node, kwargs, user, propagate), tell)


@persistent
def _start(session: Session, call: Call, tell: Callable[[int], object] | None) -> Any:
    node, kwargs = call.node, call.kwargs
    with transaction(session, call.user) as run:
        run.propagate |= call.propagate
        process = processes.new_process(run, node.flow_class)
        task = processes.first_task(run, process, node)
        activation = run.activation(task)
        processes.begin(run, process, task)
        run.called = task
        result = process
        if node.func is not None:
            result = run.guarded(task, lambda: node.call(node.func, activation, **kwargs))
        elif kwargs:
            raise TypeError(f"{node.name} has no function that could take {', '.join(kwargs)}")
        step.follow(run, task, node.resume(activation), "start")
        step.settle(run)
        if tell is not None:
            session.flush()
            tell(process.id)
        return result


def throw_signal(name: str, user: User | int | None) -> None:
    _throw(db.session(), name, user)


@persistent
def _throw(session: Session, name: str, user: User | int | None) -> None:
    with transaction(session, user) as run:
        signals.throw(run, name)


def activation(task: Task | int, user: User | int | None) -> AbstractContextManager[Activation]:
    return actions.activation(session_for(task), task, user)


def cancel_process(process: Process | int, user: User | int | None, reason: str | None = None) -> None:
    actions.cancel_process(session_for(process), process, user, reason)


def suspend(process: Process | int, user: User | int | None, reason: str | None = None) -> None:
    actions.suspend(session_for(process), process, user, reason)


def resume(process: Process | int, user: User | int | None, reason: str | None = None) -> None:
    actions.resume(session_for(process), process, user, reason)


def withdraw(process: Process | int, user: User | int | None, reason: str | None = None) -> None:
    actions.withdraw(session_for(process), process, user, reason)
