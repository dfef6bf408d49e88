"""Subprocesses: starts child processes, and continues their parent's task when they end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, inspect, select

from portal.errors import PortalError
from portal.flow.outcome import Done
from portal.flow.registry import registry
from portal.models import Process, Task

from ..context import ActionContext
from . import boundary_events, compensation, mutexes, processes

#: where a task keeps the items that somebody has added to those of its node
_ADDED = "_added"


def start(run: ActionContext, task: Task, calls: tuple[tuple[Any, Mapping[str, Any]], ...]) -> None:
    """Start the children of a task that waits for them. It is stored: they point at it."""
    parent = task.process
    max_depth = registry.current.max_depth
    if parent.depth + 1 > max_depth:
        raise PortalError(f"processes call each other more than {max_depth} deep (PORTAL_MAX_DEPTH)")
    begun = []
    for node, keywords in calls:
        demand_registered(node.flow_class)
        process = processes.new_process(run, node.flow_class)
        process.parent_task_id, process.depth = task.id, parent.depth + 1
        process.root_id = parent.root_id or parent.id
        process.created_by_id = parent.created_by_id
        run.seen.children.setdefault(task.id, []).append(process)
        first = processes.first_task(run, process, node)
        processes.begin(run, process, first)
        begun.append((first, node, keywords))
    for first, node, keywords in reversed(begun):
        _call(run, first, node, dict(keywords))
        run.ready.append(first)


def demand_registered(flow_class: Any) -> None:
    """Refuse to start what nobody could find again.

    Raises:
        PortalError: the application does not know this flow.
    """
    if registry.get(flow_class.definition.label) is not flow_class:
        raise PortalError(f"{flow_class.__name__} is not registered: name its module in FLOWS")


def _call(run: ActionContext, first: Task, node: Any, keywords: dict[str, Any]) -> None:
    """Give the child its keywords: to the start's function, or as data and seed."""
    if node.func is not None:
        node.call(node.func, run.activation(first), **keywords)
        return
    item = keywords.pop("item", None)
    if isinstance(item, Mapping):
        keywords = {**item, **keywords}
    elif item is not None and inspect(item, raiseerr=False) is not None:
        first.process.seed = item
    elif item is not None:
        keywords["item"] = item
    for name, value in keywords.items():
        if hasattr(type(first.process), name):
            setattr(first.process, name, value)
        else:
            first.process.data[name] = value


def over(run: ActionContext, child: Process) -> None:
    """A child is over: its parent's task goes on when it was the last one, or feels the failure."""
    if child.parent_task_id is None:
        return
    task = run.session.get_one(Task, child.parent_task_id)
    run.seen.add(task)
    if task.status != "STARTED" or task.node is None:
        return
    if child.status == "FAILED":
        _failed(run, task, child)
        return
    node: Any = task.node
    activation = run.activation(task)
    started, running = _counted(run, task)
    calls = run.interpreter.attempt(run, task, lambda: node.children(activation, started - _added(task)))
    if calls is None:
        return
    if not calls and not running:
        calls = _take_added(activation)
    if calls and (not node.sequential or not running):
        run.interpreter.attempt(run, task, lambda: start(run, task, calls))
    elif not running:
        run.interpreter.resume(run, task, lambda: node.resume(activation))


def add(run: ActionContext, task: Task, item: Any) -> None:
    """Start one more child of a task that runs one for each item; where they run one by one, when its turn comes.

    Args:
        item: plain JSON, as one of its items.
    """
    kept = task.data.get(_ADDED) or {"started": 0, "waiting": []}
    task.data[_ADDED] = {**kept, "waiting": [*kept["waiting"], item]}
    node: Any = task.node
    _started, running = _counted(run, task)
    if not (node.sequential and running):
        start(run, task, _take_added(run.activation(task)))


def _added(task: Task) -> int:
    """How many children were started for items that somebody has added: they are none of the node's own."""
    return int((task.data.get(_ADDED) or {}).get("started", 0))


def _take_added(activation: Any) -> tuple[tuple[Any, Mapping[str, Any]], ...]:
    """The call for the next item that was added, if one waits."""
    task, node = activation.task, activation.node
    kept = task.data.get(_ADDED)
    if not kept or not kept["waiting"]:
        return ()
    item, *others = kept["waiting"]
    task.data[_ADDED] = {"started": kept["started"] + 1, "waiting": others}
    return ((node.start_node(), {**node.keywords(activation), "item": item}),)


def _counted(run: ActionContext, task: Task) -> tuple[int, bool]:
    """How many children of a task there are, and whether one of them is not over."""
    if task in run.seen.made:
        own = run.seen.children.get(task.id, [])
        return len(own), any(each.finished is None for each in reversed(own))  # the last one is over last
    running = func.count().filter(Process.finished.is_(None))
    query = select(func.count(), running).where(Process.parent_task_id == task.id)
    row = run.session.execute(query).one()
    return row[0], row[1] > 0


def _failed(run: ActionContext, task: Task, child: Process) -> None:
    """An `ErrorEnd` of a child: an error event on the parent's task catches its code."""
    code = child.data.get("_error")
    reason = {
        "type": "ErrorEnd",
        "message": f"process {child.id} ended with the error {code!r}",
        "traceback": "",
        "time": run.now.isoformat(),
    }
    processes.cancel_children(run, task)
    caught = boundary_events.catching(task, code)
    if caught is not None:
        boundary_events.interrupt(run, task, caught, reason, "step")
    else:
        task.data["_exception"] = reason
        run.record(task, "ERROR", error="ErrorEnd")


def escalate(run: ActionContext, process: Process, code: str) -> None:
    """Notify the nearest process above that listens; without one the escalation is ignored."""
    while process.parent_task_id is not None:
        host = run.session.get_one(Task, process.parent_task_id)
        run.seen.add(host)
        process = host.process
        heard = boundary_events.listening(host, code)
        if heard is None:
            continue
        fired = [task for task in host.leading if task.flow_task == heard.name]
        if host.status != "STARTED" or fired:
            return
        if heard.interrupting:
            boundary_events.interrupt(run, host, heard, None, "step")
        else:
            task = run.create(process, heard, host.token, host)
            run.interpreter.complete(run, task, heard.proceed(run.activation(task)))
        return


def cancelled(run: ActionContext, child: Process) -> None:
    """Somebody has cancelled a child: its parent's task has failed, and no error event catches that."""
    if child.parent_task_id is None:
        return
    task = run.session.get_one(Task, child.parent_task_id)
    if task.status == "STARTED":
        task.data["_exception"] = {
            "type": "Cancelled",
            "message": f"process {child.id} was cancelled",
            "traceback": "",
            "time": run.now.isoformat(),
        }
        run.record(task, "ERROR", error="Cancelled")


def finish(run: ActionContext, task: Task, outcome: Done) -> None:
    """A terminating or failing end: whatever else is open is cancelled."""
    process = task.process
    for each in processes.tree(run, process):
        if each is not process and each.finished is None:
            processes.cancel_tree(run, each, "step")
    for other in run.seen.find(process):
        if other is not task:
            run.record(other, "CANCELED", "step")
    if outcome.finishes == "error":
        process.data["_error"] = outcome.code
    run.record_process(process, "FAILED" if outcome.finishes == "error" else "DONE", "step")


def reopen(run: ActionContext, process: Process, action: str) -> None:
    """Bring a process that is over back to life, and the task of its parent that had seen it end, level by level.

    `lifecycle.check` has asked whether they can come back.
    """
    if process.finished is None:
        return
    run.record_process(process, "NEW", action)
    process.data.pop("_error", None)
    if process.parent_task_id is None:
        return
    task = run.session.get_one(Task, process.parent_task_id)
    run.seen.add(task)
    reopen(run, task.process, action)
    if task.status != "STARTED":
        mutexes.demand(run, task, action)  # another task may have its mutex now
        for name in ("_exception", compensation.LEFT_OUT):
            task.data.pop(name, None)
        run.record(task, "STARTED", action)
