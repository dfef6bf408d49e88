"""Stores drafts of forms, and forms that were submitted while nobody was signed in; removes old ones."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from portal.models import Draft, ParkedForm, StartKey, Task

from . import writes
from .statements import driver
from .transaction import clock

Typed = list[list[str]]

#: how long a draft is kept that nobody touches, and one whose task is over
KEPT, KEPT_WHEN_OVER = dt.timedelta(days=180), dt.timedelta(days=30)
#: how long a form waits whose sender does not sign in again
PARKED = dt.timedelta(days=1)
#: how many forms wait so: of one browser, and of one person or, together, of senders who are not known. The oldest
#: make room: no stranger's for those of somebody.
PARKED_OF_BROWSER, PARKED_IN_ALL = 10, 200
#: how long a start form that was accepted is remembered
STARTED = dt.timedelta(days=90)


def read(session: Session, user_id: int, place: str) -> Draft | None:
    """A person's draft of a form."""
    query = select(Draft).where(Draft.user_id == user_id, Draft.place == place)
    return session.scalar(query.execution_options(populate_existing=True))


def save(session: Session, user_id: int, place: str, task_id: int | None, typed: Typed) -> dt.datetime:
    """Store what was typed, in a transaction of its own. Returns the moment."""
    now = clock.get()()
    with writes.writing(session):
        _put(session, Draft, {"user_id": user_id, "place": place}, task_id=task_id, typed=typed, saved=now)
    return now


def discard(session: Session, user_id: int, place: str) -> None:
    """Delete a draft, in a transaction of its own."""
    with writes.writing(session):
        accepted(session, user_id, place)


def form_of(task_id: int) -> str:
    """The place of a task's form."""
    return f"/tasks/{task_id}/execute"


def pass_on(session: Session, task_id: int, giver_id: int, receiver_id: int) -> bool:
    """Move the giver's draft of a task's form to the new owner, in the transaction that hands the task over.

    Returns:
        Whether the receiver has it now: a draft of their own is theirs, and stays.
    """
    place = form_of(task_id)
    draft = read(session, giver_id, place)
    if draft is None or giver_id == receiver_id or read(session, receiver_id, place) is not None:
        return False
    key = {"user_id": receiver_id, "place": place}
    _put(session, Draft, key, task_id=task_id, typed=draft.typed, saved=clock.get()())
    session.expunge(draft)
    accepted(session, giver_id, place)
    return True


def accepted(session: Session, user_id: int, place: str) -> None:
    """Delete the draft of a form in the transaction that accepts it; each form that is accepted asks for it."""
    driver.delete(session.connection(), Draft.__table__, {"user_id": user_id, "place": place})


def park(
    session: Session, browser: str, place: str, task_id: int | None, typed: Typed, user_id: int | None
) -> None:
    """Store a form for this browser that was sent while nobody was signed in.

    Args:
        browser: the hash of the browser's key.
        user_id: whose session it was; None where that is not known.
    """
    with writes.writing(session):
        key = {"browser": browser, "place": place}
        _put(session, ParkedForm, key, task_id=task_id, typed=typed, saved=clock.get()(), user_id=user_id)
        for limit, mine in (
            (PARKED_OF_BROWSER, ParkedForm.browser == browser),
            (PARKED_IN_ALL, ParkedForm.user_id == user_id),
        ):
            of = select(ParkedForm.browser, ParkedForm.place).where(mine)
            for row in session.execute(of.order_by(ParkedForm.saved.desc()).offset(limit).limit(50)).all():
                old = ParkedForm.browser == row[0], ParkedForm.place == row[1]
                writes.run(session, delete(ParkedForm).where(*old))


def adopt(session: Session, browser: str, user_id: int) -> None:
    """Give a person who has signed in the forms that this browser sent meanwhile, except those of somebody else."""
    with writes.writing(session):
        theirs = or_(ParkedForm.user_id.is_(None), ParkedForm.user_id == user_id)
        since = clock.get()() - PARKED
        query = select(ParkedForm).where(ParkedForm.browser == browser, theirs, ParkedForm.saved >= since)
        for parked in session.scalars(query).all():
            there = read(session, user_id, parked.place)
            if there is None or there.saved <= parked.saved:
                key = {"user_id": user_id, "place": parked.place}
                rest = {"task_id": parked.task_id, "typed": parked.typed, "saved": parked.saved}
                _put(session, Draft, key, **rest)
        writes.run(session, delete(ParkedForm).where(ParkedForm.browser == browser, theirs))


def prune(session: Session) -> int:
    """Forget what is too old, and drafts of tasks that are over for long. The number of rows."""
    now = clock.get()()
    over = select(Task.id).where(Task.finished < now - KEPT_WHEN_OVER)
    with writes.writing(session):
        count = 0
        for statement in (
            delete(Draft).where(Draft.saved < now - KEPT),
            delete(Draft).where(Draft.saved < now - KEPT_WHEN_OVER, Draft.task_id.in_(over)),
            delete(ParkedForm).where(ParkedForm.saved < now - PARKED),
            delete(StartKey).where(StartKey.created < now - STARTED),
        ):
            count += writes.run(session, statement).rowcount
    return count


def _put(session: Session, model: Any, key: dict[str, Any], **values: Any) -> None:
    """Insert a row, or write over the one of this key; two at once do not fail."""
    made = writes.insert(session, model).values(**key, **values)
    writes.run(session, made.on_conflict_do_update(index_elements=list(key), set_=values))
