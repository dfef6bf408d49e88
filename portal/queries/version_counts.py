"""The declarations with which a flow's processes were started: when, and how many of them."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Date, String, bindparam, case, cast, func, literal, null, select, union_all
from sqlalchemy.orm import Session, aliased

from portal.engine.reports import tally
from portal.flow.registry import registry
from portal.models import DailyFlow, Event, Process, ReportCursor, Task, UTCDateTime

#: events that are looked at beside the counts of days; where workers are further behind, it says up to when it counts
UNCOUNTED = 2000


@dataclass(frozen=True)
class Version:
    """A declaration with which processes were started, and when."""

    fingerprint: str
    first: dt.date
    last: dt.date
    started: int
    #: how many of these processes are not over
    open: int


def versions(session: Session, label: str) -> tuple[list[Version], dt.datetime | None]:
    """The declarations with which a flow's processes were started, the newest first, in one statement; and up to when
    it counts, None if nothing is left out."""
    parts: dict[str, list[Any]] = defaultdict(list)
    for row in session.execute(_counted_and_not(), {"label": label}):
        parts[row.version].append(row)
    [about] = parts.pop("about")
    zone = tally.zone_of(about.zone) if about.zone else registry.current.calendar.timezone
    found = []
    for version, rows in parts.items():
        days = [day for row in rows for day in (row.first_day, row.last_day) if day is not None]
        moments = [at for row in rows for at in (row.first, row.last) if at is not None]
        if days := days + [at.astimezone(zone).date() for at in moments]:
            started = sum(row.started for row in rows)
            still_open = started + sum(row.reopened - row.ended for row in rows)
            found.append(Version(version, min(days), max(days), started, still_open))
    return sorted(
        found, key=lambda each: (each.first, each.last, each.fingerprint), reverse=True
    ), about.first


@cache
def _counted_and_not() -> Any:
    """What workers have counted by day, and the newest events, which they have not: both as of one moment. And a row
    with the zone of the days, and up to when it counts."""
    label = bindparam("label", type_=String)
    no_day, no_moment, no_zone = cast(null(), Date), cast(null(), UTCDateTime), cast(null(), String)
    behind = Event.id > func.coalesce(select(ReportCursor.event_id).scalar_subquery(), 0)
    last = select(Event.created).where(behind).order_by(Event.id).offset(UNCOUNTED - 1).limit(1)
    about = select(
        literal("about").label("version"),
        no_day.label("first_day"),
        no_day.label("last_day"),
        last.scalar_subquery().label("first"),
        no_moment.label("last"),
        literal(0).label("started"),
        literal(0).label("reopened"),
        literal(0).label("ended"),
        select(ReportCursor.timezone).scalar_subquery().label("zone"),
    )
    began = case((DailyFlow.started > 0, DailyFlow.day))
    counted = select(
        DailyFlow.version,
        func.min(began),
        func.max(began),
        no_moment,
        no_moment,
        func.sum(DailyFlow.started),
        func.sum(DailyFlow.reopened),
        func.sum(DailyFlow.finished + DailyFlow.cancelled + DailyFlow.failed),
        no_zone,
    )
    counted = counted.where(DailyFlow.flow_label == label).group_by(DailyFlow.version)
    newest = select(Event).where(behind).order_by(Event.id).limit(UNCOUNTED).subquery()
    event, first = aliased(Event, newest), aliased(Task)
    over, was_over = (func.coalesce(each, "").in_(tally.ENDS) for each in (event.to_state, event.from_state))
    start = case((event.action == "start", event.created))
    version = func.coalesce(first.fingerprint, "")
    uncounted = (
        select(
            version,
            no_day,
            no_day,
            func.min(start),
            func.max(start),
            func.count(start),
            func.count(case((was_over & ~over, 1))),
            func.count(case((over & ~was_over, 1))),
            no_zone,
        )
        .join(Process, Process.id == event.process_id)
        .outerjoin(first, (first.process_id == event.process_id) & (first.number == 1))
        .where(event.task_id.is_(None), Process.flow_label == label)
        .group_by(version)
    )
    return union_all(about, counted, uncounted)
