"""The data: SQLAlchemy 2 typed declarative models."""

from .absence import Absence
from .anonymised import Anonymised
from .audit import AuditHead, AuditRow
from .base import Base, UTCDateTime, db, session_of, utcnow
from .bulk_undo import BulkUndo
from .comment import Comment, Follower
from .declaration import Declaration
from .draft import Draft, ParkedForm
from .engines import glance, prepare_engine, prepare_guest_engine
from .event import Event, SignalDelivery, SignalSubscription
from .external_identity import ExternalIdentity
from .helper import Helper
from .incident import Incident, IncidentTask
from .legal_hold import LegalHold
from .message import Message, Schedule
from .notice import CalendarFeed, Digest, Notice
from .operation import Operation, OperationRefusal
from .outgoing import Outgoing
from .process import Process
from .program import KeptAnswer, Token, hash_of, issue
from .received_mail import ReceivedMail
from .registries import demand_objects
from .report import DailyDuration, DailyFlow, DailyPerson, DailyStep, ReportCursor, ReportPath
from .saved_view import SavedView
from .schema import column_fault, gaps, init_db, is_not_ours, is_of_flows, schema_fault
from .second_factor import RecoveryCode, SecondFactor
from .session import adopt
from .sign_in import SignInAttempt, UserSession
from .start_key import StartKey
from .stored_file import StoredFile
from .task import Task, former_owner, task_link
from .turn import Turn
from .user import (
    BigId,
    Passwords,
    Role,
    User,
    check_permissions,
    create_user,
    find_person,
    find_user,
    find_who_signs_in,
    people_of_mail,
    roles_named,
    user_role,
)
from .worker import Worker

# The names that our classes say of each other are looked up now, before an author's class can have one of them.
Base.registry.configure()

__all__ = [
    "Absence", "Anonymised", "AuditHead", "AuditRow", "BigId", "BulkUndo", "CalendarFeed", "Comment",
    "DailyDuration", "DailyFlow", "DailyPerson", "DailyStep", "Declaration", "Digest", "Draft", "Event",
    "ExternalIdentity", "Follower", "Helper", "Incident", "IncidentTask", "KeptAnswer", "LegalHold", "Message",
    "Notice", "Operation", "OperationRefusal", "Outgoing", "ParkedForm", "Passwords", "Process", "ReceivedMail",
    "RecoveryCode", "ReportCursor", "ReportPath", "Role", "SavedView", "Schedule", "SecondFactor",
    "SignInAttempt", "SignalDelivery", "SignalSubscription", "StartKey", "StoredFile", "Task", "Token", "Turn",
    "UTCDateTime", "User", "UserSession", "Worker", "adopt", "check_permissions", "column_fault", "create_user",
    "db", "demand_objects", "find_person", "find_user", "find_who_signs_in", "former_owner", "gaps", "glance",
    "hash_of", "init_db", "is_not_ours", "is_of_flows", "issue", "people_of_mail", "prepare_engine",
    "prepare_guest_engine", "roles_named", "schema_fault", "session_of", "task_link", "user_role", "utcnow",
]  # fmt: skip
