"""The data: SQLAlchemy 2 typed declarative models."""

from .base import UTCDateTime, db, prepare_engine, utcnow
from .event import Delivery, Event
from .message import Message, Schedule
from .outgoing import Outgoing
from .process import Process
from .task import Task, task_link
from .user import BigId, Passwords, Role, User, check_permissions, create_user, roles_named


def init_db() -> None:
    """Make the schema, the flows' own tables among it. May be repeated.

    The permissions of the flows are read from their declarations and need no rows.
    """
    db.create_all()


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
    "check_permissions",
    "create_user",
    "db",
    "init_db",
    "prepare_engine",
    "roles_named",
    "task_link",
    "utcnow",
]
