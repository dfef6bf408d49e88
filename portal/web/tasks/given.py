"""Reads the parameters of actions from forms: a due date, a priority, a moment."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import request

from portal.engine.adjusting import MOST
from portal.language import gettext as _
from portal.models.base import is_storable

from ..display.moments import zone
from ..layout import now, preferences

#: the method of an activation, where it is not called like its action
METHODS = {"due": "change_due", "priority": "change_priority"}
#: what a form calls the one thing that an action needs
NAMES = {"due": "due", "priority": "priority", "snooze": "until", "move": "to", "reschedule": "at"}
#: when work begins on a day, for who names a day alone
_MORNING, _EVENING = dt.time(8), dt.time(17)


class Unfit(Exception):
    """What was sent cannot be used; the text says why."""


def given(action: str) -> tuple[Any, ...]:
    """The arguments of an action, from the form of this request.

    Raises:
        Unfit: they are missing, or no such thing.
    """
    if action not in NAMES:
        return ()
    name = NAMES[action]
    text = request.form.get(name)
    if action == "move":
        if not text:
            raise Unfit(_("Choose a step."))
        return (text,)
    if text is None:
        raise Unfit(_("Choose a priority.") if action == "priority" else _("Choose a date and a time."))
    if action == "priority":
        return (_number(text.strip()),)
    moment = moment_of(text.strip(), _EVENING if action == "due" else _MORNING)
    if action == "reschedule" and moment is None:
        raise Unfit(_("Choose a date and a time."))
    if action == "snooze" and moment is not None and moment <= now():
        raise Unfit(_("Choose a moment that is still ahead."))
    return (moment,)


def _number(text: str) -> int:
    digits = text.removeprefix("-").removeprefix("\N{MINUS SIGN}")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 4 or int(digits) > MOST:
        raise Unfit(_("Enter a whole number from %(least)s to %(most)s.", least=-MOST, most=MOST))
    return int(digits) if digits == text else -int(digits)


def my_zone() -> dt.tzinfo:
    """The time zone in which this person types and reads."""
    return zone(preferences().get("timezone"))


def moment_of(text: str, time: dt.time) -> dt.datetime | None:
    """A moment as it is typed, or one of the names of `snoozes`; None for an empty text.

    Args:
        time: of the day, where only a day is named.

    Raises:
        Unfit: it is no moment.
    """
    if not text:
        return None
    if (named := snoozes().get(text)) is not None:
        return named
    found: dt.datetime | None
    try:
        found = dt.datetime.fromisoformat(text)
        if len(text) == len("2026-12-31"):
            found = dt.datetime.combine(found.date(), time)
        if found.tzinfo is None:
            found = found.replace(tzinfo=my_zone())
        found = found.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        found = None
    if found is None or not is_storable(found):
        raise Unfit(_("This is not a date and time. Write it as 2026-12-31T14:30."))
    return found


def snoozes() -> dict[str, dt.datetime]:
    """The moments that a person can name: now, later today, tomorrow morning, on Monday morning."""
    here = now().astimezone(my_zone())

    def morning(days: int) -> dt.datetime:
        return dt.datetime.combine(here.date() + dt.timedelta(days=days), _MORNING, here.tzinfo).astimezone(
            dt.UTC
        )

    return {
        "now": now(),
        "later": now() + dt.timedelta(hours=3),
        "tomorrow": morning(1),
        "monday": morning(7 - here.weekday()),
    }


def local_text(moment: dt.datetime | None) -> str:
    """A moment as an input of the type `datetime-local` holds it."""
    return "" if moment is None else f"{moment.astimezone(my_zone()):%Y-%m-%dT%H:%M}"
