"""When something is due, as a list says it: `Overdue 1 d`, `Today 14:00`, `Tomorrow 12:00`, `Thu 26 Nov`; and as a page
does: `in 2 working days, Thu 26 Nov, 14:00`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from babel.dates import format_time, format_timedelta
from markupsafe import Markup, escape

from portal.language import gettext as _
from portal.language import locale, ngettext
from portal.working_time import WorkingCalendar, WorkingTime

from .moments import age, clock_tag, date, relative, time_tag, zone

#: its icon is the style sheet's: a list has it in row after row
_OVERDUE = '<span class="late overdue">%s</span>'


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


def deadline_tag(
    moment: dt.datetime, now: dt.datetime, preferences: Mapping[str, Any], calendar: WorkingCalendar | None
) -> Markup:
    """How long it is until a moment, or since, and when that is.

    Args:
        calendar: in which the span is counted; None where it is no span of working time.
    """
    span = (
        _days_ahead(moment, now, preferences) if calendar is None else _working_words(moment, now, calendar)
    )
    return Markup("{}, {}").format(span, clock_tag(moment, now, preferences))


def _days_ahead(moment: dt.datetime, now: dt.datetime, preferences: Mapping[str, Any]) -> str:
    """As `relative`; from the day after tomorrow on the days of the calendar, of which 40 hours are two and not one."""
    there = zone(preferences.get("timezone"))
    try:
        days = (moment.astimezone(there).date() - now.astimezone(there).date()).days
    except OverflowError:  # in the first and the last hours of the calendar
        days = 0
    if not 2 <= days <= _MOST_DAYS:
        return relative(moment, now)
    said: str = format_timedelta(
        dt.timedelta(days=days),
        granularity="day",
        threshold=_MOST_DAYS + 1,
        add_direction=True,
        locale=locale(),
    )
    return said


#: what is further ahead is told in months
_MOST_DAYS = 30


def _working_words(moment: dt.datetime, now: dt.datetime, calendar: WorkingCalendar) -> str:
    """`in 2 working days`, `3 working hours ago`. What is due in two days is so a moment later too."""
    ahead = moment > now
    first, last = sorted((now, moment))
    try:
        found = calendar.between(first, last)
        rounded = calendar.between(first - _SLACK, last) if ahead else found
    except (ValueError, OverflowError):  # a calendar without work, or the ends of the calendar
        return relative(moment, now)
    if (rounded.days, int(rounded.hours)) > (found.days, int(found.hours)):
        found = rounded
    number, words = _in_the_largest_unit(found, ahead)
    return words if number else _("in a moment") if ahead else _("just now")


#: what is not looked at when a span ahead is told in whole units
_SLACK = dt.timedelta(minutes=5)


def _in_the_largest_unit(span: WorkingTime, ahead: bool) -> tuple[int, str]:
    if number := span.days:
        if ahead:
            return number, ngettext("in %(number)s working day", "in %(number)s working days", number)
        return number, ngettext("%(number)s working day ago", "%(number)s working days ago", number)
    if number := int(span.hours):
        if ahead:
            return number, ngettext("in %(number)s working hour", "in %(number)s working hours", number)
        return number, ngettext("%(number)s working hour ago", "%(number)s working hours ago", number)
    number = int(span.hours * 60)
    if ahead:
        return number, ngettext("in %(number)s working minute", "in %(number)s working minutes", number)
    return number, ngettext("%(number)s working minute ago", "%(number)s working minutes ago", number)


def due_tag(
    due: dt.datetime | None, now: dt.datetime, preferences: Mapping[str, Any], *, over: bool = False
) -> Markup:
    """When a task is due.

    Args:
        over: it is finished, and late no more.
    """
    if due is None:
        words = escape(_("No date"))  # within the braces nobody would find it for the catalogues
        return Markup(f'<span class="quiet">{words}</span>')
    if due < now and not over:
        text = _("Overdue %(age)s", age=age((now - due).total_seconds()))
        return Markup(_OVERDUE % time_tag(due, now, preferences, text=text))
    there = zone(preferences.get("timezone"))
    return time_tag(due, now, preferences, text=due_words(due, now, there))
