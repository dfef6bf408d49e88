"""Moments as people read them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from markupsafe import Markup

from portal.language import gettext

_UNITS = (
    ("year", 31_536_000),
    ("month", 2_592_000),
    ("week", 604_800),
    ("day", 86_400),
    ("hour", 3600),
    ("minute", 60),
)


@lru_cache
def zone_names() -> list[str]:
    return sorted(
        name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/"))
    )


@lru_cache(maxsize=512)
def zone(name: str | None) -> dt.tzinfo:
    """A time zone by name, UTC when there is none of that name."""
    try:
        return ZoneInfo(name) if name else dt.UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return dt.UTC


def span(seconds: float) -> str:
    """A length of time in its largest unit."""
    for unit, size in _UNITS:
        count = int(seconds // size)
        if count >= 1:
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "a moment"


def age(seconds: float) -> str:
    """How long something has been there, short: `12 min`, `2 h`, `4 d`."""
    if seconds < 3600:
        return f"{int(seconds // 60)} min" if seconds >= 60 else "just now"
    return f"{int(seconds // 3600)} h" if seconds < 172_800 else f"{int(seconds // 86_400)} d"


def relative(moment: dt.datetime, now: dt.datetime) -> str:
    """`3 hours ago`, `in 2 days`, `just now`."""
    seconds = (moment - now).total_seconds()
    if abs(seconds) < 60:
        return "just now" if seconds <= 0 else "in a moment"
    # What is due in two days is so a moment later too.
    return f"in {span(seconds * 1.01)}" if seconds > 0 else f"{span(-seconds)} ago"


def absolute(moment: dt.datetime, preferences: Mapping[str, Any]) -> str:
    try:
        there = moment.astimezone(zone(preferences.get("timezone")))
    except OverflowError:  # in the first and the last hours of the calendar
        there = moment
    return there.strftime("%a %d %b %Y, %H:%M %Z")


def day(moment: dt.datetime, now: dt.datetime, there: dt.tzinfo) -> str:
    """`today 14:00`, `tomorrow 12:00`, `Thu 26 Nov`, with the year when it is another one."""
    local, today = moment.astimezone(there), now.astimezone(there).date()
    away = (local.date() - today).days
    if away in (0, 1):
        clock = f"{local:%H:%M}"
        return (
            gettext("today %(clock)s", clock=clock)
            if away == 0
            else gettext("tomorrow %(clock)s", clock=clock)
        )
    return f"{local:%a} {local.day} {local:%b}" + ("" if local.year == today.year else f" {local.year}")


def time_tag(
    moment: dt.datetime | None,
    now: dt.datetime,
    preferences: Mapping[str, Any],
    *,
    plain: bool = False,
    text: str | None = None,
) -> Markup:
    """A <time>: relative, the absolute moment and its zone on hover and focus.

    Args:
        plain: the absolute moment is what is read.
        text: what is read instead of either.

    Where the person has not chosen a zone, our script puts the browser's in its place (`data-local`).
    """
    if moment is None:
        return Markup("")
    local = "" if preferences.get("timezone") else Markup(" data-local")
    exact = absolute(moment, preferences)
    return Markup('<time datetime="{}" title="{}"{}>{}</time>').format(
        moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        exact,
        local,
        text if text is not None else exact if plain else relative(moment, now),
    )


def clock_tag(moment: dt.datetime, now: dt.datetime, preferences: Mapping[str, Any]) -> Markup:
    """A <time>: `10:42` today, `Thu 26 Nov, 10:42` of another day."""
    there = moment.astimezone(zone(preferences.get("timezone")))
    today = there.date() == now.astimezone(there.tzinfo).date()
    text = f"{there:%H:%M}" if today else f"{there:%a} {there.day} {there:%b, %H:%M}"
    return time_tag(moment, now, preferences, text=text).replace(" data-local", Markup(' data-local="clock"'))
