"""Who makes a request: the person of a browser's session, in one statement with their roles and unread notices.

Each request sends it, so its text is worked out once, and what it answers goes into the session without the ORM's
loaders.
"""

from __future__ import annotations

import datetime as dt
from contextlib import nullcontext
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Dialect, bindparam, exists, inspect, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import instance_state, set_committed_value

from portal.engine.statements import driver
from portal.engine.statements.placing import columns, keys, place
from portal.models import Absence, Role, User, UserSession, glance
from portal.models.user import user_role

from .notices import unread_of

_U, _S, _R, _A = User.__table__, UserSession.__table__, Role.__table__, Absence.__table__


class SignedIn(NamedTuple):
    """A person, and what is known of their session."""

    user: User
    session_id: int
    #: when the session was used last, as it is noted
    seen: dt.datetime
    #: how many notices they have not read
    unread: int


def signed_in(
    session: Session,
    token_hash: str,
    now: dt.datetime,
    idle_since: dt.datetime,
    oldest: dt.datetime,
    *,
    writes: bool = False,
) -> SignedIn | None:
    """Who is signed in with this token, with their roles and those for whom they stand in. None where it has ended.

    Args:
        idle_since: a session that was not used since then has ended.
        oldest: one that began before has, too.
        writes: the request writes, in a transaction that begins behind this.
    """
    values = {"token": token_hash, "now": now, "idle_since": idle_since, "oldest": oldest}
    with glance(session) if writes else nullcontext(session.connection()) as connection:
        rows = _query(connection.dialect).read(connection, values)
        if not rows:
            return None
        session_id, seen, unread, stands_in, user_id, *_rest = rows[0]
        found: list[Any] = []
        if stands_in:
            found = _query_of_stand_ins(connection.dialect).read(connection, {"user_id": user_id})
    width = len(keys(User))
    user = _placed(session, User, rows[0][4 : 4 + width])
    if not instance_state(user).modified:  # what an application has given them and not saved yet stays
        held = [_placed(session, Role, row[4 + width :]) for row in rows if row[4 + width] is not None]
        set_committed_value(user, "roles", held)
    set_committed_value(user, "stand_ins", [_absence(session, user, row) for row in found])
    return SignedIn(user, session_id, seen, unread)


def _absence(session: Session, user: User, row: Any) -> Absence:
    width = len(keys(Absence))
    absence: Absence = _placed(session, Absence, row[:width])
    away = user if row[width] == user.id else _placed(session, User, row[width:])
    set_committed_value(absence, "user", away)
    return absence


def _placed(session: Session, model: Any, values: Any) -> Any:
    """The object of the session with these values. One that an application has changed and not saved stays so."""
    mapper: Any = inspect(model)
    found = session.identity_map.get(mapper.identity_key_from_primary_key((values[0],)))
    if found is not None and instance_state(found).modified:
        return found
    return place(session, mapper, dict(zip(keys(model), values, strict=True)))


@lru_cache(maxsize=16)
def _query(dialect: Dialect) -> driver.Query:
    source = (
        _U.join(_S, _S.c.user_id == _U.c.id)
        .outerjoin(user_role, user_role.c.user_id == _U.c.id)
        .outerjoin(_R, _R.c.id == user_role.c.role_id)
    )
    stands_in = exists().where(_A.c.substitute_id == _U.c.id)
    read = [_S.c.id, _S.c.seen, unread_of(_U.c.id), stands_in, *columns(User), *columns(Role)]
    return driver.Query(
        dialect,
        select(*read)
        .select_from(source)
        .where(
            _S.c.token_hash == bindparam("token"),
            _S.c.session_key == _U.c.session_key,
            _S.c.seen > bindparam("idle_since"),
            _S.c.created > bindparam("oldest"),
            or_(_S.c.ends.is_(None), _S.c.ends > bindparam("now")),
            _U.c.is_active,
        ),
    )


@lru_cache(maxsize=16)
def _query_of_stand_ins(dialect: Dialect) -> driver.Query:
    """Few stand in for anybody, and what is read of these would be most of what each request reads."""
    read = [*columns(Absence), *columns(User)]
    source = _A.join(_U, _U.c.id == _A.c.user_id)
    return driver.Query(
        dialect, select(*read).select_from(source).where(_A.c.substitute_id == bindparam("user_id"))
    )
