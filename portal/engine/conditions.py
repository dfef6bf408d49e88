"""Catches that wait for a condition, asked at the end of each action in their tree and by the clock."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.flow.registry import registry
from portal.models import Process, Task

from . import step
from .run import Run
from .transaction import read_task, transaction


def _used() -> bool:
    return any(
        getattr(node, "asks", False) for flow in registry.values() for node in flow._definition.nodes.values()
    )


def ask_tree(run: Run) -> bool:
    """Ask every armed condition of the trees of this action. True if one held."""
    if not _used():
        return False
    held = False
    for root_id in {process.root_id or process.id for process in run.tasks if process.id is not None}:
        query = (
            select(Task)
            .join(Task.process)
            .where(
                Task.finished.is_(None),
                Task.awaits == "condition",
                Task.status == "STARTED",
                func.coalesce(Process.root_id, Process.id) == root_id,
                ~Process.on_hold,
            )
        )
        for task in run.session.scalars(query.order_by(Task.id)).unique():
            run.know(task)
            held |= ask(run, task)
    return held


def ask(run: Run, task: Task) -> bool:
    """Ask one condition. True if the token moved."""
    node: Any = task.node
    if task.status != "STARTED" or node is None:
        return False
    activation = run.activation(task)
    try:
        if not step.guarded(run, task, lambda: node.holds(activation)):
            return False
        outcome = step.guarded(run, task, lambda: node.resume(activation))
    except Exception as error:
        step.fail(run, task, error)
    else:
        step.follow(run, task, outcome)
    return True


def ask_all(session: Session) -> int:
    """The clock's turn: ask every armed condition. The number that held."""
    if not _used():
        return 0
    query = select(Task.id).join(Task.process).where(
        Task.finished.is_(None), Task.awaits == "condition", Task.status == "STARTED", ~Process.on_hold
    )  # fmt: skip
    found = list(session.scalars(query))
    session.rollback()
    held = 0
    for task_id in found:
        with transaction(session, task=task_id) as run:
            task = read_task(session, task_id)
            run.know(task)
            held += ask(run, task)
            step.settle(run)
    return held
