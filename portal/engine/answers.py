"""Idempotency keys: a repeated request does its work once and gets the first answer again.

The key is written first and in the transaction of the action: whoever sends the same key at the same time waits for
that transaction, and finds its answer or, if it was rolled back, acts.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from portal.models import KeptAnswer, ReceivedMail

from . import writes
from .transaction import clock

#: for so long an answer is kept
KEPT = dt.timedelta(days=1)
#: for so long a mail is known again: no server delivers one later, and what it could answer is forgotten by then
KEPT_MAIL = dt.timedelta(days=90)


class Answer(NamedTuple):
    """What a request was answered."""

    #: of the request
    digest: str
    status: int
    headers: dict[str, str]
    body: str


def find(session: Session, key: str) -> Answer | None:
    """The answer that a request with this key got, unless that is too long ago."""
    query = select(KeptAnswer.digest, KeptAnswer.status, KeptAnswer.headers, KeptAnswer.body).where(
        KeptAnswer.key == key, KeptAnswer.created > clock.get()() - KEPT, KeptAnswer.status.is_not(None)
    )
    row = session.execute(query).first()
    return None if row is None else Answer(row[0], row[1] or 200, row[2] or {}, row[3] or "")


def claim(session: Session, key: str, user_id: int | None, digest: str) -> Answer | None:
    """Reserve the key for the action that is under way, or return the answer that it has already.

    Args:
        key: a hash of the key and of whose it is.
        user_id: whose it is; None for a call that no person makes.
        digest: a hash of the request.
    """
    now = clock.get()()
    old = delete(KeptAnswer).where(KeptAnswer.key == key, KeptAnswer.created <= now - KEPT)
    writes.run(session, old)
    row = {"key": key, "user_id": user_id, "digest": digest, "created": now}
    insert = writes.insert(session, KeptAnswer).values(**row).on_conflict_do_nothing()
    if writes.run(session, insert.returning(KeptAnswer.key)).first() is not None:
        return None
    return find(session, key)


def settle(session: Session, key: str, status: int, headers: dict[str, str], body: str) -> None:
    """Keep the answer, in the transaction of the action."""
    values: dict[str, Any] = {"status": status, "headers": headers, "body": body}
    writes.run(session, update(KeptAnswer).where(KeptAnswer.key == key).values(**values))


def prune(session: Session) -> int:
    """Forget answers that nobody may ask for any more. Their number."""
    old = delete(KeptAnswer).where(KeptAnswer.created <= clock.get()() - KEPT)
    return int(writes.execute(session, old).rowcount)


def prune_mail(session: Session) -> int:
    """Forget mails that no server delivers again. Their number."""
    old = delete(ReceivedMail).where(ReceivedMail.created <= clock.get()() - KEPT_MAIL)
    return int(writes.execute(session, old).rowcount)
