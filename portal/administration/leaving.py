"""Deactivates people, gives their open work to others, and reactivates them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from portal.engine import audit, leaving, writes
from portal.engine.audit import Entry
from portal.errors import PortalError
from portal.language import gettext as _
from portal.models import ExternalIdentity, Process, Task, User

from . import access
from .people import sign_out

#: so many are read at a time
_CHUNK = 100
#: refusals that are kept
_NAMED = 50


@dataclass(frozen=True)
class Work:
    """How much a person has to do, and how many of their requests are in progress."""

    tasks: int
    requests: int


@dataclass
class Given:
    """What became of the work of a person."""

    tasks: int = 0
    requests: int = 0
    refused: list[str] = field(default_factory=list)
    #: there was no time for the rest
    left: bool = False


def work_of(session: Session, person: User) -> Work:
    tasks = select(func.count()).where(
        Task.owner_id == person.id, Task.status == "ASSIGNED", Task.finished.is_(None)
    )
    requests = select(func.count()).where(
        Process.created_by_id == person.id, Process.finished.is_(None), Process.parent_task_id.is_(None)
    )
    return Work(*session.execute(select(tasks.scalar_subquery(), requests.scalar_subquery())).one())


def deactivate(session: Session, person_id: int, by_id: int | None) -> None:
    """Sign a person out for good, in a transaction of its own. What they have to do stays theirs: see `give`.

    Raises:
        PortalError: they are the last who may administer, or only a superuser may do that.
    """
    with writes.writing(session):
        person = session.get_one(User, person_id)
        end(session, person, None if by_id is None else session.get_one(User, by_id))


def end(session: Session, person: User, by: User | None) -> None:
    """As `deactivate`, within a transaction that writes."""
    access.demand_reach(by, person)
    access.one_at_a_time(session)
    session.flush()
    session.refresh(person)
    if not person.is_active:
        return
    if access.is_last(session, person):
        raise PortalError(why_last(person))
    person.is_active = False
    sign_out(session, person)
    # no directory lets in again whom somebody here has shut out
    session.execute(update(ExternalIdentity).where(ExternalIdentity.user_id == person.id).values(ended=None))
    audit.append(session, [Entry("person.deactivated", None if by is None else by.id, "person", person.id)])


def why_last(person: User) -> str:
    """Why somebody cannot be deactivated or erased."""
    return _("%(name)s is the last administrator. Make somebody else one first.", name=person.name)


def reactivate(session: Session, person: User, by: User | None) -> None:
    """Let a person sign in again, within a transaction that writes.

    Raises:
        PortalError: they were erased, or only a superuser may do that.
    """
    access.demand_reach(by, person)
    if person.erased is not None:
        raise PortalError(_("This person was erased."))
    if not person.is_active:
        person.is_active = True
        audit.append(
            session, [Entry("person.reactivated", None if by is None else by.id, "person", person.id)]
        )


def give(
    session: Session,
    person_id: int,
    by_id: int | None,
    *,
    tasks: int | Literal["leave"] | None = "leave",
    requests: int | Literal["leave"] = "leave",
    reason: str = "",
    seconds: float | None = None,
) -> Given:
    """Give the open work of a person to others, each task and request in a transaction of its own: after an
    interruption the same call does the rest.

    Args:
        tasks: the id of who gets the tasks, None for the queue, `leave` to leave them.
        requests: the id of who becomes the requester, or `leave`.
        reason: kept in the history of each.
        seconds: after which the rest is left.
    """
    given, until = Given(), None if seconds is None else time.monotonic() + seconds
    if not isinstance(tasks, str):
        to = tasks
        given.tasks = _each(
            session, given, until, lambda after: leaving.tasks_of(session, person_id, _CHUNK, after),
            lambda number: leaving.give_task(session, number, person_id, to, by_id, reason), _("Task"),
        )  # fmt: skip
    if isinstance(requests, int):
        heir = requests
        given.requests = _each(
            session, given, until, lambda after: leaving.requests_of(session, person_id, _CHUNK, after),
            lambda number: leaving.give_request(session, number, person_id, heir, by_id, reason), _("Process"),
        )  # fmt: skip
    return given


def _each(
    session: Session,
    given: Given,
    until: float | None,
    read: Callable[[int], list[int]],
    act: Callable[[int], None],
    word: str,
) -> int:
    done, after = 0, 0
    while numbers := read(after):
        for number in numbers:
            after = number
            if until is not None and time.monotonic() > until:
                given.left = True
                return done
            try:
                act(number)
                done += 1
            except (PortalError, LookupError) as error:
                session.rollback()
                if len(given.refused) < _NAMED:
                    given.refused.append(f"{word} {number}: {error}")
        session.rollback()
    return done
