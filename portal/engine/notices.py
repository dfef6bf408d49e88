"""Stores notices for the portal's pages and for the daily mail, in the transaction of what they tell."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from portal.models import Digest, Notice, User

from . import wishes, writes
from .moving_clock import clock

#: how long notices are kept
KEPT = dt.timedelta(days=90)
#: rows in a statement: SQLite takes 32,766 values
BATCH = 1000


def ways(user: User, event: str) -> tuple[bool, bool]:
    """Whether an event is for a person's page of notices, and whether it is for their daily mail."""
    return wishes.in_portal(user, event), wishes.by_mail(user, event) and wishes.is_daily(user)


def row(user: User, event: str, key: str, **values: Any) -> dict[str, Any] | None:
    """What is stored for a person; None where they want to hear of it neither in the portal nor once a day.

    Args:
        key: identifies the news for this person: the same is told once.
        values: of the columns `process_id`, `task_id` and `payload`.
    """
    shown, daily = ways(user, event)
    if not shown and not daily:
        return None
    return {
        "user_id": user.id, "event": event, "key": key, "shown": shown, "digest": daily,
        "process_id": None, "task_id": None, "payload": {}, "created": clock.get()(), **values,
    }  # fmt: skip


def store(session: Session, rows: Sequence[dict[str, Any]], people: Iterable[User]) -> None:
    """Write notices, and when the daily mails of those who get one are to be made.

    Args:
        people: to whom the rows belong.
    """
    if not rows:
        return
    made = writes.insert(session, Notice).on_conflict_do_nothing()
    for at in range(0, len(rows), BATCH):
        session.execute(made, rows[at : at + BATCH])
    daily = {each["user_id"] for each in rows if each["digest"]}
    waiting = {user.id: user for user in people if user.id in daily}
    if not waiting:
        return
    now = clock.get()()
    # In the order of their keys: two actions cannot wait for each other. An update, for it waits for whoever makes the
    # mail now and is about to delete the row.
    due = [{"user_id": key, "due": wishes.next_digest(waiting[key], now)} for key in sorted(waiting)]
    planned = writes.insert(session, Digest)
    session.execute(
        planned.on_conflict_do_update(index_elements=["user_id"], set_={"user_id": planned.excluded.user_id}),
        due,
    )


def mark_read(session: Session, user_id: int, until: int, only: int | None = None) -> int:
    """Mark a person's notices as read, in a transaction of its own. Their number.

    Args:
        until: the newest one that they have seen: what came since stays unread.
        only: this one alone.
    """
    marked = update(Notice).where(Notice.user_id == user_id, Notice.shown, Notice.read.is_(None))
    marked = marked.where(Notice.id <= until) if only is None else marked.where(Notice.id == only)
    return int(writes.execute(session, marked.values(read=clock.get()())).rowcount)


def sweep(session: Session, limit: int = 1000) -> int:
    """Remove notices that are old. Their number."""
    old = select(Notice.id).where(Notice.created < clock.get()() - KEPT, ~Notice.digest).limit(limit)
    found = list(session.scalars(old))
    if not found:
        return 0
    return int(writes.execute(session, delete(Notice).where(Notice.id.in_(found))).rowcount)
