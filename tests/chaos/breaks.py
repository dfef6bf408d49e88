"""What the auditor must notice: the fence, the lease or the lock taken away."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from typing import Any

from portal.engine.queue import jobs
from portal.models import Task, db


def without_fence() -> None:
    """A late worker's result counts, whoever has taken over."""
    finish = jobs.finish

    def unfenced(session: Any, claimed: Any, done: Any, error: Any) -> bool:
        session.rollback()
        attempt = session.scalar(db.select(Task.attempt).where(Task.id == claimed.task_id))
        session.rollback()
        return finish(session, dataclasses.replace(claimed, attempt=attempt), done, error)

    jobs.finish = unfenced


def without_lease() -> None:
    """What a worker has claimed holds for no time at all."""
    jobs.LEASE = dt.timedelta(0)


def without_lock() -> None:
    """The root of a process is read without a lock."""
    from sqlalchemy import Select

    Select.with_for_update = lambda self, **_: self  # type: ignore[method-assign,assignment]


BREAKS: dict[str, Callable[[], None]] = {
    "fence": without_fence, "lease": without_lease, "lock": without_lock,
}  # fmt: skip


def apply(name: str) -> None:
    if name:
        BREAKS[name]()
