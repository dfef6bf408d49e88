"""Gives the work of somebody who leaves to others, a transaction for each task."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.errors import PermissionDenied, PortalError
from portal.models import Process, Task, User

from . import permissions
from .interpreter import step
from .transaction import read_process, task_action, transaction


def tasks_of(session: Session, user_id: int, limit: int, after: int = 0) -> list[int]:
    """Open tasks of a person, by their ids from a number on."""
    query = select(Task.id).where(
        Task.owner_id == user_id, Task.status == "ASSIGNED", Task.finished.is_(None)
    )
    return list(session.scalars(query.where(Task.id > after).order_by(Task.id).limit(limit)))


def requests_of(session: Session, user_id: int, limit: int, after: int = 0) -> list[int]:
    """The processes in progress that a person has started and nothing has called, by their ids from a number on."""
    query = select(Process.id).where(
        Process.created_by_id == user_id, Process.finished.is_(None), Process.parent_task_id.is_(None)
    )
    return list(session.scalars(query.where(Process.id > after).order_by(Process.id).limit(limit)))


def give_task(
    session: Session, task_id: int, owner_id: int, to: int | None, by: int | None, reason: str
) -> None:
    """Give an open task to somebody else, or back to the queue. Nothing happens if it is not theirs any more.

    Args:
        owner_id: who leaves.
        to: who gets it; None is the queue.
        by: the administrator.

    Raises:
        PortalError: the person may not do it, or the task cannot be given now.
    """
    with task_action(session, task_id) as (run, task):
        run.by = by
        if task.owner_id != owner_id or task.status != "ASSIGNED":
            return
        activation = run.activation(task)
        if to is None:
            activation.unassign(reason=reason)
        else:
            person = session.get_one(User, to)
            if not permissions.may_take(session, person, task):
                raise PermissionDenied(f"{person.name} may not do it")
            activation.reassign(person, reason=reason)
        run.pulled.add("unassign" if to is None else "reassign")
        step.settle(run)


def give_request(
    session: Session, process_id: int, owner_id: int, to: int, by: int | None, reason: str
) -> None:
    """Make somebody else the requester of a process in progress. Nothing happens if another one is already.

    Raises:
        PortalError: the person is deactivated.
    """
    with transaction(session, process=process_id) as run:
        run.by = by
        process = read_process(session, process_id)
        if process.created_by_id != owner_id or process.finished is not None:
            return
        person = session.get_one(User, to)
        if not person.is_active:
            raise PortalError(f"{person.name} is deactivated")
        run.because("requester", reason)
        before = process.created_by.username if process.created_by is not None else ""
        process.created_by = person
        run.note_process(process, "requester", **{"from": before, "to": person.username})
        run.pulled.add("requester")
