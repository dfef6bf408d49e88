"""Statements about what a person may see, made once and kept for everybody with the same permissions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Select, bindparam
from sqlalchemy.orm import Session

from portal.engine import absences
from portal.engine.statements import driver
from portal.flow.registry import registry
from portal.models import BigId, User, UTCDateTime

#: always the same: what is kept of criteria is kept by these
_ME: Any = bindparam("me", type_=BigId)
_NOW: Any = bindparam("now", type_=UTCDateTime)


class Holder:
    """Whoever holds these permissions: a statement made for one person serves all who hold the same."""

    def __init__(self, user: User) -> None:
        self.is_superuser = user.is_superuser
        self.all_permissions = user.all_permissions
        self.id, self.now = _ME, _NOW
        #: a statement for who stands in for somebody is made for them alone
        self.stand_ins: tuple[Any, ...] = ()

    def can(self, permission: str) -> bool:
        return self.is_superuser or permission in self.all_permissions

    def manages(self, label: str) -> bool:
        return self.can(f"{label}.manage")

    def views(self, label: str) -> bool:
        return self.can(f"{label}.view") or self.manages(label)

    @property
    def key(self) -> tuple[Any, ...]:
        return self.is_superuser, self.all_permissions


#: statements that were made before, by what they read, permissions, database and flows
_statements: dict[Any, Any] = {}
_MOST_STATEMENTS = 1_000


def cached_statement(
    session: Session, user: User, key: tuple[Any, ...], make: Callable[[Any], Select[Any]]
) -> Select[Any]:
    """A statement about what a person may see, made once for all who hold the same. It wants the values `me` and `now`.

    Args:
        key: what tells this statement from others.
        make: makes it, of a `Holder`, or of a person who stands in for somebody.
    """
    if absences.standing_in(user):
        return make(user)
    holder = Holder(user)
    found: Select[Any] = _cached((key, session.get_bind().dialect.name), holder, lambda: make(holder))
    return found


def cached_rows(
    session: Session,
    user: User,
    key: tuple[Any, ...],
    make: Callable[[Any], Select[Any]],
    values: dict[str, Any],
) -> Sequence[Any]:
    """The rows of such a statement, where it reads columns and no objects: it is compiled once, too, and its rows come
    from the driver."""
    if absences.standing_in(user):
        return session.execute(make(user), values).all()
    if session.autoflush:
        session.flush()
    holder, connection = Holder(user), session.connection()
    dialect = connection.dialect
    # what a person may see differs in size by orders: it is planned for the values at hand
    query: driver.Query = _cached(
        (key, dialect), holder, lambda: driver.Query(dialect, make(holder), plans=False)
    )
    return query.read(connection, values)


def _cached(key: tuple[Any, ...], holder: Holder, make: Callable[[], Any]) -> Any:
    place = (key, holder.key, tuple(registry.values()))
    found = _statements.get(place)
    if found is None:
        if len(_statements) >= _MOST_STATEMENTS:
            _statements.clear()
        found = _statements[place] = make()
    return found
