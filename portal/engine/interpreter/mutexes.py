"""Checks `.Mutex` and `.Milestone` under the lock, and lets waiting tasks go on when a mutex is free."""

from __future__ import annotations

from typing import Any

from portal.errors import TransitionNotAllowed
from portal.flow.base import Node
from portal.language import gettext as _
from portal.models import Task

from .. import lifecycle
from ..context import ActionContext

#: what a task waits for while another one holds its mutex
AWAITS = "mutex"


def demand(run: ActionContext, task: Task, action: str) -> None:
    """Refuse what is not a task's turn.

    Raises:
        TransitionNotAllowed: with what it has to wait for.
    """
    node: Any = task.node
    if node is not None and node.milestone is not None and not node.has_its_milestone(run.activation(task)):
        raise lifecycle.cannot(action, task.title, _("its milestone does not hold now"))
    holding = holder(run, task, node)
    if holding is not None:
        named = {"title": holding.title, "number": holding.number}
        if holding.owner is None:
            why = _("«%(title)s» (task %(number)s) is at work, and only one may be", **named)
        else:
            why = _(
                "«%(title)s» (task %(number)s) is at work by %(name)s, and only one may be",
                name=holding.owner.name,
                **named,
            )
        raise lifecycle.cannot(action, task.title, why)


def allowed(run: ActionContext, task: Task) -> bool:
    """Whether it is a task's turn."""
    try:
        demand(run, task, "assign")
    except TransitionNotAllowed:
        return False
    return True


def holder(run: ActionContext, task: Task, node: Node | None) -> Task | None:
    """The other task that holds the mutex of this one, which is at a node, now."""
    name = None if node is None else node.mutex
    if name is None:
        return None
    nodes = task.process.flow_class.definition.nodes.values()  # type: ignore[union-attr]
    names = [node.name for node in nodes if node.mutex == name and not node.handles]
    run.seen.find_others(task.process, Task.flow_task.in_(names))
    return next(
        (
            other
            for other in run.seen.of(task.process)
            if other is not task and other.is_open and other.flow_task in names and _at_work(run, other)
        ),
        None,
    )


def _at_work(run: ActionContext, task: Task) -> bool:
    return task.status != "NEW" and task.awaits != AWAITS and task not in run.unrecorded


def must_wait(run: ActionContext, task: Task, node: Node) -> bool:
    """Hold back code, or a child process, whose mutex another task holds. True if it waits now."""
    if node.human or node.handles:
        return False
    blocked = holder(run, task, node) is not None
    if blocked:
        task.awaits = AWAITS
        run.record(task, "STARTED")
    elif task.awaits == AWAITS:
        task.awaits = None
    return blocked


def release(run: ActionContext) -> bool:
    """Let the task that has waited longest for a free mutex continue. True if one did."""
    for process in {**run.seen.tasks, **run.touched}:
        flow_class = process.flow_class
        if flow_class is None or not flow_class.definition.has_mutexes:
            continue
        if process.finished is not None or process.on_hold:
            continue
        run.seen.find_others(process, Task.awaits == AWAITS)
        for task in sorted(run.seen.of(process), key=lambda task: task.number):
            waits = task.is_open and task.awaits == AWAITS and task.node is not None
            if waits and holder(run, task, task.node) is None:
                task.awaits = None
                run.ready.append(task)
                return True
    return False
