"""Changes that are no action on a process: a transaction of their own, which locks before it reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from portal.engine import writes
from portal.models import db


@contextmanager
def writing() -> Iterator[Session]:
    """End what was read before, and commit at the end of the block."""
    session = db.session()
    writes.begin(session)
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
