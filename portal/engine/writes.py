"""Transactions that write without an action on a process: they lock before they read, and lock no process tree.

SQLite refuses a transaction that has read before it writes when somebody else has written between.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def begin(session: Session) -> Connection:
    """End what was read before, and begin a transaction that writes."""
    in_transaction = session.in_transaction()
    session.rollback()
    glanced = session.info.pop("glanced", False)
    if not in_transaction and (glanced or not session.expire_on_commit):  # no end of one has made it old
        session.expire_all()
    return session.connection(execution_options={"writes": True})


@contextmanager
def writing(session: Session) -> Iterator[Session]:
    """A transaction that writes, committed at the end of the block."""
    begin(session)
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise


def execute(session: Session, statement: Any) -> Any:
    """One statement in a transaction of its own. Its result."""
    with writing(session):
        return run(session, statement)


def run(session: Session, statement: Any) -> Any:
    """One statement within a transaction, past the objects of the session. Its result."""
    return session.execute(statement, execution_options={"synchronize_session": False})


def insert(session: Session, model: Any) -> Any:
    """An INSERT in the dialect of the database, which has `on_conflict_do_nothing()` and `on_conflict_do_update()`.

    Into the table, past the ORM's own of many rows, which costs as much again.
    """
    return inserting(session)(model.__table__)


def inserting(session: Session) -> Any:
    """What makes such an INSERT."""
    return _INSERTS[session.get_bind().dialect.name]
