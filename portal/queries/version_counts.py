"""The declarations with which a flow's processes were started: when, and how many of them."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Date, String, bindparam, case, cast, func, null, select, union_all
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
    days: dict[str, list[dt.date]] = defaultdict(list)
    started: dict[str, int] = defaultdict(int)
    still_open: dict[str, int] = defaultdict(int)
    up_to = None
    for row in session.execute(_counted_and_not(), {"label": label}):
        version, first, last, first_moment, last_moment, begun, reopened, ended, zone_name, left_out_after = (
            row
        )
        zone = tally.zone_of(zone_name) if zone_name else registry.current.calendar.timezone
        up_to = left_out_after or up_to
        days[version] += [day for day in (first, last) if day is not None]
        days[version] += [at.astimezone(zone).date() for at in (first_moment, last_moment) if at is not None]
        started[version] += begun
        still_open[version] += begun + reopened - ended
    found = [
        Version(version, min(on), max(on), started[version], still_open[version])
        for version, on in days.items()
        if on
    ]
    return sorted(found, key=lambda each: (each.first, each.last), reverse=True), up_to


@cache
def _counted_and_not() -> Any:
    """What workers have counted by day, and the newest events, which they have not: both as of one moment."""
    zone = select(ReportCursor.timezone).scalar_subquery()
    began = DailyFlow.started > 0
    behind = Event.id > func.coalesce(select(ReportCursor.event_id).scalar_subquery(), 0)
    last = select(Event.created).where(behind).order_by(Event.id).offset(UNCOUNTED - 1).limit(1)
    up_to = last.scalar_subquery()
    counted = (
        select(
            DailyFlow.version,
            func.min(case((began, DailyFlow.day))),
            func.max(case((began, DailyFlow.day))),
            cast(null(), UTCDateTime),
            cast(null(), UTCDateTime),
            func.sum(DailyFlow.started),
            func.sum(DailyFlow.reopened),
            func.sum(DailyFlow.finished + DailyFlow.cancelled + DailyFlow.failed),
            zone,
            up_to,
        )
        .where(DailyFlow.flow_label == bindparam("label", type_=String))
        .group_by(DailyFlow.version)
    )
    newest = select(Event).where(behind).order_by(Event.id).limit(UNCOUNTED).subquery()
    event, first = aliased(Event, newest), aliased(Task)
    over, was_over = (
        func.coalesce(state, "").in_(tally.ENDS) for state in (event.to_state, event.from_state)
    )
    starts = event.action == "start"
    version = func.coalesce(first.fingerprint, "")
    uncounted = (
        select(
            version,
            cast(null(), Date),
            cast(null(), Date),
            func.min(case((starts, event.created))),
            func.max(case((starts, event.created))),
            func.count(case((starts, 1))),
            func.count(case((was_over & ~over, 1))),
            func.count(case((over & ~was_over, 1))),
            zone,
            up_to,
        )
        .join(Process, Process.id == event.process_id)
        .outerjoin(first, (first.process_id == event.process_id) & (first.number == 1))
        .where(event.task_id.is_(None), Process.flow_label == bindparam("label", type_=String))
        .group_by(version)
    )
    return union_all(counted, uncounted)
