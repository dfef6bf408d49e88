"""Working time: working days and hours, without nights, week-ends and holidays."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

#: from when to when, in the calendar's own time zone; None is the end of the day
Hours = tuple[tuple[dt.time, dt.time | None], ...]
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
OFFICE_HOURS = "Mon-Fri 08:00-12:00 13:00-17:00"
#: beyond so many days without work a calendar is taken for a mistake
_LONGEST_BREAK = 3 * 366


@dataclass(frozen=True)
class WorkingTime:
    """A span of working time.

    Args:
        days: working days: the same time of day so many working days later.
        hours: working hours beyond them.
    """

    days: int = 0
    hours: float = 0

    def __str__(self) -> str:
        parts = [
            f"{self.days} working day{'s' if self.days != 1 else ''}" if self.days else "",
            f"{self.hours:g} working hour{'s' if self.hours != 1 else ''}"
            if self.hours or not self.days
            else "",
        ]
        return " ".join(filter(None, parts))


@dataclass(frozen=True)
class WorkingCalendar:
    """When an office works.

    Args:
        week: the hours of each weekday, Monday first.
        timezone: in which the hours are meant.
        holidays: days on which nobody works.
        half_days: days of which only the first half of the hours is worked.
    """

    week: tuple[Hours, ...] = field(default_factory=lambda: parse_hours(OFFICE_HOURS))
    timezone: zoneinfo.ZoneInfo = field(default_factory=lambda: zoneinfo.ZoneInfo("UTC"))
    holidays: Container[dt.date] = frozenset()
    half_days: Container[dt.date] = frozenset()

    def after(self, start: dt.datetime, span: WorkingTime) -> dt.datetime:
        """The moment a span of working time after another one.

        It counts from the first working moment at or after the start. Where a later day has no work at that time of
        day, its next working moment counts, or the end of its work.

        Args:
            start: an aware moment.

        Returns:
            An aware moment, in UTC.
        """
        moment = self._next(start)
        if span.days:
            local = moment.astimezone(self.timezone)
            moment = self._within(self._later_day(local.date(), span.days), local.time())
        return self._plus(moment, dt.timedelta(hours=span.hours)) if span.hours else moment

    def between(self, start: dt.datetime, end: dt.datetime) -> WorkingTime:
        """The working time from one moment to a later one: whole working days, and the hours beyond them."""
        begin = self._next(start)
        if begin >= end:
            return WorkingTime()
        first, last = (each.astimezone(self.timezone).date() for each in (begin, end))
        ahead = (first + dt.timedelta(n) for n in range(1, (last - first).days + 1))
        days = sum(bool(self._worked(day)) for day in ahead)
        while days and self.after(start, WorkingTime(days)) > end:
            days -= 1
        reached = self.after(start, WorkingTime(days))
        seconds = 0.0
        for opens, closes in self._spans(reached):
            if opens >= end:
                break
            seconds += (min(closes, end) - max(opens, reached)).total_seconds()
        return WorkingTime(days, seconds / 3600)

    def _next(self, moment: dt.datetime) -> dt.datetime:
        opens, _closes = next(self._spans(moment))
        return max(opens, moment.astimezone(dt.UTC))

    def _plus(self, moment: dt.datetime, left: dt.timedelta) -> dt.datetime:
        for opens, closes in self._spans(moment):
            begin = max(opens, moment)
            if left <= closes - begin:
                return begin + left
            left -= closes - begin
        raise AssertionError("the spans of a calendar have no end")

    def _later_day(self, day: dt.date, count: int) -> dt.date:
        while count:
            day = next(self._working_days(day + dt.timedelta(1)))
            count -= 1
        return day

    def _within(self, day: dt.date, time: dt.time) -> dt.datetime:
        """This time of a working day; where it is free, the next working moment of the day or the end of its work."""
        wanted = dt.datetime.combine(day, time, self.timezone).astimezone(dt.UTC)
        worked = self._worked(day)
        for opens, closes in worked:
            if wanted <= closes:
                return max(opens, wanted)
        return worked[-1][1]

    def _spans(self, moment: dt.datetime) -> Iterator[tuple[dt.datetime, dt.datetime]]:
        """The spans of work that end after a moment, in UTC."""
        for day in self._working_days(moment.astimezone(self.timezone).date()):
            yield from ((opens, closes) for opens, closes in self._worked(day) if closes > moment)

    def _working_days(self, day: dt.date) -> Iterator[dt.date]:
        idle = 0
        while idle < _LONGEST_BREAK:
            if self._worked(day):
                yield day
                idle = 0
            day += dt.timedelta(1)
            idle += 1
        raise ValueError(f"the working calendar has no working day in the three years before {day}")

    def _worked(self, day: dt.date) -> list[tuple[dt.datetime, dt.datetime]]:
        """From when to when a day is worked, in UTC."""
        if day in self.holidays:
            return []
        midnight = dt.datetime.combine(day + dt.timedelta(1), dt.time(), self.timezone)
        spans = [
            (
                dt.datetime.combine(day, opens, self.timezone).astimezone(dt.UTC),
                (midnight if closes is None else dt.datetime.combine(day, closes, self.timezone)).astimezone(
                    dt.UTC
                ),
            )
            for opens, closes in self.week[day.weekday()]
        ]
        spans = [
            (opens, closes) for opens, closes in spans if opens < closes
        ]  # a clock that is put forward skips some
        return _first_half(spans) if day in self.half_days else spans


def _first_half(spans: list[tuple[dt.datetime, dt.datetime]]) -> list[tuple[dt.datetime, dt.datetime]]:
    left = sum((closes - opens for opens, closes in spans), dt.timedelta()) / 2
    kept = []
    for opens, closes in spans:
        if left > dt.timedelta():
            kept.append((opens, min(closes, opens + left)))
            left -= closes - opens
    return kept


def parse_hours(text: str) -> tuple[Hours, ...]:
    """Read working hours such as `Mon-Thu 08:00-12:00 13:00-17:00; Fri 08:00-14:00`.

    Returns:
        The hours of each weekday, Monday first.

    Raises:
        ValueError: with what cannot be read.
    """
    week: list[Hours] = [()] * 7
    for part in filter(None, (part.strip() for part in text.split(";"))):
        days, *spans = part.split()
        if not spans:
            raise ValueError(f"{part!r} says no hours; write them as in {OFFICE_HOURS}")
        hours = tuple(_parse_span(span) for span in spans)
        if any(closes is None or closes > opens for (_, closes), (opens, _) in pairwise(hours)):
            raise ValueError(f"the hours of {part!r} overlap, or are not in order")
        for day in _parse_days(days):
            week[day] = hours
    if not any(week):
        raise ValueError("no working hours are given")
    return tuple(week)


def _parse_span(text: str) -> tuple[dt.time, dt.time | None]:
    found = re.fullmatch(r"(\d\d?):(\d\d)-(\d\d?):(\d\d)", text)
    try:
        opens, closes = _time(*found.groups()[:2]), _time(*found.groups()[2:])  # type: ignore[union-attr]
    except (AttributeError, ValueError):
        opens = closes = None
    if opens is None or (closes is not None and closes <= opens):
        raise ValueError(f"{text!r} is no span of hours; write it as in 08:00-12:00")
    return opens, closes


def _time(hour: str, minute: str) -> dt.time | None:
    return None if (hour, minute) == ("24", "00") else dt.time(int(hour), int(minute))


def _parse_days(text: str) -> Iterator[int]:
    for part in text.split(","):
        first, _, last = part.lower().partition("-")
        if first not in WEEKDAYS or (last or first) not in WEEKDAYS:
            raise ValueError(
                f"{part!r} is no day of the week; write Mon, Tue, Wed, Thu, Fri, Sat, Sun or Mon-Fri"
            )
        begin, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
        yield from (day % 7 for day in range(begin, (end if end >= begin else end + 7) + 1))


def parse_holidays(text: str) -> Mapping[dt.date, bool]:
    """Read an office's own holidays, such as `2026-12-24 half, 2026-12-31`.

    Returns:
        By date whether it is half a day only.

    Raises:
        ValueError: with what cannot be read.
    """
    found = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        day, _, rest = part.partition(" ")
        if rest.strip() not in ("", "half"):
            raise ValueError(f"{part!r} is no holiday; write 2026-12-31, or 2026-12-24 half")
        try:
            found[dt.date.fromisoformat(day)] = bool(rest)
        except ValueError:
            raise ValueError(f"{day!r} is no date; write it as in 2026-12-31") from None
    return found
