"""Changes that are no action on a process: a transaction of their own, which locks before it reads."""

from __future__ import annotations

from contextlib import AbstractContextManager

from sqlalchemy.orm import Session

from portal.engine import writes
from portal.models import db


def writing() -> AbstractContextManager[Session]:
    """End what was read before, and commit at the end of the block."""
    return writes.writing(db.session())
