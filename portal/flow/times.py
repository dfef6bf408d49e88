"""Due moments, which an author gives as a timedelta, a datetime or a callable."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from portal.errors import Fault, FlowError
from portal.working_time import WorkingTime

from .reference import Expression, Reference
from .registry import registry
from .source import declared_here

#: what an `act` expression may give for a moment
MOMENTS = (dt.timedelta, dt.datetime)


def working(days: int = 0, hours: float = 0) -> WorkingTime:
    """A span of working time, for `.Due()`, `Timer()`, `.OnTimeout()` and `StartTimer()`: counted in the calendar
    of the portal (`PORTAL_CALENDAR`, `PORTAL_WORKING_HOURS`, `PORTAL_TIMEZONE`).

    Args:
        days: working days: the same time of day so many working days later.
        hours: working hours beyond them.

    Raises:
        FlowError: the span is negative, nothing, or no number.
    """
    wrong = (
        not isinstance(days, int)
        or not isinstance(hours, int | float)
        or days < 0
        or not 0 <= hours < 100_000
    )
    if wrong or not (days or hours):
        text = f"takes whole days and hours, as in working(days=2, hours=4), not {days!r} and {hours!r}"
        raise FlowError(faults=[Fault("flow.working", text, *declared_here())])
    return WorkingTime(days, hours)


def moment(value: Any, now: dt.datetime) -> dt.datetime | None:
    """A span from now, in time as such or in working time, or an aware moment as a moment."""
    if value is None:
        return None
    if isinstance(value, dt.timedelta):
        return now + value
    if isinstance(value, WorkingTime):
        return registry.current.calendar.after(now, value)
    if not isinstance(value, dt.datetime):
        raise TypeError(f"a moment is a timedelta or a datetime, not {type(value).__name__}")
    if value.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone; moments are timezone-aware")
    return value


def following(span: dt.timedelta | WorkingTime, last: dt.datetime, now: dt.datetime) -> dt.datetime:
    """The first moment after `now` of a beat that had one at `last`."""
    if isinstance(span, dt.timedelta):
        return last + span * ((now - last) // span + 1)
    after = registry.current.calendar.after
    coming = after(last, span)
    while coming <= now:
        coming = after(coming, span)
    return coming


def is_span(value: Any) -> bool:
    """Whether it is a span that takes some time."""
    if isinstance(value, WorkingTime):
        return bool(value.days or value.hours)
    return isinstance(value, dt.timedelta) and value > dt.timedelta()


def moment_faults(value: Any, where: str) -> Iterator[str]:
    if isinstance(value, dt.datetime) and value.tzinfo is None:
        yield f"{where} got a datetime without a time zone; add tzinfo=datetime.UTC"
    elif isinstance(value, dt.timedelta) and value < dt.timedelta():
        yield f"{where} got {value!r}, which lies behind; write timedelta(days={-value.days or 1})"
    elif not isinstance(
        value, dt.timedelta | WorkingTime | dt.datetime | Reference | Expression
    ) and not callable(value):
        days = value if isinstance(value, int | float) else 3
        yield f"{where} needs a timedelta, a datetime or a callable, not {value!r}; write timedelta(days={days})"
