"""Moments as people read them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from babel.dates import format_date, format_datetime, format_timedelta
from markupsafe import Markup, escape

from portal.language import code, locale, pgettext
from portal.language import gettext as _

#: says in preferences that their zone is the browser's, and was not chosen
ZONE_OF_BROWSER = "zone of the browser"
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
    return _in_units(seconds, _("a moment"))


def _in_units(seconds: float, less: str, direction: int = 0) -> str:
    """As many as fit of the largest unit that fits; with a direction (1 ahead, -1 back) said from now."""
    for _unit, size in _UNITS:
        count = int(seconds // size)
        if count >= 1:
            whole = dt.timedelta(seconds=count * size * (direction or 1))
            return format_timedelta(whole, threshold=1, add_direction=direction != 0, locale=locale())
    return less


def age(seconds: float) -> str:
    """How long something has been there, short: `12 min`, `2 h`, `4 d`."""
    if seconds < 60:
        return _("just now")
    if seconds < 3600:
        return _("%(number)s min", number=int(seconds // 60))
    if seconds < 86_400:
        return _("%(number)s h", number=int(seconds // 3600))
    return _("%(number)s d", number=int(seconds // 86_400))


def short_span(seconds: float) -> str:
    """A length of time, short: `45 s`, `12 min`, `2 h 10 min`, `4 d`."""
    if seconds < 60:
        return _("%(number)s s", number=max(int(seconds), 0))
    if seconds >= 86_400:
        return _("%(number)s d", number=int(seconds // 86_400))
    hours, minutes = divmod(int(seconds // 60), 60)
    parts = (
        _("%(number)s h", number=hours) if hours else "",
        _("%(number)s min", number=minutes) if minutes else "",
    )
    return " ".join(filter(None, parts))


def relative(moment: dt.datetime, now: dt.datetime) -> str:
    """`3 hours ago`, `in 2 days`, `just now`."""
    seconds = (moment - now).total_seconds()
    if abs(seconds) < 60:
        return _("just now") if seconds <= 0 else _("in a moment")
    # What is due in two days is so a moment later too.
    return _in_units(seconds * 1.01, "", 1) if seconds > 0 else _in_units(-seconds, "", -1)


def absolute(moment: dt.datetime, preferences: Mapping[str, Any]) -> str:
    try:
        there = moment.astimezone(zone(preferences.get("timezone")))
    except OverflowError:  # in the first and the last hours of the calendar
        there = moment
    return exact(there)


def exact(local: dt.datetime) -> str:
    """`Tue 24 Nov 2026, 10:43 CET`."""
    minute = local.replace(second=0, microsecond=0, tzinfo=None)
    return f"{_in_words(minute, code())} {local.tzname() or ''}".rstrip()


@lru_cache(maxsize=10_000)
def _in_words(local: dt.datetime, code: str) -> str:
    """A list says the same moments again and again, and to spell one takes longer than the rest of its row."""
    return format_datetime(local, pgettext("date", "EEE dd MMM y, HH:mm"), locale=code)


def date(day: dt.date, *, year: bool = True) -> str:
    """`Thu 26 Nov 2026`, or without the year."""
    pattern = pgettext("date", "EEE d MMM y") if year else pgettext("date", "EEE d MMM")
    return format_date(day, pattern, locale=locale())


def day(moment: dt.datetime, now: dt.datetime, there: dt.tzinfo) -> str:
    """`today 14:00`, `tomorrow 12:00`, `Thu 26 Nov`, with the year when it is another one."""
    local, today = moment.astimezone(there), now.astimezone(there).date()
    away = (local.date() - today).days
    clock = f"{local:%H:%M}"
    if away == 0:
        return _("today %(clock)s", clock=clock)
    if away == 1:
        return _("tomorrow %(clock)s", clock=clock)
    return date(local.date(), year=local.year != today.year)


def is_zone_chosen(preferences: Mapping[str, Any]) -> bool:
    return bool(preferences.get("timezone") and not preferences.get(ZONE_OF_BROWSER))


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

    Where the person has not chosen a zone, our script puts the browser's own words in its place: the page's body says
    so (`data-local`).
    """
    if moment is None:
        return Markup("")
    full = absolute(moment, preferences)
    if text is None:
        text = full if plain else relative(moment, now)
    when = f"{moment.astimezone(dt.UTC).isoformat()[:19]}Z"
    # put together by hand: a list has many, and `Markup.format` takes longer than all the rest
    return Markup(f'<time datetime="{when}" title="{escape(full)}">{escape(text)}</time>')


def clock_tag(moment: dt.datetime, now: dt.datetime, preferences: Mapping[str, Any]) -> Markup:
    """A <time>: `10:42` today, `Thu 26 Nov, 10:42` of another day, with the year when it is another one."""
    there = moment.astimezone(zone(preferences.get("timezone")))
    today = now.astimezone(there.tzinfo).date()
    day = date(there.date(), year=there.year != today.year)
    text = f"{there:%H:%M}" if there.date() == today else f"{day}, {there:%H:%M}"
    return time_tag(moment, now, preferences, text=text).replace("<time", Markup("<time data-clock"))
