"""What programs call through the language: `MyFlow.node.run(…)`, `task.activation()`, `process.cancel()`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy.orm import Session

from portal.errors import TransitionNotAllowed
from portal.flow.activation import Activation
from portal.flow.names import guess
from portal.flow.reference import Reference
from portal.models import Process, Task, User, db, session_of

from . import actions, lifecycle
from .context import ActionContext
from .interpreter import boundary_events, messages, mutexes, processes, signals, step, subprocesses
from .retries import persist
from .transaction import read_process, read_task, transaction


def start(node: Any, kwargs: dict[str, Any], tell: Callable[[int], object] | None = None) -> Any:
    """Start a process at a `StartHandle`; see there.

    Args:
        tell: called with the id of the process, whatever the node's function returns.
    """
    subprocesses.demand_registered(node.flow_class)
    user, propagate = _ours(kwargs)
    session = db.session()

    def begin() -> Any:
        with transaction(session, user) as run:
            run.propagate |= propagate
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

    return persist(session, begin)


def handle(node: Any, kwargs: dict[str, Any]) -> Any:
    """Complete a waiting `Handle`; see there."""
    envelope = {name: kwargs.pop(name, None) for name in ("_key", "_ttl", "_where")}
    user, propagate = _ours(kwargs)
    process, task = kwargs.pop("process", None), kwargs.pop("task", None)
    _demand_keywords(node, kwargs)
    if node.keeps_messages and task is None:
        session = db.session() if process is None else _session(process)
        return persist(session, lambda: _send(node, process, kwargs, user, propagate, **envelope))
    if any(value is not None for value in envelope.values()):
        raise TypeError(f"{node.name}.run() takes _key, _ttl and _where only if it is a MessageCatch")
    if (process is None) == (task is None):
        raise TypeError(f"{node.name}.run() needs either process= or task=")
    session = _session(process if task is None else task)
    return persist(session, lambda: _complete(node, process, task, kwargs, user, propagate))


def _demand_keywords(node: Any, kwargs: dict[str, Any]) -> None:
    """Refuse what the function of a node does not take: a message that is kept would fail its task later.

    Raises:
        TypeError: names it, and what was probably meant.
    """
    if node.func is None:
        if kwargs:
            raise TypeError(f"{node.name} has no function that could take {', '.join(kwargs)}")
        return
    of_flow = isinstance(node.func, Reference)
    func = getattr(node.flow_class, node.func.name) if of_flow else node.func
    try:
        parameters = list(inspect.signature(func).parameters.values())
    except (TypeError, ValueError):  # it does not tell what it takes
        return
    if any(each.kind is each.VAR_KEYWORD for each in parameters):
        return
    known = [each.name for each in parameters if each.kind is not each.POSITIONAL_ONLY]
    for name in kwargs:
        if name not in known:
            raise TypeError(
                f"the function of {node.name} takes no {name!r}{guess(name, known, '', all_known=False)}"
            )


def _demand_complete(node: Any, kwargs: dict[str, Any]) -> None:
    """Refuse to keep a message that lacks what its function needs.

    Raises:
        TypeError: names it.
    """
    func, given = node.func, 1  # the activation
    if isinstance(func, Reference):
        found = inspect.getattr_static(node.flow_class, func.name)
        func, given = getattr(node.flow_class, func.name), given + inspect.isfunction(found)  # its self
    if func is None:
        return
    try:
        signature = inspect.signature(func)
    except (TypeError, ValueError):  # it does not tell what it takes
        return
    try:
        signature.bind(*[None] * given, **kwargs)
    except TypeError as error:
        raise TypeError(f"the function of {node.name}: {error}") from None


def _send(
    node: Any,
    process: Any,
    kwargs: dict[str, Any],
    user: Any,
    propagate: bool,
    _key: Any,
    _ttl: Any,
    _where: Any,
) -> Any:
    """Hand a message to the catch that waits for it, or keep it until one does."""
    session = db.session() if process is None else _session(process)
    if (process is None) == (_where is None):
        raise TypeError(f"{node.name}.run() needs either process= or _where=")
    if _where is not None:
        process = messages.receiver(session, node, _where)
        if session.info.get("run") is None:
            session.rollback()
    if process is None:
        with transaction(session, user):
            if not messages.known(session, node, _key):
                _demand_complete(node, kwargs)
                messages.keep(session, node, kwargs, fields=_where, key=_key, ttl=_ttl)
        return None
    with transaction(session, user, process=process) as run:
        if messages.known(session, node, _key):
            return None
        nested = isinstance(process, Process) and process in run.tasks
        found = process if nested else read_process(session, process)
        _check_flow(node, found)
        if found.finished is not None:
            raise TransitionNotAllowed(f"process {found.id} is over: nobody takes the message")
        armed = run.find(found, Task.flow_task == node.name, Task.status == "STARTED")
        if not armed or found.on_hold or _key is not None:
            _demand_complete(node, kwargs)
            messages.keep(session, node, kwargs, process=found, key=_key, ttl=_ttl)
            if armed and not found.on_hold:
                messages.take(run, armed[0])
                step.settle(run)
            return None
        return _complete(node, found, None, kwargs, user, propagate)


def _complete(node: Any, process: Any, task: Any, kwargs: dict[str, Any], user: Any, propagate: bool) -> Any:
    session = _session(process if task is None else task)
    nested = session.info.get("run") is not None
    with transaction(session, user, process=process, task=task) as run:
        run.propagate |= propagate
        if task is not None:
            found = task if nested and isinstance(task, Task) else read_task(session, task)
            run.know(found)
        else:
            fresh = process if nested and isinstance(process, Process) else read_process(session, process)
            found = _waiting(run, node, fresh)
        _check_waits(node, found)
        mutexes.demand(run, found, "run")
        own: Any = found.node
        activation = run.activation(found)
        run.called = found
        result = None
        if own.func is not None:
            result = run.guarded(found, lambda: own.call(own.func, activation, **kwargs))
        step.follow(run, found, run.guarded(found, lambda: own.resume(activation)), "message")
        step.settle(run)
        return result


def _check_flow(node: Any, process: Process) -> None:
    if not issubclass(process.flow_class or object, node.flow_class):
        raise TransitionNotAllowed(
            f"process {process.id} is one of «{process.flow_label}»: it never waits at "
            f"{node.flow_class.__name__}.{node.name}"
        )


def _waiting(run: ActionContext, node: Any, process: Process) -> Task:
    waiting = [task for task in run.find(process) if task.status not in ("ERROR",)]
    here = [task for task in waiting if task.flow_task == node.name and task.status == "STARTED"]
    if len(here) > 1:
        numbers = ", ".join(str(task.number) for task in here)
        raise TransitionNotAllowed(
            f"process {process.id} waits at {node.name} more than once: name task= ({numbers})"
        )
    if not here:
        there = (
            ", ".join(f"{task.flow_task} ({lifecycle.words(task.status)})" for task in waiting) or "nothing"
        )
        raise TransitionNotAllowed(f"process {process.id} does not wait at {node.name}; open is: {there}")
    return here[0]


def _check_waits(node: Any, task: Task) -> None:
    _check_flow(node, task.process)
    own = task.node
    if task.flow_task != node.name or task.status != "STARTED" or own is None or not own.handles:
        raise TransitionNotAllowed(
            f"task {task.id} ({task.flow_task}, {lifecycle.words(task.status)}) does not wait here"
        )
    if task.process.on_hold:
        raise TransitionNotAllowed(f"process {task.process_id} is suspended")


def send(flow_class: Any, name: str, kwargs: dict[str, Any]) -> None:
    """Send a process a message; see `Flow.send`."""
    nodes = flow_class.definition.nodes
    if name in nodes and nodes[name].keeps_messages:
        handle(nodes[name], kwargs)
        return
    known = {node.message: None for node in nodes.values() if node.message is not None}
    if name not in known:
        names = ", ".join(f"«{each}»" for each in known) or "none"
        raise TransitionNotAllowed(
            f"{flow_class.__name__} waits for no message «{name}»; its messages are: {names}"
        )
    user, propagate = _ours(kwargs)
    process = kwargs.pop("process", None)
    if process is None:
        raise TypeError(f"{flow_class.__name__}.send({name!r}) needs process=")
    persist(_session(process), lambda: _reach(flow_class, name, process, kwargs, user, propagate))


def _reach(
    flow_class: Any, name: str, process: Any, data: dict[str, Any], user: Any, propagate: bool
) -> None:
    session = _session(process)
    with transaction(session, user, process=process) as run:
        run.propagate |= propagate
        nested = isinstance(process, Process) and process in run.tasks
        found = process if nested else read_process(session, process)
        if not issubclass(found.flow_class or object, flow_class):
            raise TransitionNotAllowed(f"process {found.id} is one of «{found.flow_label}»")
        if found.on_hold:
            raise TransitionNotAllowed(f"process {found.id} is suspended")
        waiting = [
            (task, task.node) for task in run.find(found, Task.status == "STARTED") if task.is_boundary_event
        ]
        armed = [
            (task, node.message) for task, node in waiting if node is not None and node.message is not None
        ]
        reached = [task for task, message in armed if message == name]
        if not reached:
            names = ", ".join(dict.fromkeys(f"«{message}»" for _, message in armed)) or "none"
            raise TransitionNotAllowed(
                f"process {found.id} does not wait for the message «{name}»; it waits for: {names}"
            )
        for task in reached:
            if task.is_open:  # what was reached before it may have cancelled it
                task.data.update(data)
                boundary_events.fire(run, task, "message")
        step.settle(run)


def throw_signal(name: str, user: User | int | None) -> None:
    session = db.session()

    def throw() -> None:
        with transaction(session, user) as run:
            signals.throw(run, name)

    persist(session, throw)


def activation(task: Task | int, user: User | int | None) -> AbstractContextManager[Activation]:
    return actions.activation(_session(task), task, user)


def cancel_process(process: Process | int, user: User | int | None, reason: str | None = None) -> None:
    actions.cancel_process(_session(process), process, user, reason)


def suspend(process: Process | int, user: User | int | None, reason: str | None = None) -> None:
    actions.suspend(_session(process), process, user, reason)


def resume(process: Process | int, user: User | int | None, reason: str | None = None) -> None:
    actions.resume(_session(process), process, user, reason)


def withdraw(process: Process | int, user: User | int | None, reason: str | None = None) -> None:
    actions.withdraw(_session(process), process, user, reason)


def _ours(kwargs: dict[str, Any]) -> tuple[Any, bool]:
    """Separate the keywords that begin with an underscore from those for the function."""
    user, propagate = kwargs.pop("_user", None), bool(kwargs.pop("_propagate", False))
    unknown = [name for name in kwargs if name.startswith("_")]
    if unknown:
        raise TypeError(f"run() has no keyword {unknown[0]}; it has _user and _propagate")
    return user, propagate


def _session(target: Any) -> Session:
    """The session in which an object is read; that of the application for one that is read in no such session, as a
    job's process is."""
    session = None if isinstance(target, int) else session_of(target)
    return session if session is not None and hasattr(session, "has_unsaved") else db.session()
