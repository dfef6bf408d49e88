"""The commands of people and programs on whole processes: cancel, suspend, resume, withdraw, retry, change data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from sqlalchemy.orm import Session

from portal.errors import PermissionDenied, TransitionNotAllowed
from portal.models import Process, Task, User

from . import corrections, lifecycle, permissions
from .context import ActionContext
from .interpreter import processes, step, subprocesses
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
        told = Retried([], [])
        for each in processes.tree(run, found):  # a caller that is retried takes the processes below it along
            for task in run.find(each, Task.status == "ERROR"):
                if task.status == "ERROR":
                    _retry_one(run, task, told)
        if not told.fresh and not told.refused:
            raise TransitionNotAllowed(f"cannot retry process {found.id}: nothing in it has failed")
        return told


def _retry_one(run: ActionContext, task: Task, told: Retried) -> None:
    try:
        told.fresh.append(run.activation(task).revive(run.reasons.get("revive")))
    except (TransitionNotAllowed, PermissionDenied) as refusal:
        told.refused.append(f"#{task.process_id} {task.title}: {refusal}")


@contextmanager
def changing_data(
    session: Session, process: Process | int, user: User | int | None = None, reason: str | None = None
) -> Iterator[Process]:
    """Change the fields of a process within the block; the history keeps who did, and each old and new value. A
    manager's.

    Raises:
        TransitionNotAllowed: the process is over.
    """
    with _managed(session, process, user, "data", reason) as (run, found):
        before = corrections.values_of(found)
        yield found
        changes = corrections.changes(before, corrections.values_of(found))
        if changes:
            run.touched[found] = None
            run.note_process(found, "data", changes=changes)


@contextmanager
def _managed(
    session: Session, process: Process | int, user: User | int | None, action: str, reason: str | None
) -> Iterator[tuple[ActionContext, Process]]:
    with transaction(session, user, process=process) as run:
        run.because(action, reason)
        found = (
            process
            if isinstance(process, Process) and process in run.tasks
            else read_process(session, process)
        )
        lifecycle.check_process(action, found)
        if "requester" in lifecycle.PROCESS_ACTIONS[action].who:
            permissions.demand_requester(run.user, found, f"{action} it")
        else:
            permissions.demand_manager(run.user, found, f"{action} its processes")
        yield run, found
        step.settle(run)
