"""The form of a person's choices for notices."""

from __future__ import annotations

from wtforms import BooleanField, Form

from portal.flow import registry
from portal.language import lazy_gettext
from portal.models import User


class NoticesForm(Form):
    """Which events one hears of; the names are those of the events."""

    assigned = BooleanField(lazy_gettext("A task is assigned to me"))
    mention = BooleanField(lazy_gettext("Somebody mentions me in a comment"))
    comment = BooleanField(lazy_gettext("Somebody comments on what I follow"))
    due = BooleanField(lazy_gettext("A task of mine is due soon"))
    late = BooleanField(lazy_gettext("A task of mine is overdue"))
    finished = BooleanField(lazy_gettext("A request of mine, or what I follow, is done or cancelled"))
    failed = BooleanField(lazy_gettext("A request of mine fails, or a step in a flow that I manage"))
    queue = BooleanField(lazy_gettext("A task that I may take is new in the queue, or is due soon there"))


def workable_flows(user: User) -> list[tuple[str, str]]:
    """The flows in which a person may take tasks, by title."""
    found = [
        (label, flow.definition.title)
        for label, flow in registry.items()
        if any(n.human and not n.starts and user.can(n.permission) for n in flow.definition.nodes.values())
    ]
    return sorted(found, key=lambda each: each[1].lower())
