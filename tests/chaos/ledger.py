"""What the code of a flow has really done, written beside the portal's own rows."""

from __future__ import annotations

import datetime as dt
import os
import time
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Mapped, mapped_column

from portal.engine.queue import jobs
from portal.models import UTCDateTime, db, utcnow


class Mark(db.Model):  # type: ignore[name-defined,misc]
    """Written by a function in the transaction of its action: it stands or falls with it."""

    __tablename__ = "chaos_mark"

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int]
    node: Mapped[str]


class Try(db.Model):  # type: ignore[name-defined,misc]
    """Written by a job past everything else: what its code really did."""

    __tablename__ = "chaos_try"

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int]
    attempt: Mapped[int]
    pid: Mapped[int]
    began: Mapped[bool]
    moment: Mapped[dt.datetime] = mapped_column(UTCDateTime)
    #: the longest time, in seconds, for which this worker did not renew the job's lease; known at the end of a try
    silence: Mapped[float | None]


def mark(activation: Any) -> None:
    db.session.execute(insert(Mark).values(task_id=activation.task.id, node=activation.task.flow_task))


#: by task and attempt: when the lease was last begun to be renewed, and the longest silence so far
_renewed: dict[tuple[int, int], tuple[float, float]] = {}


def began(activation: Any) -> None:
    """A try begins: its lease runs since it was claimed."""
    claimed = activation.task.lease - jobs.LEASE
    since = time.monotonic() - (utcnow() - claimed).total_seconds()
    _renewed[activation.task.id, activation.attempt] = (since, 0.0)
    _write(activation, began=True)


def ended(activation: Any) -> None:
    """The code of a try comes to its end, done or failed."""
    last, silence = _renewed.pop((activation.task.id, activation.attempt))
    _write(activation, began=False, silence=max(silence, time.monotonic() - last))


def _write(activation: Any, **values: Any) -> None:
    values |= {"task_id": activation.task.id, "attempt": activation.attempt, "pid": os.getpid()}
    with db.engine.begin() as connection:
        connection.execute(insert(Try).values(**values, moment=utcnow()))


def listen() -> None:
    """Note when leases are renewed: from the beginning of one renewal that worked to the end of the next."""
    heartbeat = jobs.heartbeat

    def noted(session: Any, held: list[jobs.Claim]) -> None:
        start = time.monotonic()
        heartbeat(session, held)
        for claimed in held:
            key = (claimed.task_id, claimed.attempt)
            if key in _renewed:
                last, silence = _renewed[key]
                _renewed[key] = (start, max(silence, time.monotonic() - last))

    jobs.heartbeat = noted
