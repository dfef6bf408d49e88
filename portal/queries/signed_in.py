"""Who makes a request: the person of a browser's session, in one statement with all that every page asks of them.

Each request sends it, so it is worked out once, and what it answers goes into the session without the ORM's loaders.
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, inspect, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import instance_state, set_committed_value

from portal.engine.statements.placing import columns, keys, place
from portal.models import Absence, Role, User, UserSession
from portal.models.user import user_role

from .notices import unread_of

_U, _S, _R, _A = User.__table__, UserSession.__table__, Role.__table__, Absence.__table__
_REPLACED = _U.alias("replaced")


class SignedIn(NamedTuple):
    """A person, and what is known of their session."""

    user: User
    session_id: int
    #: when the session was used last, as it is noted
    seen: dt.datetime
    #: how many notices they have not read
    unread: int


def signed_in(
    session: Session, token_hash: str, now: dt.datetime, idle_since: dt.datetime, oldest: dt.datetime
) -> SignedIn | None:
    """Who is signed in with this token, with their roles and those for whom they stand in. None where it has ended.

    Args:
        idle_since: a session that was not used since then has ended.
        oldest: one that began before has, too.
    """
    values = {"token": token_hash, "now": now, "idle_since": idle_since, "oldest": oldest}
    rows = session.connection().execute(_query(), values).all()
    if not rows:
        return None
    ends: list[int] = []
    for model in (User, Role, Absence, User):
        ends.append((ends[-1] if ends else 3) + len(keys(model)))
    first, roles, stand_ins = rows[0], {}, {}
    user = _placed(session, User, first[3 : ends[0]])
    for row in rows:
        if row[ends[0]] is not None and row[ends[0]] not in roles:
            roles[row[ends[0]]] = _placed(session, Role, row[ends[0] : ends[1]])
        if row[ends[1]] is not None and row[ends[1]] not in stand_ins:
            away = stand_ins[row[ends[1]]] = _placed(session, Absence, row[ends[1] : ends[2]])
            same = row[ends[2]] == user.id
            set_committed_value(
                away, "user", user if same else _placed(session, User, row[ends[2] : ends[3]])
            )
    set_committed_value(user, "roles", list(roles.values()))
    set_committed_value(user, "stand_ins", list(stand_ins.values()))
    return SignedIn(user, *first[:3])


def _placed(session: Session, model: Any, values: Any) -> Any:
    """The object of the session with these values. One that an application has changed and not saved stays so."""
    mapper: Any = inspect(model)
    found = session.identity_map.get(mapper.identity_key_from_primary_key((values[0],)))
    if found is not None and instance_state(found).modified:
        return found
    return place(session, mapper, dict(zip(keys(model), values, strict=True)))


@cache
def _query() -> Select[Any]:
    source = (
        _U.join(_S, _S.c.user_id == _U.c.id)
        .outerjoin(user_role, user_role.c.user_id == _U.c.id)
        .outerjoin(_R, _R.c.id == user_role.c.role_id)
        .outerjoin(_A, _A.c.substitute_id == _U.c.id)
        .outerjoin(_REPLACED, _REPLACED.c.id == _A.c.user_id)
    )
    read = [_S.c.id, _S.c.seen, unread_of(_U.c.id)]
    read += [*columns(User), *columns(Role), *columns(Absence), *columns(User, _REPLACED)]
    return (
        select(*read)
        .select_from(source)
        .where(
            _S.c.token_hash == bindparam("token"),
            _S.c.session_key == _U.c.session_key,
            _S.c.seen > bindparam("idle_since"),
            _S.c.created > bindparam("oldest"),
            or_(_S.c.ends.is_(None), _S.c.ends > bindparam("now")),
            _U.c.is_active,
        )
    )
