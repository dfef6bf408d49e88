"""The commands of people and programs on whole processes: cancel, suspend, resume, withdraw, retry, change data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.errors import PermissionDenied, PortalError, TransitionNotAllowed
from portal.language import gettext as _
from portal.models import Process, Task, User

from . import corrections, items, lifecycle
from .context import ActionContext
from .interpreter import branches, processes, signals, step, subprocesses
from .retries import persistent
from .transaction import read_process, transaction


@persistent
def cancel_process(
    session: Session, process: Process | int, user: User | int | None = None, reason: str | None = None
) -> None:
    """Cancel a process, the processes below it and every open task of them. A manager's."""
    with _managed(session, process, user, "cancel", reason) as (run, found):
        processes.cancel_tree(run, found, "cancel")
        subprocesses.cancelled(run, found)


@persistent
def suspend(
    session: Session, process: Process | int, user: User | int | None = None, reason: str | None = None
) -> None:
    """Put a process and the tree below it on hold. A manager's."""
    with _managed(session, process, user, "suspend", reason) as (run, found):
        run.record_process(found, "SUSPENDED", "suspend")
        for each in processes.tree(run, found):
            each.on_hold = True


@persistent
def resume(
    session: Session, process: Process | int, user: User | int | None = None, reason: str | None = None
) -> None:
    """End a suspension; what fell due meanwhile fires now. A manager's."""
    with _managed(session, process, user, "resume", reason) as (run, found):
        run.record_process(found, "NEW", "resume")
        run.work_for_clock = True
        below = processes.tree(run, found)
        processes.hold(below)
        run.touched |= dict.fromkeys(below)


@persistent
def withdraw(
    session: Session, process: Process | int, user: User | int | None = None, reason: str | None = None
) -> None:
    """Take one's own request back, while its flow allows that: it is cancelled as by a manager.

    Raises:
        TransitionNotAllowed: it is over, on hold or called by another one, or `Flow.withdraw` does not allow it.
        PermissionDenied: somebody else has started it.
    """
    with _managed(session, process, user, "withdraw", reason) as (run, found):
        processes.cancel_tree(run, found, "withdraw")


class Retried(NamedTuple):
    """What became of the failed tasks of a process and of those below it."""

    #: the fresh tasks
    fresh: list[Task]
    #: why some stay failed, a line each
    refused: list[str]


@persistent
def retry(
    session: Session, process: Process | int, user: User | int | None = None, reason: str | None = None
) -> Retried:
    """Revive every task of a process, and of those below it, that has failed. A manager's.

    Raises:
        TransitionNotAllowed: nothing in it has failed.
    """
    with _managed(session, process, user, "retry", reason) as (run, found):
        run.because("revive", reason)
        result = Retried([], [])
        for each in processes.tree(run, found):  # a caller that is retried takes the processes below it along
            for task in run.seen.find(each, Task.status == "ERROR"):
                if task.status == "ERROR":
                    _retry_one(run, task, result)
        if not result.fresh and not result.refused:
            raise lifecycle.cannot_process("retry", found, _("nothing in it has failed"))
        return result


def _retry_one(run: ActionContext, task: Task, result: Retried) -> None:
    try:
        result.fresh.append(run.activation(task).revive(run.reasons.get("revive")))
    except (TransitionNotAllowed, PermissionDenied) as refusal:
        result.refused.append(f"#{task.process_id} {task.title}: {refusal}")


@contextmanager
def changing_data(
    session: Session,
    process: Process | int,
    user: User | int | None = None,
    reason: str | None = None,
    *,
    retry: int | None = None,
) -> Iterator[Process]:
    """Change the fields of a process within the block; the history keeps who did, and each old and new value. A
    manager's.

    Args:
        retry: the id of a failed task of it that is tried again with the changed data, in the same transaction.

    Raises:
        TransitionNotAllowed: the process is over, or the task cannot be retried.
    """
    with _managed(session, process, user, "data", reason) as (run, found):
        before = corrections.values_of(found)
        yield found
        changes = corrections.changes(before, corrections.values_of(found))
        if changes:
            run.touched[found] = None
            run.note_process(found, "data", changes=changes)
        if retry is not None:
            failed = next(iter(run.seen.find(found, Task.id == retry, Task.status == "ERROR")), None)
            if failed is None:
                raise TransitionNotAllowed(
                    _("cannot retry this step: it has not failed, or it was retried already")
                )
            run.activation(failed).revive(reason)


@persistent
def send(
    session: Session,
    process: Process | int,
    user: User | int | None = None,
    reason: str | None = None,
    *,
    message: str = "",
    signal: str = "",
    data: Mapping[str, Any] | None = None,
) -> None:
    """Send a process a message, or throw a signal, which reaches every process that waits for it. A manager's; the
    history of this process keeps it.

    Args:
        message: of the flow: a name of `.OnMessage`, or of a `MessageCatch`, for which it is kept until that waits.
        data: keywords for the function of that catch.

    Raises:
        PortalError: the flow has no such message.
        TransitionNotAllowed: nothing waits for it.
    """
    with _managed(session, process, user, "send", reason) as (run, found):
        if found.flow_class is None:
            raise TransitionNotAllowed(_("the code no longer has this flow"))
        run.note_process(found, "send", **({"signal": signal} if signal else {"message": message}))
        if signal:
            signals.throw(run, signal)
        else:
            found.flow_class.send(message, process=found, _user=run.user, **(data or {}))


@persistent
def add_item(
    session: Session, process: Process | int, task_id: int, item: Any, user: User | int | None = None,
    reason: str | None = None, *, branch: str | None = None,
) -> None:  # fmt: skip
    """Add an item to a task that runs once for each: to one that runs a process for each, while it runs, or to a split
    with a data source, until its branches have met. A manager's.

    Args:
        item: plain JSON, as one of its items. That of a split is an object, which becomes the `data` of the first task.
        branch: the name of the node with which the branch of a split begins, where several have a data source.

    Raises:
        TransitionNotAllowed: it runs no more, or only once.
        PortalError: the split has no such branch, or the item is none for it.
    """
    with _managed(session, process, user, "add", reason) as (run, found):
        query = select(Task).where(Task.process_id == found.id, Task.id == task_id)
        task = session.scalars(query).unique().first()
        why = _("this step does not run once for each item now") if task is None else items.refusal(task)
        if task is None or why is not None:
            raise TransitionNotAllowed(_("cannot add an item: %(why)s", why=why))
        run.seen.add(task)
        node: Any = task.node
        if not node.item_ways:
            run.note(task, "add", item=item)
            subprocesses.add(run, task, item)
            return
        edge = _way_of_items(node, branch)
        _demand_data(item)
        # of the process: the life of the split is over
        run.note_process(found, "add", item=item, step=node.name, to=edge.target.name)
        branches.add(run, task, edge, item)


def _way_of_items(split: Any, branch: str | None) -> Any:
    ways = {edge.target.name: edge for edge in split.item_ways}
    if branch is None and len(ways) == 1:
        return next(iter(ways.values()))
    if branch not in ways:
        raise PortalError(
            _("Say which branch the item is for: %(names)s.", names=", ".join(f"“{name}”" for name in ways))
        )
    return ways[branch]


def _demand_data(item: Any) -> None:
    """Refuse what cannot be the data of a task; names that begin with an underscore are ours."""
    if not isinstance(item, Mapping):
        raise PortalError(
            _('The items of this step are objects: write it as JSON, such as {"name": "Oslo"}.')
        )
    if ours := [name for name in item if name.startswith("_")]:
        raise PortalError(_("Nothing takes a value called “%(name)s”.", name=ours[0][:50]))


@contextmanager
def _managed(
    session: Session, process: Process | int, user: User | int | None, action: str, reason: str | None
) -> Iterator[tuple[ActionContext, Process]]:
    with transaction(session, user, process=process) as run:
        run.because(action, reason)
        found = (
            process
            if isinstance(process, Process) and process in run.seen.tasks
            else read_process(session, process)
        )
        lifecycle.demand_process(action, found, run.user)
        yield run, found
        step.settle(run)
