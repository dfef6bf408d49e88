"""Lets a start form that is submitted twice start one process.

The key is written first and in the transaction of the start: whoever sends the same form at the same time waits for
that transaction, and finds its process or, if it was rolled back, starts one.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from portal.models import StartKey

from . import writes
from .transaction import clock


class Started(NamedTuple):
    """What a form has started already."""

    process_id: int
    #: the hash of what was typed then
    digest: str


def claim(session: Session, user_id: int, key: str, digest: str) -> Started | None:
    """Reserve the key for the start that is under way, or return the process that it has started already."""
    row = {"user_id": user_id, "key": key, "digest": digest, "created": clock.get()()}
    insert = writes.insert(session, StartKey).values(**row).on_conflict_do_nothing()
    if writes.run(session, insert.returning(StartKey.key)).first() is not None:
        return None
    return find(session, user_id, key)


def find(session: Session, user_id: int, key: str) -> Started | None:
    """What a form has started."""
    query = select(StartKey.process_id, StartKey.digest).where(
        StartKey.user_id == user_id, StartKey.key == key
    )
    row = session.execute(query).first()
    return None if row is None or row.process_id is None else Started(row.process_id, row.digest)


def settle(session: Session, user_id: int, key: str, process_id: int | None) -> None:
    """Store which process was started; a form that has started none may be sent again."""
    mine = (StartKey.user_id == user_id, StartKey.key == key)
    if process_id is None:
        writes.run(session, delete(StartKey).where(*mine))
    else:
        writes.run(session, update(StartKey).where(*mine).values(process_id=process_id))
