"""Who is away, and who does their work meanwhile."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import ColumnElement, bindparam, exists, select
from sqlalchemy.orm import Session, joinedload

from portal.models import Absence, User

from .moving_clock import clock

_NOW: Any = bindparam("now", type_=Absence.begins.type)
#: made once: it is asked in every action that gives somebody a task
_BY_PERSON = (
    select(Absence)
    .where(
        Absence.user_id.in_(bindparam("people", expanding=True)), Absence.begins <= _NOW, Absence.ends > _NOW
    )
    .where(Absence.substitute_id.is_not(None))
    .options(joinedload(Absence.substitute))
    .order_by(Absence.id)
)
#: a criterion for `select(User)`, made once: who is away at the moment that is the statement's value `now`
AWAY = exists().where(Absence.user_id == User.id, Absence.begins <= _NOW, Absence.ends > _NOW)


def away(moment: dt.datetime | None = None) -> ColumnElement[bool]:
    """A criterion for `select(User)`: who is away at a moment, now by default."""
    now = moment or clock.get()()
    return exists().where(Absence.user_id == User.id, Absence.begins <= now, Absence.ends > now)


def is_away(session: Session, user: User, moment: dt.datetime | None = None) -> bool:
    """Whether a person is away at a moment, now by default. For programs: see `docs/working-together.md`."""
    return session.scalar(select(User.id).where(User.id == user.id, away(moment))) is not None


def standing_in(user: User) -> list[Absence]:
    """The absences of now in which this person does the work of somebody who has not left for good."""
    now = clock.get()()
    return [each for each in user.stand_ins if each.is_at(now) and each.user.is_active]


def replaced(user: User, label: str) -> Iterator[User]:
    """The people whose work in a flow this person does now."""
    return (each.user for each in standing_in(user) if each.covers(label))


def by_person(session: Session, people: Collection[int]) -> dict[int, list[Absence]]:
    """The absences, now, of these people in which somebody stands in for them. One statement."""
    values = {"people": list(people), "now": clock.get()()}
    found: dict[int, list[Absence]] = {}
    for each in session.scalars(_BY_PERSON, values) if people else ():
        found.setdefault(each.user_id, []).append(each)
    return found


def lends(person: User, permission: str, obj: str | None = None) -> bool:
    """Whether somebody who is away lends their substitute a permission: one that they hold by name, for a
    superuser's power over everything is no part of their work."""
    held: Any = person.all_permissions
    return person.is_active and (permission in held or (obj is not None and f"{permission}:{obj}" in held))
