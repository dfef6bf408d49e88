"""When something is due, as a list says it: `Overdue 1 d`, `Today 14:00`, `Tomorrow 12:00`, `Thu 26 Nov`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from babel.dates import format_time
from markupsafe import Markup

from portal.language import gettext as _
from portal.language import locale

from .icons import icon
from .moments import age, date, time_tag, zone

_OVERDUE = Markup('<span class="late">{} {}</span>')


def due_words(due: dt.datetime, now: dt.datetime, there: dt.tzinfo) -> str:
    """What is not overdue, in the words of somebody in this time zone."""
    try:
        local, today = due.astimezone(there), now.astimezone(there).date()
    except OverflowError:  # in the first and the last hours of the calendar
        local, today = due, now.date()
    days = (local.date() - today).days
    clock = format_time(local, "HH:mm", locale=locale())
    if days == 0:
        return _("Today %(time)s", time=clock)
    if days == 1:
        return _("Tomorrow %(time)s", time=clock)
    return date(local.date(), year=local.year != today.year)


def due_tag(
    due: dt.datetime | None, now: dt.datetime, preferences: Mapping[str, Any], *, over: bool = False
) -> Markup:
    """When a task is due.

    Args:
        over: it is finished, and late no more.
    """
    if due is None:
        return Markup('<span class="quiet">{}</span>').format(_("No date"))
    if due < now and not over:
        text = _("Overdue %(age)s", age=age((now - due).total_seconds()))
        return _OVERDUE.format(icon("exclamation-circle"), time_tag(due, now, preferences, text=text))
    there = zone(preferences.get("timezone"))
    return time_tag(due, now, preferences, text=due_words(due, now, there))
