"""Works on bulk operations: one of them for a while, then the next."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable

from sqlalchemy.orm import Session

from portal import queries
from portal.engine import operation_items
from portal.engine.retries import disturbance, report
from portal.errors import Uncertain
from portal.models import Operation, User
from portal.queries import Filters

log = logging.getLogger("portal.work")

#: seconds after which a worker looks for another operation
SECONDS = 2.0


def turn(session: Session, stopping: Callable[[], bool] = lambda: False) -> int:
    """Turn to one operation that is due. How many tasks or processes were turned to, and 1 for its end."""
    operation = operation_items.claim(session)
    if operation is None:
        return 0
    try:
        return _go_on(session, operation, stopping)
    except operation_items.Taken:
        session.rollback()
        return 1
    except Exception as error:
        if disturbance(error) is None and not isinstance(error, Uncertain):
            raise
        report(log, error, "operation %s was disturbed", operation.id)
        session.rollback()
        session.refresh(operation)
        operation_items.let_go(session, operation, over=False, after=operation_items.REST)
        return 1


def _go_on(session: Session, operation: Operation, stopping: Callable[[], bool]) -> int:
    until, turned = time.monotonic() + SECONDS, 0
    while True:
        ids = _next_ids(session, operation)
        if not ids:
            operation_items.let_go(session, operation, over=True)
            return turned + 1
        for target_id in ids:
            if stopping() or time.monotonic() > until:
                operation_items.let_go(session, operation, over=False)
                return turned
            operation_items.act(session, operation, target_id)
            turned += 1
            if operation.pause:
                return turned  # the next one has a moment of its own


def _next_ids(session: Session, operation: Operation) -> list[int]:
    filters = operation.scope.get("filters")
    if filters is None:
        found = operation_items.next_ids(session, operation)
    else:
        user = session.get_one(User, operation.user_id)
        wanted, part = Filters.of_document(filters), (operation.cursor, operation.last, operation_items.CHUNK)
        listed = operation.scope.get("list") or wanted.list_of_processes
        found = queries.ids(session, user, listed, wanted, *part)
    session.rollback()
    return found


def run(session: Session, operation_id: int) -> Operation:
    """Do an operation to its end here and now, as a command does it; other workers may help."""
    while True:
        operation = session.get_one(Operation, operation_id, populate_existing=True)
        state, scheduled = operation.state, operation.scheduled
        session.rollback()
        if state != "RUNNING":
            return operation
        wait = (scheduled - dt.datetime.now(dt.UTC)).total_seconds()
        if not turn(session):
            time.sleep(min(max(wait, 0.05), 1.0))
