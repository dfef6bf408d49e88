"""Writes mail about somebody's own account to the outbox, in the transaction that is its cause."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy.orm import Session

from portal.engine.transaction import clock
from portal.models import Outgoing, User

#: a link to choose another password; an invitation; that something of the account has changed
EVENTS = ("reset", "invite", "account")
#: after which a mail that could not be sent is not sent any more, where that matters
STALE = {"reset": dt.timedelta(hours=1)}


def write(session: Session, event: str, person: User | None, **payload: Any) -> None:
    """Have a mail sent after the commit. It holds no link until it is sent: nothing here opens an account.

    Args:
        event: one of `EVENTS`.
        person: who gets it; without one nobody does, at the same cost.
        payload: `what` of `account`; `to`, where it is not the person's address.
    """
    now = clock.get()()
    session.add(
        Outgoing(
            kind="mail",
            event=event,
            user_id=None if person is None else person.id,
            payload=payload,
            key=str(uuid.uuid4()),
            created=now,
            scheduled=now,
        )
    )
