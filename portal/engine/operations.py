"""Bulk operations in the background: one action on many tasks or processes, a transaction for each.

`operation_items` is what workers do with them.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.errors import PermissionDenied, PortalError, TransitionNotAllowed
from portal.language import locale
from portal.models import Operation, Process, Task, User

from . import reasons, writes
from .moving_clock import clock
from .process_actions import cancel_process, resume, retry, suspend, withdraw
from .transaction import wake
from .versions import migration

log = logging.getLogger("portal.engine")

#: the function for each, which takes a session, a process, a user and a reason
PROCESS_ACTIONS: dict[str, Callable[..., Any]] = {
    "cancel": cancel_process,
    "suspend": suspend,
    "resume": resume,
    "withdraw": withdraw,
    "retry": retry,
    "migrate": migration.migrate,
}
#: the method of an activation for each
TASK_ACTIONS = {
    "retry": "revive", "skip": "skip", "cancel": "cancel", "assign": "assign", "unassign": "unassign",
    "reassign": "reassign", "undo": "undo", "revive": "revive", "due": "change_due", "priority": "change_priority",
    "snooze": "snooze",
}  # fmt: skip
ACTIONS = {"task": tuple(TASK_ACTIONS), "process": tuple(PROCESS_ACTIONS)}
#: what its author may do with an operation: from which states it leads where
STEPS = {
    "pause": (("RUNNING",), "PAUSED"),
    "resume": (("PAUSED",), "RUNNING"),
    "cancel": (("RUNNING", "PAUSED"), "CANCELED"),
}


@dataclass(frozen=True, slots=True)
class Scope:
    """Which ones: the tasks of a group that are failed now, these ids, or what matches the filters of a list.

    Attributes:
        kind: `incident`, `ids` or `filters`.
        listed: the name of that list.
        given: what the action is given beside each: the id of a person, a number, a moment, or the steps at which
            processes continue by those that they leave.
    """

    kind: str
    value: Any
    listed: str = ""
    given: int | dt.datetime | Mapping[str, str] | None = None

    @property
    def document(self) -> dict[str, Any]:
        given = self.given.isoformat() if isinstance(self.given, dt.datetime) else self.given
        more = {"list": self.listed, "given": given}
        return {self.kind: self.value} | {
            key: value for key, value in more.items() if value not in ("", None)
        }


def begin(
    session: Session,
    user: User | None,
    action: str,
    target: str,
    scope: Scope,
    *,
    total: int,
    reason: str = "",
    over: dt.timedelta = dt.timedelta(),
) -> int:
    """Begin an operation. Its id.

    Args:
        user: in whose name; None is the system, which may do everything.
        target: whose ids these are: task or process.
        total: how many there are.
        over: the time over which they are spread; none for one after the other.

    Raises:
        PortalError: there is no such action, or the reason cannot be kept.
    """
    if action not in ACTIONS.get(target, ()):
        raise PortalError(f"there is no action {action!r} on many {target}s")
    if over < dt.timedelta():
        raise PortalError("the time over which they are spread is not negative")
    text, user_id = reasons.checked(reason), None if user is None else user.id
    writes.begin(session)
    now = clock.get()()
    last = session.scalar(select(func.max((Task if target == "task" else Process).id))) or 0
    document = {**scope.document, "language": str(locale())}
    made = Operation(
        action=action, target=target, scope=document, reason=text, user_id=user_id, created=now,
        state="RUNNING", scheduled=now, last=last, total=total, cursor=0, done=0, refused=0,
        pause=int(over.total_seconds() * 1000 / max(total, 1)),
    )  # fmt: skip
    session.add(made)
    session.flush()
    operation_id = made.id
    session.commit()
    wake()
    return operation_id


def steer(session: Session, operation_id: int, step: str, user: User) -> str:
    """Pause an operation, go on with it, or cancel it. The state that it has then.

    Raises:
        LookupError: there is none.
        PermissionDenied: it is somebody else's.
        TransitionNotAllowed: it is over, or in that state already.
    """
    source, state = STEPS[step]
    with writes.writing(session):
        found = session.get(Operation, operation_id, with_for_update=True, populate_existing=True)
        if found is None:
            raise LookupError("there is no such operation")
        if not may_steer(user, found):
            raise PermissionDenied("only who began an operation may do this")
        if found.state not in source:
            raise TransitionNotAllowed(f"cannot {step} this operation: it is {found.state.lower()}")
        found.state, found.scheduled = state, clock.get()()
        found.finished = found.scheduled if state == "CANCELED" else None
    if state == "RUNNING":
        wake()
    return state


def may_steer(user: User, operation: Operation) -> bool:
    return operation.user_id == user.id or user.can("admin")
