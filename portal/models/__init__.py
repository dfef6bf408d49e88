"""The data: SQLAlchemy 2 typed declarative models."""

from sqlalchemy import inspect
from sqlalchemy.orm import Session

from .base import UTCDateTime, db, prepare_engine, utcnow
from .event import Delivery, Event
from .message import Message, Schedule
from .outgoing import Outgoing
from .process import Process
from .task import Task, task_link
from .user import BigId, Passwords, Role, User, check_permissions, create_user, roles_named
from .worker import Worker


def init_db() -> None:
    """Make the schema, the flows' own tables among it. May be repeated.

    The permissions of the flows are read from their declarations and need no rows.
    """
    db.create_all()


def schema_fault(session: Session) -> str | None:
    """What the database lacks of the schema that this code expects. None if it is all there."""
    there = set(inspect(session.connection()).get_table_names())
    missing = sorted(set(db.metadata.tables) - there)
    return f"missing: {', '.join(missing)}; portal init-db makes them" if missing else None


__all__ = [
    "BigId",
    "Delivery",
    "Event",
    "Message",
    "Outgoing",
    "Passwords",
    "Process",
    "Role",
    "Schedule",
    "Task",
    "UTCDateTime",
    "User",
    "Worker",
    "check_permissions",
    "create_user",
    "db",
    "init_db",
    "prepare_engine",
    "roles_named",
    "schema_fault",
    "task_link",
    "utcnow",
]
