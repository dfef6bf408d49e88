"""Makes processes and their first tasks, and cancels a process with all below it."""

from __future__ import annotations

import copy
from typing import Any

from sqlalchemy import inspect, select

from portal.models import Process, Task

from .. import related
from ..context import ActionContext, new_task
from ..statements import placing
from . import compensation, token

#: what a fresh copy of a task does not take over: why the old one failed, what was undone, and which items were added
_OF_THE_OLD = ("_exception", "_added", compensation.LEFT_OUT, compensation.TAKEN_BACK)


def new_process(run: ActionContext, flow_class: Any) -> Process:
    """A process that is not stored yet."""
    model = flow_class.definition.process_class or Process
    process: Process = model()
    related.answer(process)
    placing.put(
        process,
        flow_label=flow_class.definition.label,
        created=run.now,
        created_by_id=None if run.user is None else run.user.id,
        task_count=0,
        depth=0,
        ended=False,
        on_hold=False,
    )
    return process


def first_task(run: ActionContext, process: Process, node: Any) -> Task:
    """The task with which a process starts, not stored yet."""
    return new_task(run.now, process, node, token.ROOT)


def begin(run: ActionContext, process: Process, task: Task) -> None:
    """Store a new process with its first task."""
    run.seen.made.add(process)
    placing.add(run.session, process)
    run.store(task)
    run.record_process(process, "NEW", "start")


def fresh_copy(run: ActionContext, old: Task, node: Any, previous: list[Task]) -> Task:
    """A new task with the token, data, seed and links of an old one, about to be entered."""
    fresh = run.create(old.process, node, old.token, *previous)
    fresh.data = {
        key: value for key, value in copy.deepcopy(dict(old.data)).items() if key not in _OF_THE_OLD
    }
    for name in ("artifact_type", "artifact_key", "seed_type", "seed_key", "due", "priority"):
        setattr(fresh, name, getattr(old, name))
    if node.merges or compensation.is_handler(old):  # what others wait for, it finds out as it comes in
        fresh.awaits = old.awaits
    run.ready.append(fresh)
    run.joins_due[old.process] = None
    return fresh


def tree(run: ActionContext, process: Process) -> list[Process]:
    """A process and those below it, parents first."""
    found, level = [process], [process.id]
    while level:
        query = (
            select(Process).join(Task, Process.parent_task_id == Task.id).where(Task.process_id.in_(level))
        )
        below = list(run.session.scalars(query).unique())
        found.extend(below)
        level = [each.id for each in below]
    return found


def cancel_tree(run: ActionContext, process: Process, action: str) -> None:
    """Cancel a process, those below it, and their open tasks."""
    below = tree(run, process)
    for each in below:
        if each.finished is not None:
            continue
        for task in run.seen.find(each):
            run.record(task, "CANCELED", action)
        run.record_process(each, "CANCELED", action)
    if any(each.on_hold for each in below):
        hold(below)


def cancel_children(run: ActionContext, task: Task) -> None:
    """Cancel the unfinished children of a task that is over, whatever its node has become."""
    node = task.node
    if task.is_current and (node is None or not node.calls_processes):
        return
    if not inspect(task).has_identity:  # not stored yet: no child can point at it
        return
    query = select(Process).where(Process.parent_task_id == task.id, Process.finished.is_(None))
    for child in run.session.scalars(query).unique():
        cancel_tree(run, child, "cancel")


def hold(processes: list[Process]) -> None:
    """Update which processes are on hold: those that are suspended, and all below them, parents first."""
    for each in processes:
        above = each.parent_task.process.on_hold if each.parent_task is not None else False
        each.on_hold = each.status == "SUSPENDED" or above
