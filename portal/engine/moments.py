"""The due moments of a schedule.

An interval is counted from the due moment before, however late that was. A cron line whose hour is `*` counts hours
that pass. Any other one names times of day, each of which starts once: one that the clocks skip in spring starts
later by what they skip, and one that they show twice in autumn starts the first time.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from portal.flow.times import following

if TYPE_CHECKING:
    from apscheduler.triggers.cron import CronTrigger

_TICK = dt.timedelta(microseconds=1)
#: no clock is put forward or back by more
_LARGEST_SHIFT = dt.timedelta(hours=3)


def next_start(node: Any, now: dt.datetime, last: dt.datetime | None = None) -> dt.datetime:
    """The first moment of a `StartTimer`'s schedule after `now`, in UTC.

    Args:
        last: the due moment before; an interval is counted from it.
    """
    if node.interval is None:
        return _next_match(node.cron, ZoneInfo(node.timezone), now)
    return following(node.interval, now if last is None else last, now)


_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def _triggers(cron: str, zone: dt.tzinfo) -> list[CronTrigger]:
    """The rules of a cron line, of which each moment meets one: where both the day of the month and that of the week
    are named, either is enough. One that begins with `*` names none, as in cron: `*/2 * mon` is each odd Monday."""
    from apscheduler.triggers.cron import CronTrigger  # few flows have such a schedule

    minute, hour, day, month, weekday = cron.split()
    either = not (day.startswith("*") or weekday.startswith("*"))
    days = [(day, "*"), ("*", weekday)] if either else [(day, weekday)]
    return [
        CronTrigger(
            minute=minute,
            hour=hour,
            day=of_month,
            month=month.lower(),
            day_of_week=_weekdays(of_week),
            timezone=zone,
        )
        for of_month, of_week in days
    ]


def _weekdays(field: str) -> str:
    """The days by name. In cron 0 and 7 are Sunday; APScheduler would count from Monday."""
    if field == "*":
        return field
    found: set[int] = set()
    for part in field.lower().split(","):
        span, _, step = part.partition("/")
        first, _, last = ("0", "-", "6") if span == "*" else span.partition("-")
        begin, end = _weekday(first), _weekday(last or ("6" if step else first))
        if end < begin:  # sat-mon
            end += 7
        found |= {day % 7 for day in range(begin, end + 1, int(step or 1))}
    return ",".join(_DAYS[day] for day in sorted(found))


def _weekday(word: str) -> int:
    if word in _DAYS:
        return _DAYS.index(word)
    if word.isdecimal() and int(word) <= 7:
        return int(word)
    raise ValueError(f"{word!r} is no day of the week: sun to sat, or 0 to 7")


def _next_match(cron: str, zone: ZoneInfo, now: dt.datetime) -> dt.datetime:
    if cron.split()[1] == "*":
        return _after(_triggers(cron, zone), now).astimezone(dt.UTC)
    triggers = _triggers(cron, dt.UTC)  # as a clock would show it that is never changed
    shown = now.astimezone(zone).replace(tzinfo=dt.UTC, fold=0)
    found: list[dt.datetime] = []
    time = shown - _LARGEST_SHIFT
    while not found or time < shown + _LARGEST_SHIFT:
        time = _after(triggers, time)
        moment = time.replace(tzinfo=zone).astimezone(dt.UTC)
        if moment > now:
            found.append(moment)  # around a change of the clocks a later time may come sooner
    return min(found)


def _after(triggers: list[CronTrigger], moment: dt.datetime) -> dt.datetime:
    found: list[dt.datetime] = [
        time for each in triggers if (time := each.get_next_fire_time(None, moment + _TICK)) is not None
    ]
    if not found:
        raise ValueError(f"{triggers[0]} has no moment after {moment}")
    return min(found)
