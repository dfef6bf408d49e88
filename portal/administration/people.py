"""Adds and changes people, with one set of checks for pages, commands and imports."""

from __future__ import annotations

import secrets
import zoneinfo
from collections.abc import Mapping
from typing import Any

from babel import Locale, UnknownLocaleError
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload

from portal import usernames
from portal.engine import audit
from portal.engine.audit import Entry
from portal.errors import PermissionDenied, PortalError
from portal.jsonstore import EmailField, check_text
from portal.language import gettext as _
from portal.models import Role, User, UserSession, check_permissions, find_user

from . import access

#: what can be said of a person
FIELDS = (
    "full_name", "email", "manager", "department", "skills", "capacity", "language", "timezone", "roles",
    "permissions", "is_superuser",
)  # fmt: skip
#: characters of a text, by its field
_LONGEST = {"full_name": 200, "department": 200, "email": 254}
#: how many skills, and characters of one
_SKILLS, _SKILL = 100, 100
#: what the audit tells by itself, with its old and its new value
_RIGHTS = ("roles", "permissions", "is_superuser")


class Unfit(PortalError):
    """What cannot be said of a person, by its field."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        self.faults = dict(faults)
        super().__init__("; ".join(f"{name}: {fault}" for name, fault in faults.items()))


def checked(session: Session, given: Mapping[str, Any], person: User | None = None) -> dict[str, Any]:
    """Check the values that are given for a person, and return them as they are stored: people and roles as rows.

    Args:
        given: some of `FIELDS`; texts, lists of texts, `capacity` a number or None, `manager` a user name.
        person: whom it is for; None for somebody new.

    Raises:
        Unfit: what of it cannot be, each with the reason.
    """
    values: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for name in FIELDS:
        if name in given:
            try:
                values[name] = _CHECKS[name](session, given[name], person)
            except PortalError as error:
                faults[name] = str(error)
    if faults:
        raise Unfit(faults)
    return values


def values_of(person: User) -> dict[str, Any]:
    """What is stored of a person, as it is given."""
    plain = {name: getattr(person, name) for name in ("full_name", "department", "capacity", "is_superuser")}
    return {
        **plain,
        "email": person.email or "",
        "manager": person.manager.username if person.manager is not None else "",
        "language": person.language or "",
        "timezone": person.timezone or "",
        "skills": list(person.skills or ()),
        "roles": sorted(role.name for role in person.roles),
        "permissions": sorted(person.permissions or ()),
    }


def add(
    session: Session, username: str, given: Mapping[str, Any], by: User | None, password: str | None = None
) -> User:
    """Make a person, within a transaction that writes. See `checked` for what can be given.

    Args:
        by: who adds them; None is the system.
        password: None makes somebody who chooses one by a link, or is signed in by others.

    Raises:
        PortalError: the name cannot be or is taken, or something given cannot be.
    """
    fault = usernames.fault(username or "")
    there = None if fault else find_user(session, username)
    if there is not None:
        fault = _("there is a user “%(name)s” already", name=there.username)
    if fault is not None:
        raise Unfit({"username": fault})
    person = User(username=username, permissions=[], skills=[], preferences={})
    _apply(person, checked(session, given), by)
    if password is not None:
        person.set_password(password)
    session.add(person)
    try:
        session.flush()
    except IntegrityError as error:  # somebody was faster
        raise Unfit({"username": _("there is a user “%(name)s” already", name=username)}) from error
    now = values_of(person)
    rights = {name: now[name] for name in _RIGHTS if now[name]}
    audit.append(session, [Entry("person.added", _id(by), "person", person.id, rights)])
    return person


def change(session: Session, person: User, given: Mapping[str, Any], by: User | None) -> list[str]:
    """Change what is stored of a person, within a transaction that writes. The names of the fields that differ.

    Raises:
        PortalError: something given cannot be, only a superuser may do that, or nobody would be left to administer.
    """
    access.demand_reach(by, person)
    access.one_at_a_time(session)
    if person.erased is not None:
        raise PortalError(_("This person was erased."))
    before, was_admin = values_of(person), access.administers(person)
    _apply(person, checked(session, given, person), by)
    after = values_of(person)
    changed = [name for name in FIELDS if before[name] != after[name]]
    if was_admin and not access.administers(person):
        access.demand_administrator(session)
    entries = [_of_rights(name, before[name], after[name], person, by) for name in changed if name in _RIGHTS]
    if others := [name for name in changed if name not in _RIGHTS]:
        entries.append(Entry("person.changed", _id(by), "person", person.id, {"fields": others}))
    audit.append(session, entries)
    return changed


def end_sessions(session: Session, person: User, by: User | None) -> None:
    """Sign a person out everywhere and make their password useless, within a transaction that writes."""
    access.demand_reach(by, person)
    sign_out(session, person)
    person.password_hash = None
    audit.append(session, [Entry("person.password", _id(by), "person", person.id)])


def sign_out(session: Session, person: User) -> None:
    """End the sessions of a person, and what was sent to set their password."""
    person.session_key = secrets.token_hex(16)
    session.execute(delete(UserSession).where(UserSession.user_id == person.id))


def one(session: Session, username: str) -> User | None:
    """A person with what the pages show of them. None if there is none."""
    found = find_user(session, username.replace("\0", ""))
    if found is not None:
        query = select(User).where(User.id == found.id)
        session.scalars(query.options(selectinload(User.roles), selectinload(User.manager))).one()
    return found


def _apply(person: User, values: Mapping[str, Any], by: User | None) -> None:
    raised = values.get("is_superuser", person.is_superuser) != bool(person.is_superuser)
    if raised and by is not None and not by.is_superuser:
        raise PermissionDenied(_("Only a superuser makes somebody a superuser, or ends that."))
    for name, value in values.items():
        if name == "permissions" and sorted(value) == sorted(person.permissions or ()):
            continue
        setattr(person, name, value)


def _of_rights(name: str, before: Any, after: Any, person: User, by: User | None) -> Entry:
    if name == "is_superuser":
        return Entry("person.superuser", _id(by), "person", person.id, {"is": after})
    detail = {"added": sorted(set(after) - set(before)), "removed": sorted(set(before) - set(after))}
    return Entry(f"person.{name}", _id(by), "person", person.id, detail)


def _id(user: User | None) -> int | None:
    return None if user is None else user.id


# -- the check of each field -------------------------------------------------------------------------------------


def _text(name: str) -> Any:
    def check(_session: Session, value: Any, _person: User | None) -> str:
        try:
            found = " ".join(check_text(str(value or "")).split())
        except ValueError as error:
            raise PortalError(str(error)) from error
        if len(found) > _LONGEST[name]:
            raise PortalError(_("at most %(number)s characters", number=_LONGEST[name]))
        return found

    return check


def _email(session: Session, value: Any, person: User | None) -> str | None:
    found = str(_text("email")(session, value, person))
    if not found:
        return None
    try:
        EmailField().check(found)
    except ValueError as error:
        raise PortalError(_("enter an address such as alice@example.com")) from error
    return found


def _manager(session: Session, value: Any, person: User | None) -> User | None:
    name = str(value or "").replace("\0", "").strip()
    if not name:
        return None
    found = find_user(session, name)
    if found is None:
        raise PortalError(_("there is no user “%(name)s”", name=name[:50]))
    above, seen = found, set()
    while above is not None and above.id not in seen:
        if person is not None and above.id == person.id:
            raise PortalError(_("%(name)s would be above themselves", name=person.name))
        seen.add(above.id)
        above = above.manager  # type: ignore[assignment]
    return found


def _skills(_session: Session, value: Any, _person: User | None) -> list[str]:
    try:
        found = list(dict.fromkeys(filter(None, (" ".join(check_text(str(each)).split()) for each in value))))
    except ValueError as error:
        raise PortalError(str(error)) from error
    if len(found) > _SKILLS or any(len(each) > _SKILL for each in found):
        raise PortalError(
            _("at most %(number)s skills of %(length)s characters", number=_SKILLS, length=_SKILL)
        )
    return found


def _capacity(_session: Session, value: Any, _person: User | None) -> int | None:
    if value in (None, ""):
        return None
    text = str(value).strip()
    if not (text.isascii() and text.isdigit()) or int(text[:10]) > 10_000:
        raise PortalError(_("a whole number up to 10,000, or nothing"))
    return int(text)


def _language(_session: Session, value: Any, _person: User | None) -> str | None:
    if not value:
        return None
    try:
        Locale.parse(str(value)[:20], sep="-")
    except (ValueError, UnknownLocaleError) as error:
        raise PortalError(_("a language such as de or de-CH")) from error
    return str(value)


def _timezone(_session: Session, value: Any, _person: User | None) -> str | None:
    if not value:
        return None
    if str(value) not in zoneinfo.available_timezones():
        raise PortalError(_("a time zone such as Europe/Zurich"))
    return str(value)


def _roles(session: Session, value: Any, _person: User | None) -> list[Role]:
    names = list(dict.fromkeys(str(each).replace("\0", "") for each in value))
    found = (
        {role.name: role for role in session.scalars(select(Role).where(Role.name.in_(names)))}
        if names
        else {}
    )
    if missing := [name for name in names if name not in found]:
        raise PortalError(_("there is no role “%(name)s”", name=missing[0][:80]))
    return [found[name] for name in names]


def _permissions(_session: Session, value: Any, person: User | None) -> list[str]:
    held = set() if person is None else set(person.permissions or ())
    # What a flow does not declare any more stays until somebody takes it away.
    return sorted(
        {*(name for name in value if name in held), *check_permissions(n for n in value if n not in held)}
    )


def _flag(_session: Session, value: Any, _person: User | None) -> bool:
    return bool(value)


_CHECKS = {
    "full_name": _text("full_name"), "email": _email, "manager": _manager, "department": _text("department"),
    "skills": _skills, "capacity": _capacity, "language": _language, "timezone": _timezone, "roles": _roles,
    "permissions": _permissions, "is_superuser": _flag,
}  # fmt: skip
