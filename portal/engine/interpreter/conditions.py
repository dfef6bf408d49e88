"""Conditional catches: their conditions are evaluated after each action in their tree, and at intervals."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.flow.declaration import Flow
from portal.flow.registry import registry
from portal.models import Process, Task

from ..context import ActionContext
from ..leases import batch, holds, known_tasks, mark
from ..retries import persistent, report
from ..transaction import clock, task_action

log = logging.getLogger("portal.engine")

#: how often the clock asks a condition that nothing in its own process has changed
INTERVAL = dt.timedelta(seconds=5)


def _used() -> bool:
    return bool(_asking(frozenset(registry.current.values())))


@lru_cache(maxsize=8)
def _asking(flows: frozenset[type[Flow]]) -> frozenset[type[Flow]]:
    """The flows that have a condition in them, call one that has, or are called by one: those of its trees."""
    asking = {flow for flow in flows if any(_asks(node) for node in _nodes(flow))}
    calls = [
        (flow, node.start_node().flow_class)
        for flow in flows
        for node in _nodes(flow)
        if node.calls_processes
    ]
    before = -1
    while before != len(asking):
        before = len(asking)
        asking.update(each for pair in calls if not asking.isdisjoint(pair) for each in pair)
    return frozenset(asking)


def _nodes(flow: type[Flow]) -> Iterable[Any]:
    return flow.definition.nodes.values()


def _asks(node: Any) -> bool:
    return bool(node.asks)


def ask_tree(run: ActionContext) -> bool:
    """Ask every armed condition of the trees of this action. True if one held."""
    asking = _asking(frozenset(registry.current.values()))
    if not asking:
        return False
    concerned = {
        process for process in run.seen.tasks if process.flow_class in asking and process.id is not None
    }
    held = False
    for root_id in {process.root_id or process.id for process in concerned}:
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
            run.seen.add(task)
            held |= ask(run, task)
    return held


def ask(run: ActionContext, task: Task) -> bool:
    """Ask one condition. True if the token moved."""
    node: Any = task.node
    if task.status != "STARTED" or node is None:
        return False
    activation = run.activation(task)
    if run.interpreter.attempt(run, task, lambda: node.holds(activation)):
        run.interpreter.resume(run, task, lambda: node.resume(activation))
    return task.status != "STARTED"


def first(_moment: Any) -> Any:
    """When the first condition is to be asked again; see `due`. None where no flow has one."""
    return select(Task.scheduled).where(*_armed()).order_by(Task.scheduled).limit(1) if _used() else None


def ask_all(session: Session) -> int:
    """Ask every armed condition now. The number that held."""
    armed = select(Task.id).where(*_armed())
    found = list(session.scalars(armed)) if _used() else []
    session.rollback()
    return sum(ask_one(session, task_id) for task_id in found)


def ask_due(session: Session, limit: int = 50) -> int:
    """A worker's turn: ask those that nobody has asked for a while. The number that held.

    Taking one moves its `scheduled` ahead, so each is asked by one worker in each interval, and a turn asks no more
    than `limit` however many wait.
    """
    if not _used():
        return 0
    now = clock.get()()
    query = select(Task.id).where(*_armed(), Task.scheduled <= now)
    found = batch(session, query.order_by(Task.scheduled).limit(limit), Task)
    if found:
        mark(session, Task, found, scheduled=now + INTERVAL)
    held = 0
    for (task_id,) in found:
        try:
            held += ask_one(session, task_id)
        except Exception as error:
            report(log, error, "condition of task %s could not be asked, and is asked again", task_id)
    return held


def _armed() -> tuple[Any, ...]:
    waits = holds(Task.status == "STARTED", ~Process.on_hold, known_tasks(_asks))
    return Task.finished.is_(None), Task.awaits == "condition", waits


@persistent
def ask_one(session: Session, task_id: int) -> bool:
    """Ask one condition, in a transaction of its own. True if it held."""
    with task_action(session, task_id) as (run, task):
        held = ask(run, task)
        run.interpreter.settle(run)
        return held
