"""What a notice says, in one line."""

from __future__ import annotations

from typing import Any

from portal.language import gettext as _
from portal.language import lazy_gettext

#: by the event and the state at that time
_LINES: dict[tuple[str, str], Any] = {
    ("assigned", "ASSIGNED"): lazy_gettext("A task was assigned to you"),
    ("queue", "NEW"): lazy_gettext("New in the queue"),
    ("due", "NEW"): lazy_gettext("Due soon, and nobody has taken it"),
    ("due", "ASSIGNED"): lazy_gettext("Due soon"),
    ("late", "NEW"): lazy_gettext("Overdue, and nobody has taken it"),
    ("late", "ASSIGNED"): lazy_gettext("Overdue"),
    ("failed", "ERROR"): lazy_gettext("A step failed"),
    ("failed", "FAILED"): lazy_gettext("Failed"),
    ("finished", "DONE"): lazy_gettext("Done"),
    ("finished", "CANCELED"): lazy_gettext("Cancelled"),
}
_COMMENT, _MENTION = lazy_gettext("New comment"), lazy_gettext("You were mentioned")


def line(notice: Any) -> str:
    """What happened, and by whom."""
    payload = notice.payload or {}
    by, event, state = payload.get("by"), notice.event, payload.get("state", "")
    if event == "mention":
        return _("%(name)s mentioned you", name=by) if by else str(_MENTION)
    if event == "comment":
        return _("%(name)s commented", name=by) if by else str(_COMMENT)
    if event == "substitute":
        return _("You stand in for %(name)s, who is away", name=by)
    if payload.get("reason") == "substitute" and notice.task is not None and notice.task.owner is not None:
        words = str(_LINES.get((event, state), event))
        return _("%(line)s (for %(name)s, who is away)", line=words, name=notice.task.owner.name)
    if payload.get("reason") == "help":
        return _("%(name)s asks you to help", name=by) if by else _("You are asked to help")
    if event == "assigned" and by:
        return _("%(name)s assigned a task to you", name=by)
    if event == "finished" and by and state == "CANCELED":
        return _("%(name)s cancelled it", name=by)
    return str(_LINES.get((event, state), event))
