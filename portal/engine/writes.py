"""Transactions that write and are no action on a process: they lock before they read, and lock no process tree.

SQLite refuses a transaction that has read before it writes when somebody else has written between.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session


def begin(session: Session) -> None:
    """End what was read before, and begin a transaction that writes."""
    session.rollback()
    session.connection(execution_options={"writes": True})


def execute(session: Session, statement: Any) -> Any:
    """One statement in a transaction of its own. Its result."""
    begin(session)
    try:
        result = session.execute(statement, execution_options={"synchronize_session": False})
        session.commit()
    except BaseException:
        session.rollback()
        raise
    return result
