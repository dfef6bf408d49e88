"""The data: SQLAlchemy 2 typed declarative models."""

from .base import UTCDateTime, db, prepare_engine, session_of, utcnow
from .draft import Draft, ParkedForm
from .event import Delivery, Event
from .message import Message, Schedule
from .outgoing import Outgoing
from .process import Process
from .schema import gaps, init_db, is_of_flows, schema_fault
from .start_key import StartKey
from .task import Task, task_link
from .user import BigId, Passwords, Role, User, check_permissions, create_user, roles_named
from .worker import Worker

__all__ = [
    "BigId",
    "Delivery",
    "Draft",
    "Event",
    "Message",
    "Outgoing",
    "ParkedForm",
    "Passwords",
    "Process",
    "Role",
    "Schedule",
    "StartKey",
    "Task",
    "UTCDateTime",
    "User",
    "Worker",
    "check_permissions",
    "create_user",
    "db",
    "gaps",
    "init_db",
    "is_of_flows",
    "prepare_engine",
    "roles_named",
    "schema_fault",
    "session_of",
    "task_link",
    "utcnow",
]
