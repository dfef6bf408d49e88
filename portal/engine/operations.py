"""Bulk operations in the background: one action on many tasks or processes, a transaction for each.

Workers share operations as they share jobs: who is at one has moved its moment ahead. Its cursor is committed with what
was done to the last one, so that a worker that is killed, or two at once, turn to none twice.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from portal.errors import PermissionDenied, PortalError, TransitionNotAllowed, Uncertain
from portal.language import locale, use
from portal.models import IncidentTask, Operation, OperationRefusal, Process, Task, User

from . import actions, reasons, writes
from .moving_clock import clock
from .process_actions import cancel_process, resume, retry, suspend, withdraw
from .retries import disturbance, persist
from .transaction import transaction, wake
from .versions import migration

log = logging.getLogger("portal.engine")

#: how long nobody else takes an operation that a worker is at, from one to the next
LEASE = dt.timedelta(seconds=30)
#: how long an operation is left alone that the database has disturbed
REST = dt.timedelta(seconds=5)
#: ids are read so many at a time
CHUNK = 50

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
_TASK_ACTIONS = {
    "retry": "revive", "skip": "skip", "cancel": "cancel", "assign": "assign", "unassign": "unassign",
    "reassign": "reassign", "undo": "undo", "revive": "revive", "due": "change_due", "priority": "change_priority",
    "snooze": "snooze",
}  # fmt: skip
ACTIONS = {"task": tuple(_TASK_ACTIONS), "process": tuple(PROCESS_ACTIONS)}
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


class Taken(Exception):
    """Another worker has gone on with the operation, or somebody has ended it."""


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


# -- the workers -------------------------------------------------------------------------------------------------


def claim(session: Session) -> Operation | None:
    """Take an operation that is due, the oldest moment first, and commit. None if there is none."""
    now = clock.get()()
    due = select(Operation).where(Operation.state == "RUNNING", Operation.scheduled <= now)
    due = due.order_by(Operation.scheduled).limit(1)
    session.rollback()
    if session.scalar(due.with_only_columns(Operation.id)) is None:
        session.rollback()
        return None
    writes.begin(session)
    query = due.with_for_update(skip_locked=True, of=Operation).execution_options(populate_existing=True)
    found = session.scalars(query).first()
    if found is not None:
        found.scheduled = now + LEASE
        user = None if found.user_id is None else session.get_one(User, found.user_id)
        if user is not None and not user.is_active:  # who may do nothing does nothing in the background
            found.state, found.finished = "CANCELED", now
            found = None
    session.commit()
    return found


def next_ids(session: Session, operation: Operation) -> list[int]:
    """The next ids of a group of incidents, or of those that were named; those of a list are read elsewhere."""
    if (key := operation.scope.get("incident")) is not None:
        query = select(IncidentTask.task_id).where(
            IncidentTask.incident_key == key,
            IncidentTask.closed.is_(None),
            IncidentTask.task_id > operation.cursor,
            IncidentTask.task_id <= operation.last,
        )
        return list(session.scalars(query.order_by(IncidentTask.task_id).limit(CHUNK)))
    ids: Sequence[int] = operation.scope.get("ids", ())
    return sorted(each for each in ids if each > operation.cursor)[:CHUNK]


def act(session: Session, operation: Operation, target_id: int) -> None:
    """Turn to one of an operation: the action and the cursor are one transaction. What is refused is told in the
    language in which the operation was asked for.

    Raises:
        Taken: nothing was done here.
        TransientError: the database was in the way, and nothing was done.
    """
    with use(operation.scope.get("language")):
        _turn_to(session, operation, target_id)


def _turn_to(session: Session, operation: Operation, target_id: int) -> None:
    key = Key(operation.id, operation.cursor)
    user_id, action, target, reason = operation.user_id, operation.action, operation.target, operation.reason
    given = operation.scope.get("given")
    next_moment = LEASE if not operation.pause else dt.timedelta(milliseconds=operation.pause)
    try:
        persist(
            session,
            lambda: _act(session, key, user_id, action, target, target_id, reason, given, next_moment),
        )
    except (PortalError, LookupError) as refusal:
        if disturbance(refusal) is not None or isinstance(refusal, Uncertain):
            raise
        _refuse(session, key, target_id, str(refusal), next_moment)
    except Taken:
        raise
    except Exception as error:
        if disturbance(error) is not None:
            raise
        log.exception("operation %s failed at %s %s", key.operation_id, target, target_id)
        _refuse(session, key, target_id, f"{type(error).__name__}: {error}", next_moment)
    session.refresh(operation)
    session.rollback()


@dataclass(frozen=True, slots=True)
class Key:
    """An operation as far as it was: who finds it further has been overtaken."""

    operation_id: int
    cursor: int


def _act(
    session: Session,
    key: Key,
    user_id: int | None,
    action: str,
    target: str,
    target_id: int,
    reason: str,
    given: Any,
    next_moment: dt.timedelta,
) -> None:
    where: dict[str, Any] = {target: target_id}
    with transaction(session, user_id, **where):
        if target == "process":
            more = (given,) if action == "migrate" else ()
            told = PROCESS_ACTIONS[action](session, target_id, user_id, reason, *more)
            if action == "retry" and not told.fresh:
                raise TransitionNotAllowed(told.refused[0])
        else:
            with actions.activation(session, target_id, user_id) as activation:
                if action == "reassign" and activation.task.status == "NEW":
                    action = "assign"  # to whoever was chosen
                arguments = _arguments(session, action, given)
                getattr(activation, _TASK_ACTIONS[action])(*arguments, reason=reason)
        _advance(session, key, target_id, next_moment, done=Operation.done + 1)


def _arguments(session: Session, action: str, given: Any) -> tuple[Any, ...]:
    """The arguments of an action, from the values that the operation stores."""
    if action in ("assign", "reassign"):
        return (session.get_one(User, given),)
    if action in ("due", "snooze"):
        return (None if given is None else dt.datetime.fromisoformat(given),)
    return (given or 0,) if action == "priority" else ()


def _refuse(session: Session, key: Key, target_id: int, words: str, next_moment: dt.timedelta) -> None:
    with writes.writing(session):
        _advance(session, key, target_id, next_moment, refused=Operation.refused + 1)
        session.add(OperationRefusal(operation_id=key.operation_id, target_id=target_id, words=words[:1000]))


def _advance(session: Session, key: Key, target_id: int, next_moment: dt.timedelta, **values: Any) -> None:
    moment = clock.get()() + next_moment
    mine = update(Operation).where(
        Operation.id == key.operation_id, Operation.cursor == key.cursor, Operation.state == "RUNNING"
    )
    if not writes.run(session, mine.values(cursor=target_id, scheduled=moment, **values)).rowcount:
        raise Taken


def let_go(
    session: Session, operation: Operation, *, over: bool, after: dt.timedelta = dt.timedelta()
) -> None:
    """Release an operation for the next worker, or end it where nothing is left."""
    now = clock.get()()
    mine = update(Operation).where(
        Operation.id == operation.id, Operation.cursor == operation.cursor, Operation.state == "RUNNING"
    )
    values = {"state": "DONE", "finished": now} if over else {"scheduled": now + after}
    writes.execute(session, mine.values(**values))
