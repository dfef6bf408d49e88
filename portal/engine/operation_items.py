"""The items of a bulk operation, each done by a worker in a transaction of its own.

Workers share operations as they share jobs: who is at one has moved its moment ahead. Its cursor is committed with what
was done to the last item, so that a worker that is killed, or two at once, turn to none twice.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal.errors import PortalError, TransitionNotAllowed, Uncertain
from portal.language import use
from portal.models import IncidentTask, Operation, OperationRefusal, User

from . import actions, writes
from .moving_clock import clock
from .operations import PROCESS_ACTIONS, TASK_ACTIONS
from .retries import disturbance, persistent
from .transaction import transaction

log = logging.getLogger("portal.engine")

#: how long nobody else takes an operation that a worker is at, from one to the next
LEASE = dt.timedelta(seconds=30)
#: how long an operation is left alone that the database has disturbed
REST = dt.timedelta(seconds=5)
#: ids are read so many at a time
CHUNK = 50


class Taken(Exception):
    """Another worker has gone on with the operation, or somebody has ended it."""


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


@dataclass(frozen=True, slots=True)
class _Item:
    """One task or process of an operation, and what is done to it: read ahead of the transactions that follow.

    Attributes:
        cursor: how far the operation was: who finds it further has been overtaken.
        span: until somebody turns to the next one.
    """

    operation_id: int
    cursor: int
    user_id: int | None
    action: str
    target: str
    id: int
    reason: str
    given: Any
    span: dt.timedelta

    @classmethod
    def of(cls, operation: Operation, target_id: int) -> _Item:
        span = dt.timedelta(milliseconds=operation.pause) if operation.pause else LEASE
        return cls(
            operation.id,
            operation.cursor,
            operation.user_id,
            operation.action,
            operation.target,
            target_id,
            operation.reason,
            operation.scope.get("given"),
            span,
        )


def _turn_to(session: Session, operation: Operation, target_id: int) -> None:
    item = _Item.of(operation, target_id)
    try:
        _act(session, item)
    except Taken:
        raise
    except Exception as error:
        if disturbance(error) is not None or isinstance(error, Uncertain):
            raise
        if isinstance(error, PortalError | LookupError):
            _refuse(session, item, str(error))
        else:
            log.exception("operation %s failed at %s %s", item.operation_id, item.target, item.id)
            _refuse(session, item, f"{type(error).__name__}: {error}")
    session.refresh(operation)
    session.rollback()


@persistent
def _act(session: Session, item: _Item) -> None:
    where: dict[str, Any] = {item.target: item.id}
    with transaction(session, item.user_id, **where):
        if item.target == "process":
            more = (item.given,) if item.action == "migrate" else ()
            found = PROCESS_ACTIONS[item.action](session, item.id, item.user_id, item.reason, *more)
            if item.action == "retry" and not found.fresh:
                raise TransitionNotAllowed(found.refused[0])
        else:
            with actions.activation(session, item.id, item.user_id) as activation:
                action = item.action
                if action == "reassign" and activation.task.status == "NEW":
                    action = "assign"  # to whoever was chosen
                arguments = _arguments(session, action, item.given)
                getattr(activation, TASK_ACTIONS[action])(*arguments, reason=item.reason)
        _advance(session, item, done=Operation.done + 1)


def _arguments(session: Session, action: str, given: Any) -> tuple[Any, ...]:
    """The arguments of an action, from the values that the operation stores."""
    if action in ("assign", "reassign"):
        return (session.get_one(User, given),)
    if action in ("due", "snooze"):
        return (None if given is None else dt.datetime.fromisoformat(given),)
    return (given or 0,) if action == "priority" else ()


def _refuse(session: Session, item: _Item, words: str) -> None:
    with writes.writing(session):
        _advance(session, item, refused=Operation.refused + 1)
        session.add(OperationRefusal(operation_id=item.operation_id, target_id=item.id, words=words[:1000]))


def _advance(session: Session, item: _Item, **values: Any) -> None:
    mine = update(Operation).where(
        Operation.id == item.operation_id, Operation.cursor == item.cursor, Operation.state == "RUNNING"
    )
    mine = mine.values(cursor=item.id, scheduled=clock.get()() + item.span, **values)
    if not writes.run(session, mine).rowcount:
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
