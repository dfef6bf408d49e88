"""Changes that are no action on a process: a transaction of their own, which locks before it reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from portal.models import db


@contextmanager
def writing() -> Iterator[Session]:
    """End what was read before, and commit at the end of the block.

    SQLite refuses a transaction that has read before it writes when somebody else has written between.
    """
    session = db.session()
    session.rollback()
    session.connection(execution_options={"writes": True})
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
