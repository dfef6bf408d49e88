"""Enters and ends absences, in a transaction that the caller has begun."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from portal.models import Absence, User

from . import notices
from .notifications import NAMESPACE
from .transaction import clock


def plan(
    session: Session,
    user: User,
    begins: dt.datetime,
    ends: dt.datetime,
    substitute: User | None,
    flows: Sequence[str] = (),
    by: User | None = None,
) -> Absence:
    """Enter an absence, and tell whoever stands in, and the person where somebody else has entered it.

    Args:
        begins: the first moment of it.
        ends: the first moment after it.
        substitute: who does the work meanwhile; None for nobody.
        flows: labels of the flows whose work they do; all where it is empty.
        by: who enters it.
    """
    made = Absence(
        user_id=user.id,
        substitute_id=None if substitute is None else substitute.id,
        begins=begins,
        ends=ends,
        flows=list(flows),
        created=clock.get()(),
        created_by_id=None if by is None or by.id == user.id else by.id,
    )
    session.add(made)
    session.flush()
    receivers = [(substitute, user)] if substitute is not None else []
    if made.created_by_id is not None and by is not None:
        receivers.append((user, by))
    rows = [_notice(made, receiver, about, receiver.id == user.id) for receiver, about in receivers]
    notices.store(session, [row for row in rows if row is not None], [])
    return made


def _notice(absence: Absence, receiver: User, about: User, own: bool) -> dict[str, Any] | None:
    key = str(uuid.uuid5(NAMESPACE, f"absence/{absence.id}/{receiver.id}"))
    payload = {"by": about.name, "reason": "own" if own else "substitute"}
    payload |= {"from": absence.begins.isoformat(), "to": absence.ends.isoformat()}
    row = notices.row(receiver, "substitute", key, payload=payload)
    return None if row is None else {**row, "digest": False}  # a daily mail tells of processes


def end(session: Session, absence: Absence) -> None:
    """End an absence now; one that has not begun is forgotten."""
    now = clock.get()()
    if absence.begins >= now:
        session.delete(absence)
    else:
        absence.ends = min(absence.ends, now)


def planned(session: Session, user: User) -> list[Absence]:
    """A person's absences of now and later, the soonest first."""
    query = select(Absence).where(Absence.user_id == user.id, Absence.ends > clock.get()())
    query = query.options(joinedload(Absence.substitute)).order_by(Absence.begins, Absence.id)
    return list(session.scalars(query))


def overlapping(session: Session, user: User, begins: dt.datetime, ends: dt.datetime) -> bool:
    """Whether a person is away themselves for a part of this time."""
    query = select(Absence.id).where(Absence.user_id == user.id, Absence.begins < ends, Absence.ends > begins)
    return session.scalar(query.limit(1)) is not None
