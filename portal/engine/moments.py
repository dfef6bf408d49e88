"""The due moments of a schedule.

An interval keeps its beat. A cron line whose hour is `*` goes by the hours that pass. Any other one names times of day,
and each of them is met once: one that the clocks skip in spring comes as much later as they skip, and one that they
show twice in autumn counts the first time.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

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
    if last is None:
        return now + node.interval  # type: ignore[no-any-return]
    missed = (now - last) // node.interval
    return last + node.interval * (missed + 1)  # type: ignore[no-any-return]


def _next_match(cron: str, zone: ZoneInfo, now: dt.datetime) -> dt.datetime:
    if cron.split()[1] == "*":
        return _after(CronTrigger.from_crontab(cron, timezone=zone), now).astimezone(dt.UTC)
    trigger = CronTrigger.from_crontab(
        cron, timezone=dt.UTC
    )  # which reads it as a clock that is never changed
    shown = now.astimezone(zone).replace(tzinfo=dt.UTC, fold=0)
    found: list[dt.datetime] = []
    time = shown - _LARGEST_SHIFT
    while not found or time < shown + _LARGEST_SHIFT:
        time = _after(trigger, time)
        moment = time.replace(tzinfo=zone).astimezone(dt.UTC)
        if moment > now:
            found.append(moment)  # around a change of the clocks a later time may come sooner
    return min(found)


def _after(trigger: CronTrigger, moment: dt.datetime) -> dt.datetime:
    found: dt.datetime | None = trigger.get_next_fire_time(None, moment + _TICK)
    if found is None:
        raise ValueError(f"{trigger} has no moment after {moment}")
    return found
