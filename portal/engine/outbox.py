"""The outbox: mail and web hooks are rows, written with their cause; senders claim, send and mark them.

Each row is sent at least once: a sender that dies between sending and marking leaves a row that is claimed again when
its lease is over, with the same key. A receiver — a person, or the address of a hook — hears of a process in the order
in which it went: none of their rows is claimed before those ahead of it are sent or given up. A receiver who does not
answer keeps no other one waiting.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from portal.models import Outgoing

from . import writes
from .leases import wait_after
from .transaction import clock, wake

#: how long a claim holds; well above the time that a batch takes
LEASE = dt.timedelta(minutes=5)
#: the wait before the second try; it doubles with each
FIRST_WAIT = dt.timedelta(seconds=10)
LONGEST_WAIT = dt.timedelta(hours=1)
#: how often a row is tried: mail for more than half a day, which outlives a broken mail server; a hook for about
#: twenty minutes, in which the later calls of its address for its process wait for it
TRIES = {"mail": 24, "hook": 8}
#: how long rows are kept that were sent
KEPT = dt.timedelta(days=30)

#: what still waits to be sent
_waiting = Outgoing.scheduled.is_not(None)


class Undelivered(Exception):
    """A receiver does not take what a row has for it.

    Args:
        words: without addresses or secrets.
        for_good: another try would be refused too.
    """

    def __init__(self, words: str, for_good: bool = False) -> None:
        super().__init__(words)
        self.for_good = for_good


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to do one try of a row."""

    id: int
    attempt: int
    until: dt.datetime
    kind: str
    event: str
    key: str
    process_id: int | None
    task_id: int | None
    user_id: int | None
    url: str | None
    payload: dict[str, Any]
    created: dt.datetime
    trace: str | None


def first(kind: str) -> Any:
    """When the first mail, or hook, is to be sent; see `due`."""
    return select(func.min(Outgoing.scheduled)).where(Outgoing.kind == kind, _waiting)


def claim(session: Session, kind: str, limit: int = 20, busy: Collection[str] = ()) -> list[Claim]:
    """Take rows that are due, at most one for a receiver and a process, and commit. Other senders get others.

    Args:
        kind: mail, or hook: then all of them are for one address.
        busy: addresses of hooks that have enough to do.
    """
    now = clock.get()()
    ahead = aliased(Outgoing)
    first = ~exists().where(
        ahead.process_id == Outgoing.process_id, ahead.id < Outgoing.id, ahead.scheduled.is_not(None),
        ahead.event != "queue",  # it tells of others' tasks, and may wait for more of them
        or_(ahead.user_id == Outgoing.user_id, ahead.url == Outgoing.url),
    )  # fmt: skip
    query = select(Outgoing).where(Outgoing.kind == kind, _waiting, Outgoing.scheduled <= now, first)
    if busy:
        query = query.where(Outgoing.url.not_in(busy))
    query = query.order_by(Outgoing.scheduled, Outgoing.id)
    session.rollback()
    found = session.execute(query.with_only_columns(Outgoing.id, Outgoing.url).limit(1)).first()
    session.rollback()
    if found is None:  # asked without a lock: mostly there is nothing to send
        return []
    if found.url is not None:
        query = query.where(Outgoing.url == found.url)
    writes.begin(session)
    query = query.limit(limit)
    if session.get_bind().dialect.name != "sqlite":
        query = query.with_for_update(skip_locked=True)
    claimed = []
    for row in session.scalars(query.execution_options(populate_existing=True)):
        row.attempt += 1
        row.scheduled = now + LEASE
        claimed.append(
            Claim(
                row.id, row.attempt, row.scheduled, row.kind, row.event, row.key, row.process_id, row.task_id,
                row.user_id, row.url, row.payload, row.created, row.trace,
            )
        )  # fmt: skip
    session.commit()
    return claimed


def delivered(session: Session, claimed: Claim) -> bool:
    """Mark a row as sent. False if this try no longer counts."""
    return _close(session, claimed, sent=clock.get()(), scheduled=None, error=None)


def failed(session: Session, claimed: Claim, error: str, *, for_good: bool = False) -> bool:
    """Note that a try failed. True if the row is given up now.

    Args:
        error: in words, without addresses or secrets.
        for_good: another try would fail too.
    """
    given_up = for_good or claimed.attempt >= TRIES[claimed.kind]
    wait = wait_after(claimed.attempt, FIRST_WAIT, LONGEST_WAIT)
    scheduled = None if given_up else clock.get()() + wait
    return _close(session, claimed, scheduled=scheduled, error=error[:500]) and given_up


def drop(session: Session, claimed: Claim) -> None:
    """Remove a row that has lost its receiver: nobody is to be told any more."""
    writes.execute(
        session, delete(Outgoing).where(Outgoing.id == claimed.id, Outgoing.attempt == claimed.attempt)
    )


def _close(session: Session, claimed: Claim, **values: Any) -> bool:
    mine = update(Outgoing).where(
        Outgoing.id == claimed.id, Outgoing.attempt == claimed.attempt, Outgoing.sent.is_(None)
    )
    return bool(writes.execute(session, mine.values(**values)).rowcount == 1)


# -- for operators -----------------------------------------------------------------------------------------------


def given_up(session: Session, limit: int = 100) -> list[Outgoing]:
    """What could not be sent, the oldest first: incidents, until somebody sends them again."""
    query = select(Outgoing).where(*_abandoned()).order_by(Outgoing.id).limit(limit)
    return list(session.scalars(query))


def again(session: Session, ids: Iterable[int] | None = None) -> int:
    """Try what was given up again, from the first try on. The number of rows.

    Args:
        ids: only these rows; all of them otherwise.
    """
    statement = update(Outgoing).where(*_abandoned())
    if ids is not None:
        statement = statement.where(Outgoing.id.in_(list(ids)))
    fresh = statement.values(scheduled=clock.get()(), attempt=0, error=None)
    number = int(writes.execute(session, fresh).rowcount)
    if number:
        wake()
    return number


def sweep(session: Session, limit: int = 1000) -> int:
    """Remove rows that were sent long ago. Their number."""
    old = select(Outgoing.id).where(Outgoing.sent < clock.get()() - KEPT).limit(limit)
    found = list(session.scalars(old))
    if not found:
        return 0
    return int(writes.execute(session, delete(Outgoing).where(Outgoing.id.in_(found))).rowcount)


def _abandoned() -> tuple[Any, ...]:
    return Outgoing.scheduled.is_(None), Outgoing.sent.is_(None)
