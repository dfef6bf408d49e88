"""What a person was told in the portal."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, contains_eager

from portal.engine import criteria
from portal.models import Notice, Process, Task, User

#: notices on a page
PAGE = 50


def notices(session: Session, user: User, before: int | None = None, size: int = PAGE) -> list[Notice]:
    """A person's notices, the newest first: those of what they may still see."""
    visible = or_(
        Notice.process_id.is_(None), criteria.visible_processes(user), criteria.takeable_tasks(user)
    )
    query = (
        select(Notice)
        .outerjoin(Notice.process)
        .outerjoin(Notice.task)
        .where(Notice.user_id == user.id, Notice.shown, visible)
        .options(
            contains_eager(Notice.process).joinedload(Process.created_by).lazyload(User.roles),
            contains_eager(Notice.task).joinedload(Task.owner).lazyload(User.roles),
        )
        .order_by(Notice.id.desc())
        .limit(size)
    )
    if before is not None:
        query = query.where(Notice.id < before)
    return list(session.scalars(query).unique())


def unread_of(user_id: Any) -> Any:
    """How many notices somebody has not read, as a column."""
    unread = (Notice.user_id == user_id, Notice.shown, Notice.read.is_(None))
    return select(func.count(Notice.id)).where(*unread).scalar_subquery()


def unread(session: Session, user: User) -> int:
    """How many notices a person has not read."""
    return int(session.scalar(select(unread_of(user.id))) or 0)
