"""The list of people: search, filters, order and pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, selectinload

from portal import usernames
from portal.models import Absence, Role, User, user_role, utcnow
from portal.queries.paging import Key, Order, Page, fetch

_NAME = (Key(User.name_key, "name_key"), Key(User.id, "id"))
_SIGNED_IN = (Key(User.last_sign_in, "last_sign_in", descending=True, nullable=True), Key(User.id, "id"))
ORDERS: dict[str, Order] = {
    "name": _NAME,
    "-name": tuple(replace(key, descending=True) for key in _NAME),
    "username": (Key(User.username_key, "username_key"), Key(User.id, "id")),
    "-username": (
        Key(User.username_key, "username_key", descending=True), Key(User.id, "id", descending=True),
    ),
    "signed_in": _SIGNED_IN,
    "-signed_in": (replace(_SIGNED_IN[0], descending=False), _SIGNED_IN[1]),
}  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """The filters of the list, as the address of the page has them.

    Attributes:
        q: a part of the name, the user name or the mail address.
        state: `active`, `deactivated`, `erased`, or empty for everybody who is not erased.
    """

    q: str = ""
    role: str = ""
    department: str = ""
    state: str = ""
    sort: str = ""
    after: str = ""

    @property
    def narrows(self) -> bool:
        return bool(self.q or self.role or self.department or self.state)


def page(session: Session, wanted: Wanted, size: int = 50) -> Page:
    order = ORDERS.get(wanted.sort, ORDERS["name"])
    query = (
        select(User).options(selectinload(User.roles), selectinload(User.manager)).where(*_criteria(wanted))
    )
    return fetch(session, query, order, wanted.after, size)


def everybody(session: Session, wanted: Wanted) -> Iterator[User]:
    """All that match, read a page at a time."""
    after = ""
    while True:
        found = page(session, replace(wanted, after=after), 500)
        yield from found
        session.expunge_all()
        if not found.after:
            return
        after = found.after


def departments(session: Session) -> list[str]:
    query = (
        select(User.department).where(User.department != "").distinct().order_by(User.department).limit(200)
    )
    return list(session.scalars(query))


def away(session: Session, people: list[User]) -> dict[int, Any]:
    """Until when those of these people who are away now are away."""
    if not people:
        return {}
    now = utcnow()
    query = select(Absence.user_id, Absence.ends).where(
        Absence.user_id.in_([person.id for person in people]), Absence.begins <= now, Absence.ends > now
    )
    return {row[0]: row[1] for row in session.execute(query)}


def _criteria(wanted: Wanted) -> Iterator[Any]:
    if wanted.state == "active":
        yield User.is_active
    elif wanted.state == "deactivated":
        yield ~User.is_active
    yield User.erased.is_not(None) if wanted.state == "erased" else User.erased.is_(None)
    if wanted.role:
        yield User.id.in_(select(user_role.c.user_id).join(Role).where(Role.name == wanted.role))
    if wanted.department:
        yield User.department == wanted.department
    for word in wanted.q.split():
        key = usernames.key(word)
        columns = [User.email.icontains(word, autoescape=True)]
        if key:
            columns += [c.contains(key, autoescape=True) for c in (User.name_key, User.username_key)]
        yield or_(*columns)
