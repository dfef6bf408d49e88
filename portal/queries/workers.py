"""The worker processes and their state."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.models import Worker


def workers_seen(session: Session, since: dt.datetime) -> list[Worker]:
    """The workers that have said since then that they live, by name."""
    query = select(Worker).where(Worker.seen >= since).order_by(Worker.name, Worker.id)
    return list(session.scalars(query.execution_options(populate_existing=True)))
