"""Reads the counts of days, and adds what workers have not counted yet: a report is right to the second."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.engine.reports import tally
from portal.flow.registry import registry
from portal.models import ReportCursor

Found = TypeVar("Found")

#: events that a report counts by itself; where workers are further behind, it says up to when it counts
UNCOUNTED = 2000
#: how often a report is read anew because a worker has counted on meanwhile
_TRIES = 5


@dataclass(frozen=True)
class Counts:
    """The counts as they are at one moment.

    Attributes:
        zone: in which the days are meant.
        up_to: later events are not in it; None if all are.
    """

    session: Session
    zone: zoneinfo.ZoneInfo
    uncounted: tally.Tally
    up_to: dt.datetime | None

    def sums(
        self,
        model: Any,
        by: Sequence[str],
        labels: Sequence[str],
        since: dt.date | None,
        until: dt.date,
        version: str = "",
        **only: Any,
    ) -> dict[tuple[Any, ...], Counter[str]]:
        """The sums of each count of a table.

        Args:
            by: the columns by which they are apart.
            labels: the flows.
            since, until: the first and the last day; None is the beginning.
            version: only of this fingerprint.
            only: values of further columns.
        """
        names = tally.TABLES[model][1]
        columns = [getattr(model, name) for name in by]
        query = select(*columns, *(func.sum(getattr(model, name)) for name in names))
        query = query.where(model.flow_label.in_(labels), model.day <= until)
        if since is not None:
            query = query.where(model.day >= since)
        exact = dict(only, **({"version": version} if version else {}))
        query = query.where(*(getattr(model, name) == value for name, value in exact.items()))
        found: dict[tuple[Any, ...], Counter[str]] = {}
        for row in self.session.execute(query.group_by(*columns)):
            found[tuple(row[: len(by)])] = Counter(
                {name: int(number) for name, number in zip(names, row[len(by) :], strict=True)}
            )
        for each in self.uncounted.of(model):
            fits = each["flow_label"] in labels and (since or dt.date.min) <= each["day"] <= until
            if fits and all(each[name] == value for name, value in exact.items()):
                sums = found.setdefault(tuple(each[name] for name in by), Counter())
                sums.update({name: each[name] for name in names})
        return found


def reading(session: Session, read: Callable[[Counts], Found]) -> Found:
    """Read counts while workers count on: what is read fits together.

    Args:
        read: called with the counts, again where they have changed meanwhile.
    """
    for _ in range(_TRIES):
        before, zone = _cursor(session)
        events = tally.read(session, before, None, UNCOUNTED)
        up_to = events[-1].created if len(events) == UNCOUNTED else None
        found = read(Counts(session, zone, tally.tally(session, events, zone), up_to))
        if _cursor(session)[0] == before:
            break
    return found


def _cursor(session: Session) -> tuple[int, zoneinfo.ZoneInfo]:
    row = session.execute(select(ReportCursor.event_id, ReportCursor.timezone)).first()
    return (0, registry.current.calendar.timezone) if row is None else (row[0], tally.zone_of(row[1]))


def today(session: Session, now: dt.datetime) -> dt.date:
    """The day of the counts."""
    return now.astimezone(_cursor(session)[1]).date()


def days(since: dt.date, until: dt.date) -> Iterator[dt.date]:
    for number in range((until - since).days + 1):
        yield since + dt.timedelta(days=number)


def buckets(
    sums: dict[tuple[Any, ...], Counter[str]], where: Callable[[tuple[Any, ...]], bool]
) -> Counter[int]:
    """The buckets of spans whose key fits; the last part of a key is the bucket."""
    found: Counter[int] = Counter()
    for key, numbers in sums.items():
        if where(key):
            found[key[-1]] += numbers["number"]
    return found
