"""Checks who may administer, and that somebody who may always remains."""

from __future__ import annotations

from sqlalchemy import String, cast, or_, select, text
from sqlalchemy.orm import Session, selectinload

from portal.errors import PermissionDenied, PortalError
from portal.flow.registry import ADMIN
from portal.language import gettext as _
from portal.models import Role, User


def administers(user: User) -> bool:
    """Whether a person may administer people, roles, the audit and retention."""
    return user.is_active and user.can(ADMIN)


def demand_reach(by: User | None, person: User) -> None:
    """Refuse an administrator who is no superuser where the person is one. None is the system.

    Raises:
        PermissionDenied: they could make themselves one through that person.
    """
    if by is not None and person.is_superuser and not by.is_superuser:
        raise PermissionDenied(
            _("%(name)s is a superuser: only another superuser may do this.", name=person.name)
        )


def one_at_a_time(session: Session) -> None:
    """Lock changes of people's rights until the end of this transaction, so that two administrators who deactivate each
    other at the same moment cannot leave nobody. SQLite has one writer anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE portal_role IN SHARE ROW EXCLUSIVE MODE"))


def administrators(session: Session) -> list[User]:
    """The active people who may administer."""
    named = f'%"{ADMIN}"%'
    by_role = User.roles.any(cast(Role.permissions, String).like(named))
    could = or_(User.is_superuser, cast(User.permissions, String).like(named), by_role)
    query = select(User).where(User.is_active, could).options(selectinload(User.roles)).order_by(User.id)
    return [user for user in session.scalars(query) if administers(user)]


def is_last(session: Session, user: User) -> bool:
    """Whether nobody else may administer."""
    return [each.id for each in administrators(session)] == [user.id]


def demand_administrator(session: Session) -> None:
    """Refuse what has just been done, if it has left nobody who may administer though there was somebody.

    Raises:
        PortalError: it has.
    """
    session.flush()
    session.expire_all()
    if not administrators(session):
        raise PortalError(
            _("Nobody would be left who may administer. Make somebody else an administrator first.")
        )
