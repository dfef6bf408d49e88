"""Workers say that they live, for people and machines that watch them."""

from __future__ import annotations

import datetime as dt
import os
import socket
from typing import Any

from sqlalchemy import delete, insert, update
from sqlalchemy.orm import Session

from portal.models import Worker

from ..transaction import clock

#: how often a worker says so
BEAT = dt.timedelta(seconds=10)
#: how long the row of one is kept that went without a word
KEPT = dt.timedelta(hours=1)


def beat(session: Session, key: int | None, kind: str, held: int, lost: int = 0) -> int:
    """Say that this process lives.

    Args:
        key: what the last call returned; None in the first one.
        kind: web, worker or celery.
        held: how many jobs run here.
        lost: how many of them were given up, and do not end.
    """
    now = clock.get()()
    if key is not None:
        mine = update(Worker).where(Worker.id == key).values(seen=now, held=held, lost=lost)
        if _write(session, mine).rowcount:
            return key
    name = f"{socket.gethostname()}:{os.getpid()}"
    row = insert(Worker).values(name=name, kind=kind, started=now, seen=now, held=held, lost=lost)
    return int(_write(session, row).inserted_primary_key[0])


def leave(session: Session, key: int) -> None:
    """This process stops."""
    _write(session, delete(Worker).where(Worker.id == key))


def prune(session: Session) -> int:
    """Forget workers that went without a word. Their number."""
    return int(_write(session, delete(Worker).where(Worker.seen < clock.get()() - KEPT)).rowcount)


def _write(session: Session, statement: Any) -> Any:
    session.rollback()
    session.connection(execution_options={"writes": True})
    try:
        result = session.execute(statement)
        session.commit()
    except BaseException:
        session.rollback()
        raise
    return result
