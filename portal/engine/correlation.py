"""Message correlation: leads the call of a handle, or a message, to the task that waits for it.

A message to a `MessageCatch` at which nothing waits yet is kept for it.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from portal.errors import TransitionNotAllowed
from portal.flow.names import guess
from portal.flow.reference import Reference
from portal.models import Process, Task, db, session_of

from . import lifecycle
from .context import ActionContext
from .interpreter import boundary_events, messages, mutexes, step
from .retries import persistent
from .transaction import read_process, read_task, transaction


@dataclass(frozen=True, slots=True)
class Call:
    """What a program calls through the language: a start, a handle, or a message.

    Attributes:
        kwargs: the keywords of the node's function.
        process, task: the receiver, or its id.
        key: what tells a message from others.
        ttl: how long it is kept.
        where: the values of fields by which its receiver is found.
    """

    node: Any
    kwargs: dict[str, Any]
    user: Any
    propagate: bool
    process: Any = None
    task: Any = None
    key: Any = None
    ttl: Any = None
    where: dict[str, Any] | None = None


def handle(node: Any, kwargs: dict[str, Any]) -> Any:
    """Complete a waiting `Handle`; see there."""
    given = {name: kwargs.pop(f"_{name}", None) for name in ("key", "ttl", "where")}
    user, propagate = actor(kwargs)
    process, task = kwargs.pop("process", None), kwargs.pop("task", None)
    _demand_keywords(node, kwargs)
    call = Call(node, kwargs, user, propagate, process, task, **given)
    if node.keeps_messages and task is None:
        return _send(db.session() if process is None else session_for(process), call)
    if any(value is not None for value in given.values()):
        raise TypeError(f"{node.name}.run() takes _key, _ttl and _where only if it is a MessageCatch")
    if (process is None) == (task is None):
        raise TypeError(f"{node.name}.run() needs either process= or task=")
    return _complete(session_for(process if task is None else task), call)


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


@persistent
def _send(session: Session, call: Call) -> Any:
    """Hand a message to the catch that waits for it, or keep it until one does."""
    node, process = call.node, call.process
    if (process is None) == (call.where is None):
        raise TypeError(f"{node.name}.run() needs either process= or _where=")
    if call.where is not None:
        process = messages.receiver(session, node, call.where)
        if session.info.get("run") is None:
            session.rollback()
    if process is None:
        with transaction(session, call.user):
            if not messages.known(session, node, call.key):
                _demand_complete(node, call.kwargs)
                messages.keep(session, node, call.kwargs, fields=call.where, key=call.key, ttl=call.ttl)
        return None
    with transaction(session, call.user, process=process) as run:
        if messages.known(session, node, call.key):
            return None
        found = _receiver(run, process)
        _check_flow(node, found)
        if found.finished is not None:
            raise TransitionNotAllowed(f"process {found.id} is over: nobody takes the message")
        armed = run.seen.find(found, Task.flow_task == node.name, Task.status == "STARTED")
        if not armed or found.on_hold or call.key is not None:
            _demand_complete(node, call.kwargs)
            messages.keep(session, node, call.kwargs, process=found, key=call.key, ttl=call.ttl)
            if armed and not found.on_hold:
                messages.take(run, armed[0])
                step.settle(run)
            return None
        return _complete(session, replace(call, process=found))


@persistent
def _complete(session: Session, call: Call) -> Any:
    nested = session.info.get("run") is not None
    with transaction(session, call.user, process=call.process, task=call.task) as run:
        run.propagate |= call.propagate
        if call.task is not None:
            found = call.task if nested and isinstance(call.task, Task) else read_task(session, call.task)
            run.seen.add(found)
        else:
            inside = nested and isinstance(call.process, Process)
            process = call.process if inside else read_process(session, call.process)
            found = _waiting(run, call.node, process)
        _check_waits(call.node, found)
        mutexes.demand(run, found, "run")
        own: Any = found.node
        activation = run.activation(found)
        run.called = found
        result = None
        if own.func is not None:
            result = run.guarded(found, lambda: own.call(own.func, activation, **call.kwargs))
        step.follow(run, found, run.guarded(found, lambda: own.resume(activation)), "message")
        step.settle(run)
        return result


def _receiver(run: ActionContext, process: Process | int) -> Process:
    """The process as it is under the lock; within an action on it, as it is there."""
    known = isinstance(process, Process) and process in run.seen.tasks
    return process if known else read_process(run.session, process)  # type: ignore[return-value]


def _check_flow(node: Any, process: Process) -> None:
    if not issubclass(process.flow_class or object, node.flow_class):
        raise TransitionNotAllowed(
            f"process {process.id} is one of «{process.flow_label}»: it never waits at "
            f"{node.flow_class.__name__}.{node.name}"
        )


def _waiting(run: ActionContext, node: Any, process: Process) -> Task:
    waiting = [task for task in run.seen.find(process) if task.status not in ("ERROR",)]
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
    user, propagate = actor(kwargs)
    process = kwargs.pop("process", None)
    if process is None:
        raise TypeError(f"{flow_class.__name__}.send({name!r}) needs process=")
    _reach(session_for(process), flow_class, name, Call(None, kwargs, user, propagate, process))


@persistent
def _reach(session: Session, flow_class: Any, name: str, call: Call) -> None:
    with transaction(session, call.user, process=call.process) as run:
        run.propagate |= call.propagate
        found = _receiver(run, call.process)
        if not issubclass(found.flow_class or object, flow_class):
            raise TransitionNotAllowed(f"process {found.id} is one of «{found.flow_label}»")
        if found.on_hold:
            raise TransitionNotAllowed(f"process {found.id} is suspended")
        waiting = [
            (task, task.node)
            for task in run.seen.find(found, Task.status == "STARTED")
            if task.is_boundary_event
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
                task.data.update(call.kwargs)
                boundary_events.fire(run, task, "message")
        step.settle(run)


def actor(kwargs: dict[str, Any]) -> tuple[Any, bool]:
    """Separate the keywords that begin with an underscore from those for the function."""
    user, propagate = kwargs.pop("_user", None), bool(kwargs.pop("_propagate", False))
    unknown = [name for name in kwargs if name.startswith("_")]
    if unknown:
        raise TypeError(f"run() has no keyword {unknown[0]}; it has _user and _propagate")
    return user, propagate


def session_for(target: Any) -> Session:
    """The session in which an object is read; that of the application for one that is read in no such session, as a
    job's process is."""
    session = session_of(target) if hasattr(target, "_sa_instance_state") else None
    return session if session is not None and hasattr(session, "has_unsaved") else db.session()
