"""Changes of a task that keep its state: its due date, its priority, its snooze, and when it is scheduled."""

from __future__ import annotations

import datetime as dt
from typing import Any

from portal.errors import PortalError
from portal.language import gettext as _
from portal.models import Task
from portal.models.base import is_storable

from . import lifecycle
from .context import ActionContext

#: a priority is a number up to this, and down to its negative
MOST = 1000


def change_due(run: ActionContext, task: Task, due: dt.datetime | None) -> None:
    """Say anew by when a task should be done; None for no moment.

    Raises:
        TransitionNotAllowed, PermissionDenied
        PortalError: the moment has no time zone, or no database could keep it.
    """
    lifecycle.demand("due", task, run.user)
    _check(due)
    before, task.due = task.due, due
    run.note(task, "due", old=_plain(before), new=_plain(due))


def change_priority(run: ActionContext, task: Task, priority: int) -> None:
    """Say anew how urgent a task is.

    Raises:
        TransitionNotAllowed, PermissionDenied
        PortalError: it is no whole number, or too large.
    """
    lifecycle.demand("priority", task, run.user)
    if isinstance(priority, bool) or not isinstance(priority, int) or abs(priority) > MOST:
        raise PortalError(
            _(
                "a priority is a whole number from %(least)s to %(most)s, not %(value)s",
                least=-MOST,
                most=MOST,
                value=repr(priority),
            )
        )
    before, task.priority = task.priority, priority
    run.note(task, "priority", old=before, new=priority)


def snooze(run: ActionContext, task: Task, until: dt.datetime | None) -> None:
    """Hide a task from its owner's inbox until a moment; None shows it again.

    Raises:
        TransitionNotAllowed: it is nobody's.
        PermissionDenied: who acts is neither its owner nor a manager.
        PortalError: the moment is not ahead, or has no time zone.
    """
    lifecycle.demand("snooze", task, run.user)
    _check(until)
    if until is not None and until <= run.now:
        raise PortalError(_("a task is snoozed until a moment that is ahead"))
    before, task.snoozed_until = task.snoozed_until, until
    run.note(task, "snooze", old=_plain(before), new=_plain(until))


def reschedule(run: ActionContext, task: Task, moment: dt.datetime) -> None:
    """Say anew when a timer fires, or when a job is tried next; a moment that has passed is now.

    Raises:
        TransitionNotAllowed, PermissionDenied
        PortalError: the moment has no time zone, or no database could keep it.
    """
    lifecycle.demand("reschedule", task, run.user)
    if moment is None:
        raise PortalError(_("say when it is to run"))
    _check(moment)
    before, task.scheduled = task.scheduled, max(moment, run.now)
    task.lease = None  # a wait after a disturbance; who has claimed it meanwhile asks again whether it is due
    run.work_for_clock = True
    run.note(task, "reschedule", old=_plain(before), new=_plain(task.scheduled))


def _check(moment: Any) -> None:
    if moment is None:
        return
    if not isinstance(moment, dt.datetime) or moment.tzinfo is None:
        raise PortalError(_("%(moment)s is no moment with a time zone", moment=repr(moment)))
    if not is_storable(moment):
        raise PortalError(_("%(moment)s is too far away", moment=moment))


def _plain(moment: dt.datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(dt.UTC).isoformat()
