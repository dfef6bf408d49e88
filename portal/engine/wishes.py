"""Preferences for notifications: what a person has chosen, and the defaults."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from portal.flow.notices import MAILS
from portal.models import User

#: what a person is told who has chosen nothing; `queue` is what is new in it, and what is due or late there
DEFAULTS = {**dict.fromkeys(MAILS, True), "queue": False}
#: the hour, in a person's own time zone, at which their daily mail is made
HOUR = dt.time(8)


def by_mail(user: User, event: str) -> bool:
    """Whether this person gets mail about an event, at once or once a day."""
    return bool(user.email) and user.is_active and _chosen(user, "notices", event)


def in_portal(user: User, event: str) -> bool:
    """Whether this person finds an event on their page of notices."""
    return user.is_active and _chosen(user, "notices_portal", event)


def _chosen(user: User, way: str, event: str) -> bool:
    return bool((_of(user).get(way) or {}).get(event, DEFAULTS.get(event, True)))


def is_daily(user: User) -> bool:
    """Whether this person gets one mail a day instead of one for each event."""
    return bool(_of(user).get("digest"))


def hears_of_queue(user: User, label: str) -> bool:
    """Whether one who wants to hear of the queue wants to hear of this flow's."""
    flows = _of(user).get("queue_flows")
    return not flows or label in flows


def follows_own(user: User) -> bool:
    """Whether this person follows by themselves what they have started or said something about."""
    return bool(_of(user).get("follow", True))


def next_digest(user: User, now: dt.datetime) -> dt.datetime:
    """The next moment at which it is `HOUR` where this person is."""
    zone = zone_of(user)
    today = now.astimezone(zone).date()
    days = (dt.datetime.combine(today + dt.timedelta(days=n), HOUR, zone) for n in (0, 1))
    return next(moment.astimezone(dt.UTC) for moment in days if moment > now)


def zone_of(user: User) -> dt.tzinfo:
    """A person's own time zone, UTC where they have chosen none."""
    try:
        return ZoneInfo(_of(user).get("timezone") or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return dt.UTC


def _of(user: User) -> dict[str, Any]:
    return user.preferences or {}
