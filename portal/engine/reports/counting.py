"""Keeps the counts of reports up to date: the next events of the history, in their order, each once.

Numbers of events are given out before they are committed. On PostgreSQL an event may therefore appear behind the one
that was counted last. So a worker first notes the last event that it sees and which transactions run; only when all of
those have ended is everything up to that event there to be counted. An action has written before it writes its events,
so that its transaction is among those. SQLite lets one transaction write at a time.
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Text, cast, delete, func, select, update
from sqlalchemy.orm import Session

from portal.flow.registry import registry
from portal.models import Event, ReportCursor, ReportPath, utcnow

from .. import writes
from . import tally

#: events that one transaction counts
BATCH = 1000
#: so many events are counted at once, fewer when the first of them is so old: each turn costs something itself, and
#: reports add what is not counted yet
WORTH, LATEST = 500, dt.timedelta(seconds=60)


def turn(session: Session, limit: int = BATCH) -> int:
    """Count the next events. How many those were; 0 also where another worker counts just now.

    A worker that dies on the way leaves the counts and the cursor as they were, together.
    """
    if not _is_behind(session):
        return 0
    with writes.writing(session):
        cursor = session.scalars(_cursor().with_for_update(skip_locked=True)).first()
        return 0 if cursor is None else _count_on(session, cursor, limit)


def sweep(session: Session) -> int:
    """`turn`, where that is worth it. How many were counted; 0 where none are left."""
    first = select(Event.created).where(Event.id > ReportCursor.event_id).order_by(Event.id).limit(1)
    newest = select(func.max(Event.id)).scalar_subquery()
    query = select(ReportCursor.event_id, newest, first.scalar_subquery()).where(ReportCursor.id == 1)
    row = session.execute(query).first()
    session.rollback()
    if row is not None and (row[2] is None or (row[1] - row[0] < WORTH and row[2] > utcnow() - LATEST)):
        return 0
    counted = turn(session)
    return counted if counted == BATCH else 0


def rebuild(session: Session) -> None:
    """Throw the counts away, so that workers and `turn` count the whole history anew, in the days of the calendar that
    is set now."""
    with writes.writing(session):
        session.scalars(_cursor().with_for_update()).first()
        for model in (*tally.TABLES, ReportPath):
            writes.run(session, delete(model))
        start = {"event_id": 0, "settled_id": 0, "fence": 0, "timezone": _timezone()}
        if not writes.run(session, update(ReportCursor).values(start)).rowcount:
            session.add(ReportCursor(id=1, **start))


def rename(session: Session, old: str, new: str) -> None:
    """Add the counts of a flow to those of another one, in the transaction that moves its processes."""
    session.scalars(_cursor().with_for_update()).first()  # nobody counts meanwhile
    for model in tally.TABLES:
        table = model.__table__
        query = select(*table.c).where(table.c.flow_label == old)
        rows = [{**row, "flow_label": new} for row in session.execute(query).mappings()]
        if rows:
            session.execute(_adding(writes.inserting(session), model), rows)
            session.execute(delete(table).where(table.c.flow_label == old))


def _cursor() -> Any:
    return select(ReportCursor).where(ReportCursor.id == 1)


def _timezone() -> str:
    return registry.current.calendar.timezone.key or "UTC"


def _is_behind(session: Session) -> bool:
    """Whether there is anything to count; most often there is not. Makes the cursor where there is none."""
    newest = select(func.max(Event.id)).scalar_subquery()
    row = session.execute(select(ReportCursor.event_id, newest).where(ReportCursor.id == 1)).first()
    if row is None:
        first = writes.insert(session, ReportCursor).values(
            id=1, event_id=0, settled_id=0, fence=0, timezone=_timezone()
        )
        writes.execute(session, first.on_conflict_do_nothing())
        return True
    session.rollback()
    return row[1] is not None and row[1] > row[0]


def _count_on(session: Session, cursor: ReportCursor, limit: int) -> int:
    if session.get_bind().dialect.name == "postgresql":
        settled = _settled(session, cursor)
    else:
        settled = session.scalar(select(func.max(Event.id))) or 0
    if settled <= cursor.event_id:
        return 0
    events = tally.read(session, cursor.event_id, settled, limit)
    _write(session, tally.tally(session, events, tally.zone_of(cursor.timezone)))
    cursor.event_id = events[-1].id if len(events) == limit else settled
    return len(events)


def _settled(session: Session, cursor: ReportCursor) -> int:
    """Up to which event nothing can appear any more."""
    snapshot = func.pg_current_snapshot()
    oldest, next_one = (
        cast(cast(each(snapshot), Text), BigInteger)
        for each in (func.pg_snapshot_xmin, func.pg_snapshot_xmax)
    )
    running_from, running_to, newest = session.execute(
        select(oldest, next_one, select(func.max(Event.id)).scalar_subquery())
    ).one()
    settled = cursor.event_id
    if running_from >= cursor.fence:
        settled = max(settled, cursor.settled_id)
        cursor.settled_id, cursor.fence = newest or 0, running_to
    return settled


def _write(session: Session, counted: tally.Tally) -> None:
    # in the order of the keys, though whoever writes holds the cursor: two rows are never waited for crosswise
    for model, (keys, _) in tally.TABLES.items():
        rows = sorted(counted.of(model), key=lambda row: tuple(map(str, (row[key] for key in keys))))
        if rows:
            session.execute(_adding(writes.inserting(session), model), rows)
    if counted.paths:
        ways = [{"key": key, "steps": steps, "ending": end} for key, (steps, end) in counted.paths.items()]
        insert = writes.inserting(session)
        session.execute(insert(ReportPath.__table__).on_conflict_do_nothing(), ways)


@cache
def _adding(insert: Any, model: Any) -> Any:
    """A statement that adds to rows of a table, or makes them. It is given one row after the other: a statement with
    as many values as there are rows would be compiled anew each time."""
    keys, numbers = tally.TABLES[model]
    statement = insert(model.__table__)
    added = {name: model.__table__.c[name] + statement.excluded[name] for name in numbers}
    return statement.on_conflict_do_update(index_elements=list(keys), set_=added)


def count_all(session: Session) -> int:
    """Count until nothing is left that is settled. How many events this call has counted."""
    counted = 0
    for _ in range(2):  # on PostgreSQL the first look only sets the fence
        while number := turn(session, BATCH):
            counted += number
    return counted
