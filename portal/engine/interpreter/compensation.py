"""Compensation: runs the handlers of done tasks one by one, the last task first."""

from __future__ import annotations

from functools import partial
from typing import Any

from sqlalchemy import select

from portal.flow.activation import Activation
from portal.flow.base import Node
from portal.models import Task

from ..context import ActionContext
from .scopes import by_number

#: in the data of a task that was left out: nobody has done anything that could be taken back
LEFT_OUT = "_skipped"
#: in the data of a task that was taken back: the next throw does not take it back again
TAKEN_BACK = "_compensated"


def begin(run: ActionContext, throw: Task) -> None:
    """A `CompensateThrow` has been reached: remember what to take back, and begin."""
    hosts = _hosts(throw)
    run.session.flush()
    query = select(Task).where(
        Task.process_id == throw.process_id, Task.status == "DONE", Task.flow_task.in_(hosts)
    )
    done = [
        task for task in run.session.scalars(query).unique() if not {LEFT_OUT, TAKEN_BACK} & set(task.data)
    ]
    run.seen.add(*done)
    done.sort(key=lambda task: (task.finished, task.number))
    throw.data["_compensates"] = [task.number for task in done]
    go_on(run, throw)


def _hosts(task: Task) -> dict[str, Any]:
    """The boundary events that say how a node is taken back, by the node's name."""
    flow_class: Any = task.process.flow_class
    nodes = flow_class.definition.nodes.values()
    return {node.host.name: node for node in nodes if node.compensates}


def go_on(run: ActionContext, throw: Task) -> None:
    """Run the next handlers, until one waits or all are done."""
    hosts = _hosts(throw)
    while throw.data.get("_compensates"):
        *rest, number = throw.data["_compensates"]
        throw.data["_compensates"] = rest
        host = by_number(run, throw.process, number)
        boundary = None if host is None else hosts.get(host.flow_task)
        if host is None or boundary is None:  # the code no longer says how it is taken back
            continue
        host.data[TAKEN_BACK] = True
        handler = boundary.handler_node()
        if handler is not None:
            _start(run, throw, host, handler)
            return
        took_back = partial(_take_back, boundary, run.activation(host))
        if not run.interpreter.attempt(run, throw, took_back, of=host):
            host.data.pop(TAKEN_BACK, None)
            return
    activation = run.activation(throw)
    run.interpreter.resume(run, throw, lambda: activation.node.resume(activation))


def _take_back(boundary: Any, activation: Activation) -> bool:
    boundary.call(boundary.handler, activation)
    return True


def _start(run: ActionContext, throw: Task, host: Task, handler: Node) -> None:
    task = run.create(throw.process, handler, host.token, host)
    task.awaits = f"compensates:{throw.number}"
    task.artifact_type, task.artifact_key = host.artifact_type, host.artifact_key
    task.seed_type, task.seed_key = host.seed_type, host.seed_key
    task.data = {key: value for key, value in dict(host.data).items() if not key.startswith("_")}
    run.ready.append(task)


def is_handler(task: Task) -> bool:
    """Whether a task takes another one back."""
    return (task.awaits or "").startswith("compensates:")


def handled(run: ActionContext, task: Task) -> bool:
    """A handler that is a node is done: the throw goes on. False for every other task."""
    if not is_handler(task):
        return False
    throw = by_number(run, task.process, int((task.awaits or "").partition(":")[2]))
    if throw is not None and throw.status == "STARTED":
        go_on(run, throw)
    return True
