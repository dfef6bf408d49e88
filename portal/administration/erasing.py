"""Erases a person: removes their name everywhere, and keeps what they did.

The texts come first and the row of the person last, in many short transactions: who is interrupted says it again. What
a process holds in its own fields is the flow's, and goes by its rules of retention.
"""

from __future__ import annotations

import json
import re
import time
from typing import Any

from sqlalchemy import String, cast, delete, func, or_, select, update
from sqlalchemy.orm import Session

from portal.engine import audit, writes
from portal.engine.audit import Entry
from portal.errors import PortalError
from portal.language import gettext as _
from portal.models import (
    Absence,
    CalendarFeed,
    Comment,
    Digest,
    Draft,
    Event,
    ExternalIdentity,
    Notice,
    Outgoing,
    ParkedForm,
    RecoveryCode,
    Role,
    SecondFactor,
    User,
    utcnow,
)

from . import access
from .people import sign_out

#: what stands for the name in texts that are kept
FORMER = "former user"
#: where names can be, by the column
TEXTS: tuple[tuple[Any, str], ...] = (
    (Event, "detail"), (Notice, "payload"), (Outgoing, "payload"), (Comment, "text"), (Comment, "named"),
)  # fmt: skip
#: so many rows are looked through in one transaction
_CHUNK = 10_000


class Unfinished(PortalError):
    """There was no time for all of it; the same again goes on."""


def erase(session: Session, person_id: int, by_id: int | None, seconds: float | None = None) -> int:
    """Remove the name of a deactivated person everywhere. Returns in how many texts it was.

    Args:
        seconds: after which it is left unfinished.

    Raises:
        PortalError: the person is active, or only a superuser may do that.
        Unfinished: there was no time for all of it.
    """
    person = session.get_one(User, person_id)
    by = None if by_id is None else session.get_one(User, by_id)
    access.demand_reach(by, person)
    if person.erased is not None:
        return 0
    if person.is_active:
        raise PortalError(_("Deactivate %(name)s first.", name=person.name))
    names = _Names(person.username, person.full_name, person.username_key)
    until = None if seconds is None else time.monotonic() + seconds
    count = sum(_clean(session, model, column, names, until) for model, column in TEXTS)
    with writes.writing(session):
        _anonymise(session, session.get_one(User, person_id))
        audit.append(session, [Entry("person.erased", by_id, "person", person_id, {"texts": count})])
    return count


class _Names:
    """The names of a person, and what replaces them."""

    def __init__(self, username: str, full_name: str, key: str) -> None:
        self.names = sorted({name for name in (username, full_name) if name}, key=len, reverse=True)
        self.keys = {key}
        words = "|".join(rf"(?<!\w)@?{re.escape(name)}(?!\w)" for name in self.names)
        self._pattern = re.compile(words, re.IGNORECASE)

    def criterion(self, column: Any) -> Any:
        """The rows that could hold one; JSON writes letters beyond ASCII in its own way."""
        text = func.lower(cast(column, String))
        written = {*self.names, *self.keys}
        written |= {json.dumps(name)[1:-1] for name in written}
        plain = cast(column, String)  # SQLite knows small letters of ASCII alone
        ways = [text.contains(name.lower(), autoescape=True) for name in sorted(written)]
        return or_(*ways, *(plain.contains(name, autoescape=True) for name in sorted(written)))

    def out_of(self, value: Any) -> Any:
        """The same without the names."""
        if isinstance(value, str):
            return self._pattern.sub(FORMER, value)
        if isinstance(value, list):
            return [self.out_of(each) for each in value if each not in self.keys]
        if isinstance(value, dict):
            return {key: self.out_of(each) for key, each in value.items()}
        return value


def _clean(session: Session, model: Any, name: str, names: _Names, until: float | None) -> int:
    column, count, first = getattr(model, name), 0, 0
    writes.begin(session)
    last = session.scalar(select(func.max(model.id))) or 0
    while first < last:
        if until is not None and time.monotonic() > until:
            session.rollback()
            raise Unfinished(_("There is more than fits into one request. Say it again to go on."))
        writes.begin(session)
        query = select(model.id, column).where(
            model.id > first, model.id <= first + _CHUNK, names.criterion(column)
        )
        for number, value in session.execute(query).all():
            cleaned = names.out_of(value)
            if cleaned != value:
                writes.run(session, update(model).where(model.id == number).values({name: cleaned}))
                count += 1
        session.commit()
        first += _CHUNK
    return count


def _anonymise(session: Session, person: User) -> None:
    sign_out(session, person)
    own: tuple[Any, ...] = (Absence, CalendarFeed, Digest, Draft, ExternalIdentity, Notice, ParkedForm)
    for model in (*own, RecoveryCode, SecondFactor):
        session.execute(delete(model).where(model.user_id == person.id))
    session.execute(update(Absence).where(Absence.substitute_id == person.id).values(substitute_id=None))
    session.execute(delete(Outgoing).where(Outgoing.user_id == person.id))
    session.execute(update(User).where(User.manager_id == person.id).values(manager_id=None))
    person.username = _free_name(session, person)
    person.full_name, person.email, person.department = "", None, ""
    person.password_hash = person.language = person.timezone = person.capacity = person.manager = None
    person.skills, person.permissions, person.preferences = [], [], {}
    person.roles = list[Role]()
    person.is_superuser, person.last_sign_in, person.erased = False, None, utcnow()
    session.flush()


def _free_name(session: Session, person: User) -> str:
    name = f"former-{person.id}"
    while session.scalar(select(User.id).where(User.username_key == name, User.id != person.id)) is not None:
        name += "-"
    return name
