"""Heartbeats: each worker writes when it was last alive, for the people and programs that monitor it."""

from __future__ import annotations

import datetime as dt
import os
import socket
from functools import cache
from importlib import metadata

from sqlalchemy import delete, insert, update
from sqlalchemy.orm import Session

from portal.models import Worker

from .. import writes
from ..transaction import clock

#: how often a worker says so
BEAT = dt.timedelta(seconds=10)
#: how long the row of one is kept that went without a word
KEPT = dt.timedelta(hours=1)


def name() -> str:
    """What this process is called among the workers."""
    return f"{socket.gethostname()}:{os.getpid()}"


@cache
def version() -> str:
    """Of the portal that this process runs; empty where it is not installed as a package."""
    try:
        return metadata.version("flask-flow-portal")
    except metadata.PackageNotFoundError:
        return ""


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
        if writes.execute(session, mine).rowcount:
            return key
    row = insert(Worker).values(
        name=name(), version=version(), kind=kind, started=now, seen=now, held=held, lost=lost
    )
    return int(writes.execute(session, row).inserted_primary_key[0])


def leave(session: Session, key: int) -> None:
    """This process stops."""
    writes.execute(session, delete(Worker).where(Worker.id == key))


def prune(session: Session) -> int:
    """Forget workers that went without a word. Their number."""
    return int(writes.execute(session, delete(Worker).where(Worker.seen < clock.get()() - KEPT)).rowcount)
