"""Tells in sentences what an action will do."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from portal.language import gettext as _
from portal.language import ngettext
from portal.models import Process, Task, db

from ..display.values import list_words


def of_task(action: str, task: Task, node: Any = None) -> list[str]:
    """The sentences for an action on a task.

    Args:
        node: where it is moved to.
    """
    if action == "skip":
        return [*_skips(task), *_loses(task), *_ends(task)]
    if action == "move":
        return [*_moves(task, node), *_loses(task), *_ends(task)]
    if action == "cancel" and task.status == "SCHEDULED":
        return [*_waits_no_more(task), *_ends(task)]
    if action in ("cancel", "revive"):
        return _ends(task) if task.is_open else []
    if action == "due" and task.owner is not None:
        return [_("%(name)s is reminded by the new date.", name=task.owner.name)]
    if action == "snooze" and task.due is not None:
        return [_("It falls due as before.")]
    return []


def _waits_no_more(task: Task) -> list[str]:
    """What a process does without a timer, or without a job."""
    if task.is_boundary_event:
        return [_("The task that it watches stays open, and nothing happens at that time.")]
    others = select(Task.id).where(
        Task.process_id == task.process_id, Task.finished.is_(None), Task.id != task.id, Task.flow_task > ""
    )
    if db.session.scalar(others.limit(1)) is not None:
        return [_("The other open steps of the process go on.")]
    return [_("No other step is open: the process stands still and needs attention.")]


def _skips(task: Task) -> list[str]:
    node: Any = task.node
    sentences = [
        _("It is marked as done without its form.")
        if node.human
        else _("It is marked as done without its code.")
        if node.works or node.topic or node.instant
        else _("It is marked as done without waiting any longer.")
    ]
    titles = list(dict.fromkeys(f"“{edge.target.title}”" for edge in node.outgoing))
    if titles:
        sentences.append(_("The process continues with %(steps)s.", steps=list_words(titles)))
    if node.human:
        sentences.append(_("What its form would have filled in stays empty."))
    return sentences


def _moves(task: Task, node: Any) -> list[str]:
    if node is None:
        return [_("This task is cancelled, and the process continues at the step that you choose.")]
    where = _(
        "“%(old)s” is cancelled, and the process continues at “%(new)s”.", old=task.title, new=node.title
    )
    if node.merges:
        where += " " + _("There it waits for the other branches.")
    if node.ends:
        where += " " + _("This branch of the process ends there.")
    return [where]


def _loses(task: Task) -> list[str]:
    if task.owner is None:
        return []
    return [_("%(name)s, who has it, cannot finish it any more.", name=task.owner.name)]


def _ends(task: Task) -> list[str]:
    node = task.node
    if node is None or not node.calls_processes:
        return []
    query = select(func.count()).where(Process.parent_task_id == task.id, Process.finished.is_(None))
    count = db.session.scalar(query) or 0
    if not count:
        return []
    return [
        ngettext(
            "%(number)s process that it has called is cancelled.",
            "%(number)s processes that it has called are cancelled.",
            count,
        )
    ]


def of_process(action: str, process: Process) -> list[str]:
    """The sentences for an action on a process."""
    if action in ("cancel", "withdraw"):
        count = _open(process)
        if not count:
            return []
        return [ngettext("%(number)s open task is cancelled.", "%(number)s open tasks are cancelled.", count)]
    if action == "retry":
        titles = [f"“{task.title}”" for task in failed_in(process)]
        if not titles:
            return []
        return [_("These steps are tried again: %(steps)s.", steps=list_words(titles))]
    return []


def failed_in(process: Process) -> list[Task]:
    """What has failed in a process, and in those that it has called; the first twenty."""
    root = process.root_id or process.id
    query = select(Task).join(Task.process).where(Task.status == "ERROR", Task.finished.is_(None))
    query = query.where((Process.id == root) | (Process.root_id == root)).order_by(Task.id).limit(100)
    below = {process.id}
    found = []
    for task in db.session.scalars(query).unique():
        if _is_below(task.process, below):
            found.append(task)
    return found[:20]


def _is_below(process: Process, top: set[int]) -> bool:
    at: Process | None = process
    while at is not None:
        if at.id in top:
            return True
        at = at.parent_task.process if at.parent_task is not None else None
    return False


def _open(process: Process) -> int:
    root = process.root_id or process.id
    query = select(func.count(Task.id)).join(Task.process).where(Task.finished.is_(None))
    query = query.where(Task.flow_task_type.not_like("%Boundary"))
    mine = Process.id == process.id if process.root_id else (Process.id == root) | (Process.root_id == root)
    return db.session.scalar(query.where(mine)) or 0
