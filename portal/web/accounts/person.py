"""Finds who makes a request: who has signed in here, or whom the application around the portal names."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import current_app, g, session
from flask_login import current_user
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from portal import usernames
from portal.administration.identity import Identity
from portal.engine import audit, writes
from portal.engine.audit import Entry
from portal.errors import PortalError
from portal.models import User, db, find_user, roles_named, utcnow

from ..mount import Mount, mount
from . import sessions


class _Nobody:
    is_authenticated, is_active, is_anonymous = False, False, True
    preferences: dict[str, Any] = {}


#: so often it is kept that somebody is here whom others sign in
_DAY = dt.timedelta(days=1)
NOBODY: Any = _Nobody()


def person() -> Any:
    """The `User` who makes this request; somebody who is not authenticated where nobody is signed in."""
    here: Mount = current_app.extensions["portal_mount"]
    if here.by_flask_login:
        found = g.get("_login_user")  # as Flask-Login keeps who was asked for before
        return current_user._get_current_object() if found is None else found
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
    if mount().whole and (user.last_sign_in is None or utcnow() - user.last_sign_in > _DAY):
        _note_sign_in(database, user.id)
        user = _read(database, identity)
    return user


def _note_sign_in(database: Session, user_id: int) -> None:
    """Keep that somebody is here whom a proxy signs in: it says so with each request, we once a day."""
    with writes.writing(database):
        database.execute(update(User).where(User.id == user_id).values(last_sign_in=utcnow()))
        detail = {**sessions.where_from(), "way": "proxy"}
        audit.append(database, [Entry("sign-in", user_id, "person", user_id, detail)])


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
        try:
            with writes.writing(database):
                _write(database, identity)
            break
        except IntegrityError:  # made by another request at this moment
            if last:
                raise
    found = _read(database, identity)
    assert found is not None
    return found


def _write(database: Session, identity: Identity) -> None:
    user = _read(database, identity)
    is_new = user is None
    if user is None:
        _demand_name(database, identity.username)
        user = User(username=identity.username, permissions=[])
        database.add(user)
    before = {role.name for role in user.roles}
    for name, value in _values(identity).items():
        setattr(user, name, value)
    if identity.roles is not None:
        user.roles = roles_named(database, identity.roles)
    database.flush()
    after = {role.name for role in user.roles}
    entries = [Entry("person.added", None, "person", user.id)] if is_new else []
    if before != after:
        changes = {"added": sorted(after - before), "removed": sorted(before - after)}
        entries.append(Entry("person.roles", None, "person", user.id, changes))
    audit.append(database, entries)


def _demand_name(database: Session, username: str) -> None:
    fault = usernames.fault(username)
    if fault is not None:
        raise PortalError(fault)
    there = find_user(database, username)
    if there is not None:  # two people of the application must not become one
        raise PortalError(
            f"the application names {username!r}, and there is a user {there.username!r}: it looks like the same name"
        )
