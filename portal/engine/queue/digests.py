"""Writes the daily mails: one row of the outbox for each person whose hour has come."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal.models import Digest, Notice, Outgoing

from .. import writes
from ..leases import batch
from ..notifications import NAMESPACE
from ..transaction import clock, wake

#: notices that one mail tells of; the rest is counted
LONGEST = 200


def first(_moment: Any) -> Any:
    """When the first daily mail falls due; see `due`."""
    return select(Digest.due).order_by(Digest.due).limit(1)


def turn(session: Session, limit: int = 50) -> int:
    """Make the mails whose hour has come. The number of people. Two workers get different ones, and each mail is one
    row whose key says for which hour it is."""
    now = clock.get()()
    query = select(Digest).where(Digest.due <= now).order_by(Digest.due, Digest.user_id).limit(limit)
    try:
        found = batch(session, query, Digest, acts=False)
        for row in found:
            _make(session, row.Digest)
        if found:
            session.commit()
    except BaseException:
        session.rollback()
        raise
    if found:
        wake()
    return len(found)


def _make(session: Session, digest: Digest) -> None:
    waiting = (Notice.user_id == digest.user_id, Notice.digest)
    ids = list(session.scalars(select(Notice.id).where(*waiting).order_by(Notice.id)))
    if ids:
        session.add(
            Outgoing(
                kind="mail",
                event="digest",
                user_id=digest.user_id,
                payload={"notices": ids[-LONGEST:], "count": len(ids)},
                key=str(uuid.uuid5(NAMESPACE, f"digest/{digest.user_id}/{digest.due.isoformat()}")),
                created=clock.get()(),
                scheduled=clock.get()(),
            )
        )
        writes.run(session, update(Notice).where(*waiting, Notice.id <= ids[-1]).values(digest=False))
    session.delete(digest)
