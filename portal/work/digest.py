"""The daily mail: what a person was told since the last one, grouped by process."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from portal.engine import criteria
from portal.engine.outbox import Claim
from portal.language import gettext as _
from portal.language import ngettext
from portal.models import Notice, Task, User

from . import letters, sentences
from .addresses import address


def compose(session: Session, claimed: Claim, user: User | None, base_url: str) -> letters.Mail | None:
    """The daily mail of a claimed row. None if nothing of it is for this person's eyes any more."""
    if user is None or not user.email or not user.is_active:
        return None
    found = _readable(session, user, claimed.payload["notices"])
    if not found:
        return None
    processes: dict[int, dict[str, Any]] = {}
    for notice in found:
        process, task = notice.process, notice.task
        assert process is not None  # the query joins it
        facts = sentences.facts(notice.event, notice.payload, user, process, task, base_url)
        group = processes.setdefault(process.id, {**facts, "lines": []})
        step = "" if task is None else f"{facts['title']}: "
        group["lines"].append({"text": f"{step}{facts['line']}", "url": facts["url"]})
    count = claimed.payload["count"]
    return letters.written(
        "digest-mail",
        user,
        ngettext("%(number)s notice from the portal", "%(number)s notices from the portal", count),
        {
            "title": _("Since your last daily email"),
            "processes": list(processes.values()),
            "more": count - len(found),
            "all": address(base_url, "notices.index"),
            "profile": address(base_url, "accounts.profile"),
        },
    )


def _readable(session: Session, user: User, ids: list[int]) -> list[Notice]:
    """The notices whose process this person may see, or whose task they may take, the oldest first."""
    visible = criteria.visible_processes(user) | criteria.takeable_tasks(user)
    query = (
        select(Notice)
        .join(Notice.process)
        .outerjoin(Notice.task)
        .where(Notice.id.in_(ids), Notice.user_id == user.id, visible)
        .options(joinedload(Notice.process), joinedload(Notice.task).joinedload(Task.process))
        .order_by(Notice.id)
    )
    return list(session.scalars(query).unique())
