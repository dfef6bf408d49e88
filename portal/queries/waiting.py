"""Why a process waits: each of its open tasks, and what has to happen before it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.engine.interpreter import mutexes, token
from portal.flow.base import describe
from portal.language import gettext as _
from portal.models import Process, Task


@dataclass(frozen=True)
class Waiting:
    """An open task, and what it waits for.

    Attributes:
        task: the task.
        why: what has to happen, in words; part of a sentence.
        branches: of a join, the open tasks that can still come to it.
        child: the process that it waits for.
    """

    task: Task
    why: str
    branches: Sequence[Task] = ()
    child: Process | None = None


def waiting(session: Session, process: Process) -> list[Waiting]:
    """The open tasks of a process in their order. It reads all of them."""
    query = select(Task).where(Task.process_id == process.id, Task.finished.is_(None)).order_by(Task.number)
    tasks = list(session.scalars(query).unique())
    query_children = select(Process).where(Process.parent_task_id.in_([task.id for task in tasks]))
    children = {
        child.parent_task_id: child
        for child in session.scalars(query_children.order_by(Process.id)).unique()
        if child.finished is None
    }
    return [_waiting(task, tasks, children.get(task.id)) for task in tasks]


def _waiting(task: Task, tasks: list[Task], child: Process | None) -> Waiting:
    node: Any = task.node
    if task.status == "ERROR":
        kept = (task.data or {}).get("_exception") or {}
        error = ": ".join(filter(None, (kept.get("type"), kept.get("message")))) or "?"
        return Waiting(
            task, _("it has failed (%(error)s); a manager retries, skips or cancels it", error=error)
        )
    if node is None:
        return Waiting(task, _("the flow no longer has this step; `portal flows migrate` moves it"))
    if task.awaits == mutexes.AWAITS:
        return Waiting(task, _("another step holds “%(name)s”", name=node.mutex))
    if node.human:
        return Waiting(task, _of_person(task))
    if node.merges:
        branches = [other for other in tasks if _can_come(other, task, node)]
        names = ", ".join(f"{other.flow_task} #{other.number}" for other in branches)
        return Waiting(task, _("it waits for the branches of %(names)s", names=names or "—"), branches)
    if child is not None:
        return Waiting(
            task, _("process #%(id)s (%(flow)s) is not over", id=child.id, flow=child.flow_label), (), child
        )
    return Waiting(task, _of_event(task, node))


def _of_person(task: Task) -> str:
    if task.owner is not None:
        return _("%(name)s has it", name=task.owner.username)
    if task.owner_permission is None:
        return _("nobody has it; whoever may see the process can take it")
    return _("nobody has it; who holds %(permission)s can take it", permission=task.owner_permission)


def _can_come(other: Task, join: Task, node: Any) -> bool:
    """Whether an open task is on a branch that this join waits for. Of a path in several pieces it is assumed."""
    if other is join or other.is_boundary_event or join.awaits is None:
        return False
    if other.flow_task in node.flow_class.definition.cut_off.get(join.flow_task, ()):
        return False
    return token.within(other.token, join.awaits) or token.is_long(other.token)


def _of_event(task: Task, node: Any) -> str:
    name = f"{node.flow_class.__name__}.{node.name}"
    if task.status == "SCHEDULED" and task.scheduled is not None:
        moment = f"{task.scheduled:%Y-%m-%d %H:%M:%S} UTC"
        if node.topic is not None and not task.attempt:
            return _(
                "a program that works on “%(topic)s” does it; it waits since %(moment)s",
                topic=node.topic,
                moment=moment,
            )
        if not node.works and node.topic is None:
            return _("it fires at %(moment)s", moment=moment)
        if task.attempt:
            return _(
                "attempt %(number)s failed; the next one is due at %(moment)s",
                number=task.attempt,
                moment=moment,
            )
        return _("a worker does it; it is due since %(moment)s", moment=moment)
    if node.topic is not None:
        worker = task.external_task_id
        return _(
            "the program “%(worker)s” is at work on it, attempt %(number)s",
            worker=worker,
            number=task.attempt,
        )
    if node.works:
        return _("a worker is at work on it, attempt %(number)s", number=task.attempt)
    if node.signal is not None:
        return _("it waits for the signal “%(name)s”", name=node.signal)
    if node.message is not None:
        return _("it waits for the message “%(name)s”", name=node.message)
    if node.handles:
        return _("a program has to call %(name)s.run(process=%(id)s)", name=name, id=task.process_id)
    if node.asks:
        return _("it waits until %(condition)s", condition=describe(node.condition) or name)
    if node.races:
        return _("it waits until one of its branches has finished a step")
    if node.listens:
        return _("it waits for an escalation from below")
    return _("it waits (%(status)s)", status=task.status)
