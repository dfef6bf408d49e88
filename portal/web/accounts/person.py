"""Who makes a request: somebody who has signed in here, or whom the application around the portal names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask import g, session
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from portal import usernames
from portal.errors import PortalError
from portal.models import User, db, find_user, roles_named

from ..mount import mount
from . import sessions


@dataclass(frozen=True)
class Identity:
    """A person as the application around the portal knows them.

    Args:
        username: by which they are told from others, always the same one.
        name: what others call them; `None` leaves what is known.
        email: where mail goes; `""` for none, `None` leaves what is known.
        roles: names of all roles that they have, made when absent; `None` leaves what is known.

    Raises:
        PortalError: the user name is no text, or the roles are no list of texts.
    """

    username: str
    name: str | None = None
    email: str | None = None
    roles: Iterable[str] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.username, str):
            raise PortalError(f"Identity(username=…) is a text; write {str(self.username)!r}")
        if isinstance(self.roles, str):
            raise PortalError(f"Identity(roles=…) is a list of names; write roles=[{self.roles!r}]")
        if self.roles is not None:
            object.__setattr__(self, "roles", tuple(self.roles))  # which may be read more than once


class _Nobody:
    is_authenticated, is_active, is_anonymous = False, False, True
    preferences: dict[str, Any] = {}


NOBODY: Any = _Nobody()


def person() -> Any:
    """The `User` who makes this request; somebody who is not authenticated where nobody is signed in."""
    here = mount()
    if here.whole:
        return current_user._get_current_object()
    if "portal_person" not in g:
        g.portal_person = _signed_in() if here.identity is None else _named(here.identity())
    return g.portal_person


def is_signed_in() -> bool:
    return bool(person().is_authenticated)


def _signed_in() -> Any:
    token = session.get(sessions.token_name())
    return (sessions.load(token) if token else None) or NOBODY


def _named(identity: Identity | None) -> Any:
    if identity is None:
        return NOBODY
    if not isinstance(identity, Identity):
        raise PortalError(f"identity= answers a portal.Identity or None, not {identity!r}; write Identity(…)")
    database = db.session()
    user = _read(database, identity)
    if user is None or not _is_current(user, identity):
        user = _keep(database, identity)
    return user


def _read(database: Session, identity: Identity) -> User | None:
    query = select(User).where(User.username == usernames.clean(identity.username))
    return database.scalars(query.options(joinedload(User.roles))).unique().one_or_none()


def _values(identity: Identity) -> dict[str, Any]:
    said = {"full_name": identity.name, "email": identity.email}
    return {name: value.strip() or _EMPTY[name] for name, value in said.items() if value is not None}


_EMPTY = {"full_name": "", "email": None}


def _is_current(user: User, identity: Identity) -> bool:
    same = all(getattr(user, name) == value for name, value in _values(identity).items())
    return same and (identity.roles is None or {role.name for role in user.roles} == set(identity.roles))


def _keep(database: Session, identity: Identity) -> User:
    """Make this person, or bring them up to date.

    In the session that everyone uses: a second connection could not write on SQLite while the first one reads, and the
    first one would not see what it wrote. What the application has not saved yet is saved ahead of it.

    Raises:
        PortalError: nobody can have this name, or somebody has one that looks like it.
    """
    if database.has_unsaved:  # type: ignore[attr-defined]
        database.commit()
    for last in (False, True):
        database.rollback()
        database.connection(execution_options={"writes": True})  # locks before it reads
        try:
            _write(database, identity)
            database.commit()
            break
        except IntegrityError:  # made by another request at this moment
            if last:
                raise
        except BaseException:
            database.rollback()
            raise
    found = _read(database, identity)
    assert found is not None
    return found


def _write(database: Session, identity: Identity) -> None:
    user = _read(database, identity)
    if user is None:
        _demand_name(database, identity.username)
        user = User(username=identity.username, permissions=[])
        database.add(user)
    for name, value in _values(identity).items():
        setattr(user, name, value)
    if identity.roles is not None:
        user.roles = roles_named(database, identity.roles)


def _demand_name(database: Session, username: str) -> None:
    fault = usernames.fault(username)
    if fault is not None:
        raise PortalError(fault)
    there = find_user(database, username)
    if there is not None:  # two people of the application must not become one
        raise PortalError(
            f"the application names {username!r}, and there is a user {there.username!r}: it looks like the same name"
        )
