"""What is shown beside a list: badges, what is due today, and saved views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, and_, bindparam, exists, func, literal, or_, select, type_coerce, union
from sqlalchemy.orm import Session

from portal.engine import criteria
from portal.flow.registry import registry
from portal.models import (
    BigId,
    Helper,
    Incident,
    IncidentTask,
    Process,
    Role,
    SavedView,
    Task,
    User,
    utcnow,
)
from portal.models.user import user_role

from .statement_cache import Holder, cached_rows
from .talk import PROCESS, Known, talk_columns

#: counts go no further than this: nobody reads the difference, and the database need not look
ENOUGH = 100
#: more saved views are no tabs
_MOST_VIEWS = 30


@dataclass(frozen=True)
class View:
    """A saved view, with the name of the role that it is shared with."""

    id: int
    name: str
    query: str
    is_own: bool
    role: str | None


@dataclass(frozen=True)
class Beside:
    """What is told beside a page.

    Attributes:
        due_today: how many tasks of the inbox are due today or overdue.
        newest: the id of the last task that there is.
        snoozed: whether the person has put tasks off.
        helping: whether they help with a task that is open.
        views: the saved views of this list that the person has.
    """

    due_today: int
    newest: int
    snoozed: bool
    views: list[View]
    helping: bool = False

    @classmethod
    def of(cls, row: Any) -> Beside:
        views = [View(view, name, query, bool(own), role) for view, name, query, own, role in row[3] or ()]
        return cls(row[0], row[1] or 0, bool(row[2]), views, bool(row[4]))


#: how many columns `asides` are
WIDTH = 5


def asides(session: Session) -> tuple[Any, ...]:
    """The columns of a `Beside`. The statement needs the values `me`, `now`, `today` (when it ends) and `page`."""
    me = bindparam("me", type_=BigId)
    now = bindparam("now", type_=Task.due.type)
    due = select(Task.id).where(*open_of(me, now), Task.due < bindparam("today", type_=Task.due.type))
    newest = select(func.max(Task.id)).scalar_subquery()
    put_off = exists().where(Task.owner_id == me, Task.finished.is_(None), Task.snoozed_until > now)
    helping = exists().where(Helper.user_id == me, Helper.task_id == Task.id, Task.finished.is_(None))
    return count([due]), newest, put_off, _views(session, me), helping


def open_of(user_id: Any, now: Any) -> tuple[Any, ...]:
    """Somebody's own tasks that are not put off until later."""
    return (Task.owner_id == user_id, Task.status == "ASSIGNED", Task.finished.is_(None), awake(now))


def awake(now: Any) -> Any:
    """A task that is not put off until later."""
    return or_(Task.snoozed_until.is_(None), Task.snoozed_until <= now)


#: the places of the side bar that have a number, as `badge_counts` has them
BADGES = ("inbox", "queue", "incidents")


def badge_counts(user: Any) -> tuple[Any, Any, Any]:
    """How many tasks are in the inbox, in the queue, and how many have failed in flows that the person manages, as
    columns; they stop counting at a hundred."""
    free, now = criteria.is_free(user), user.now if isinstance(user, Holder) else utcnow()
    sets = [
        select(Task.id).join(Process, Process.id == Task.process_id).where(and_(free, each))
        for each in criteria.takeable_sets(user)
    ]
    mine = [
        select(Task.id)
        .join(Process, Process.id == Task.process_id)
        .where(each, Task.finished.is_(None), awake(now))
        for each in criteria.my_task_sets(user)
    ]
    return count(mine), count(sets), _failed(user)


def _failed(user: Any) -> Any:
    query = select(IncidentTask.task_id).where(IncidentTask.closed.is_(None))
    if not user.can("admin"):
        labels = [label for label in registry if user.manages(label)]
        if not labels:
            return literal(0)
        query = query.join(Incident, Incident.key == IncidentTask.incident_key)
        query = query.where(Incident.flow_label.in_(labels))
    return count([query])


def badges(session: Session, user: User) -> dict[str, int]:
    """The numbers of the side bar, in one statement."""
    values = {"me": user.id, "now": utcnow()}
    [row] = cached_rows(session, user, ("badges",), lambda who: select(*badge_counts(who)), values)
    return dict(zip(BADGES, row, strict=True))


def badges_and_talk(
    session: Session, user: User, process_id: int, place: str
) -> tuple[dict[str, int], Known]:
    """The same, with what is known of the talk about a process before its comments are read.

    Args:
        place: where the draft of a comment is kept.
    """
    values = {"me": user.id, "now": utcnow(), "process_id": process_id, "place": place}
    [row] = cached_rows(
        session,
        user,
        ("badges and talk",),
        lambda who: select(*badge_counts(who), *talk_columns(PROCESS)),
        values,
    )
    return dict(zip(BADGES, row, strict=False)), Known(*row[len(BADGES) :])


def count(queries: Sequence[Any]) -> Any:
    """How many rows these queries for ids find together; it stops counting at a hundred."""
    parts = [select(query.limit(ENOUGH).subquery().c[0]) for query in queries]
    rows = union(*parts).subquery() if len(parts) > 1 else parts[0].subquery()
    first = select(literal(1)).select_from(rows).limit(ENOUGH).subquery()
    return select(func.count()).select_from(first).scalar_subquery()


def _views(session: Session, me: Any) -> Any:
    roles = select(user_role.c.role_id).where(user_role.c.user_id == me)
    own = SavedView.owner_id == me
    found = (
        select(SavedView.id, SavedView.name, SavedView.query, own.label("own"), Role.name.label("role"))
        .outerjoin(Role, Role.id == SavedView.role_id)
        .where(SavedView.page == bindparam("page"), or_(own, SavedView.role_id.in_(roles)))
        .order_by(SavedView.name, SavedView.id)
        .limit(_MOST_VIEWS)
        .subquery()
    )
    postgresql = session.get_bind().dialect.name == "postgresql"
    one = func.json_build_array if postgresql else func.json_array
    many = func.json_agg if postgresql else func.json_group_array
    return type_coerce(select(many(one(*found.c))).scalar_subquery(), JSON)


def saved_view(session: Session, user: User, view_id: int | None) -> SavedView | None:
    """A view that a person has saved, or that is shared with a role of theirs. None if it is none of these."""
    if view_id is None:
        return None
    roles = select(user_role.c.role_id).where(user_role.c.user_id == user.id)
    query = select(SavedView).where(SavedView.id == view_id)
    query = query.where(or_(SavedView.owner_id == user.id, SavedView.role_id.in_(roles)))
    return session.scalars(query).first()
