"""Roles: named sets of permissions. Each function works within a transaction that writes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from portal.engine import audit
from portal.engine.audit import Entry
from portal.errors import PortalError
from portal.flow.registry import ADMIN
from portal.jsonstore import check_text
from portal.language import gettext as _
from portal.models import Role, User, check_permissions, user_role

from . import access

_LONGEST = 80


@dataclass(frozen=True)
class Listed:
    """A role, and how many people have it."""

    role: Role
    people: int


def listed(session: Session) -> list[Listed]:
    """All roles by name, in one statement."""
    count = select(func.count()).where(user_role.c.role_id == Role.id).scalar_subquery()
    return [
        Listed(*row) for row in session.execute(select(Role, count).order_by(func.lower(Role.name), Role.id))
    ]


def members(session: Session, role: Role, limit: int) -> list[User]:
    """People who have a role, by name."""
    query = select(User).join(user_role, user_role.c.user_id == User.id).where(user_role.c.role_id == role.id)
    return list(session.scalars(query.order_by(User.name_key, User.id).limit(limit)))


def named(session: Session, name: str) -> Role | None:
    return session.scalar(select(Role).where(Role.name == name.replace("\0", "")))


def add(session: Session, name: str, permissions: Iterable[str], by: User | None) -> Role:
    """
    Raises:
        PortalError: the name is empty, too long or taken, or a permission is unknown.
    """
    access.one_at_a_time(session)
    role = Role(name=_fit_name(session, name), permissions=check_permissions(permissions))
    session.add(role)
    session.flush()
    entry = Entry(
        "role.added", _id(by), "role", role.id, {"name": role.name, "permissions": list(role.permissions)}
    )
    audit.append(session, [entry])
    return role


def change(
    session: Session,
    role: Role,
    by: User | None,
    *,
    name: str | None = None,
    permissions: Iterable[str] | None = None,
) -> bool:
    """Rename a role, or say anew what it allows; None leaves it. Whether anything differs.

    Raises:
        PortalError: the name is empty, too long or taken, a permission is unknown, or nobody would be left who may
            administer.
    """
    access.one_at_a_time(session)
    entries = []
    if name is not None and name.strip() != role.name:
        before, role.name = role.name, _fit_name(session, name)
        entries.append(Entry("role.renamed", _id(by), "role", role.id, {"from": before, "to": role.name}))
    if permissions is not None:
        held, wanted = set(role.permissions), set(permissions)
        check_permissions(wanted - held)  # what a flow does not declare any more stays until it is taken away
        if held != wanted:
            role.permissions = sorted(wanted)
            detail = {"name": role.name, "added": sorted(wanted - held), "removed": sorted(held - wanted)}
            entries.append(Entry("role.permissions", _id(by), "role", role.id, detail))
            if ADMIN in held - wanted:
                access.demand_administrator(session)
    audit.append(session, entries)
    return bool(entries)


def remove(session: Session, role: Role, by: User | None) -> None:
    """
    Raises:
        PortalError: nobody would be left to administer.
    """
    access.one_at_a_time(session)
    admins = ADMIN in role.permissions
    detail = {"name": role.name, "permissions": list(role.permissions)}
    number = role.id
    session.execute(user_role.delete().where(user_role.c.role_id == number))
    session.delete(role)
    if admins:
        access.demand_administrator(session)
    audit.append(session, [Entry("role.removed", _id(by), "role", number, detail)])


def set_members(session: Session, role: Role, people: Iterable[User], by: User | None, *, added: bool) -> int:
    """Give a role to people, or take it from them. Returns how many changed.

    Raises:
        PortalError: nobody would be left to administer.
    """
    access.one_at_a_time(session)
    entries = []
    ids = [person.id for person in people]
    found = (
        session.scalars(select(User).where(User.id.in_(ids)).options(selectinload(User.roles))) if ids else ()
    )
    for person in found:
        if (role in person.roles) == added:
            continue
        person.roles.append(role) if added else person.roles.remove(role)
        change = {"added": [role.name] if added else [], "removed": [] if added else [role.name]}
        entries.append(Entry("person.roles", _id(by), "person", person.id, change))
    if entries and not added and ADMIN in role.permissions:
        access.demand_administrator(session)
    audit.append(session, entries)
    return len(entries)


def _fit_name(session: Session, name: str) -> str:
    try:
        found = " ".join(check_text(name).split())
    except ValueError as error:
        raise PortalError(str(error)) from error
    if not found or len(found) > _LONGEST or "/" in found:
        raise PortalError(
            _("A role needs a name of at most %(number)s characters, without a slash.", number=_LONGEST)
        )
    if named(session, found) is not None:
        raise PortalError(_("There is a role “%(name)s” already.", name=found))
    return found


def _id(user: User | None) -> int | None:
    return None if user is None else user.id
