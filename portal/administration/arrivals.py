"""Signs in people of a directory: finds, links, adds, updates or deactivates their users."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from portal.engine import audit
from portal.engine.audit import Entry
from portal.errors import PortalError
from portal.jsonstore import EmailField
from portal.language import gettext as _
from portal.models import ExternalIdentity, User, find_user, people_of_mail, roles_named, utcnow
from portal.sign_in_settings import Directory

from . import access, leaving, people
from .identity import Identity

log = logging.getLogger("portal.accounts")

_LONGEST_NAME = 200


class NotLetIn(PortalError):
    """The directory knows them, and they may not sign in; why, in words for them."""


@dataclass(frozen=True)
class Arrival:
    """What a directory says of a person who has signed in to it.

    Attributes:
        source: the issuer of OpenID Connect, or `ldap`.
        subject: what never changes for this person there.
        identity: how they are called, and their roles, by their groups.
        allowed: whether their groups let them in.
        verified: whether the directory vouches for the mail address.
    """

    source: str
    subject: str
    identity: Identity
    allowed: bool = True
    verified: bool = False


def arrive(session: Session, arrival: Arrival, directory: Directory) -> User:
    """The person who signs in, up to date, within a transaction that writes. The caller commits, also on `NotLetIn`.

    Raises:
        NotLetIn: they may not sign in. Who was here before is deactivated if it is the directory that says so.
    """
    row = _row(session, arrival)
    if row is None:  # of two browsers at the same moment the second one finds what the first one adds
        access.one_at_a_time(session)
        row = _row(session, arrival)
    user = None if row is None else session.get_one(User, row.user_id)
    if not arrival.allowed:
        if user is not None and row is not None:
            shut_out(session, row, user)
        raise NotLetIn(_("Your account there may not use the portal. Ask an administrator."))
    if user is None or row is None:
        user = _known_here(session, arrival, directory) or _added(session, arrival, directory)
        row = ExternalIdentity(user_id=user.id, source=arrival.source, subject=arrival.subject)
        session.add(row)
        audit.append(session, [Entry("person.linked", None, "person", user.id, {"source": arrival.source})])
    if not user.is_active and row.ended is not None:
        leaving.reactivate(session, user, None)
    if not user.is_active:
        raise NotLetIn(_("Your account is deactivated here. An administrator can activate it again."))
    row.ended, row.seen = None, utcnow()
    _bring_up_to_date(session, user, arrival, directory)
    return user


def shut_out(session: Session, row: ExternalIdentity, user: User) -> bool:
    """Deactivate somebody whom the directory no longer lets in. False where it was so, or they have to stay."""
    if not user.is_active:
        return False
    try:
        leaving.end(session, user, None)
    except PortalError as refusal:  # the last administrator
        log.warning("person %s stays, though %s shuts them out: %s", user.id, row.source, refusal)
        return False
    row.ended = utcnow()
    return True


def of_source(session: Session, source: str) -> list[tuple[ExternalIdentity, User]]:
    """All people of a directory."""
    query = select(ExternalIdentity, User).join(User, User.id == ExternalIdentity.user_id)
    found = session.execute(query.where(ExternalIdentity.source == source).order_by(User.id))
    return [(row[0], row[1]) for row in found]


def sources_of(session: Session, person_id: int) -> list[str]:
    """The directories that know a person."""
    query = select(ExternalIdentity.source).where(ExternalIdentity.user_id == person_id).distinct()
    return list(session.scalars(query.order_by(ExternalIdentity.source)))


def is_of_a_directory(session: Session, person_id: int) -> bool:
    return bool(sources_of(session, person_id))


def _row(session: Session, arrival: Arrival) -> ExternalIdentity | None:
    query = select(ExternalIdentity).where(
        ExternalIdentity.source == arrival.source, ExternalIdentity.subject == arrival.subject
    )
    return session.scalars(query.with_for_update()).one_or_none()


def _known_here(session: Session, arrival: Arrival, directory: Directory) -> User | None:
    """A user who was here before the directory, if the settings say how the two are matched."""
    if directory.link == "username":
        found = find_user(session, arrival.identity.username)
        return found if found is not None and found.erased is None else None
    if directory.link == "email" and arrival.verified and arrival.identity.email:
        some = people_of_mail(session, arrival.identity.email)
        return some[0] if len(some) == 1 else None
    return None


def _added(session: Session, arrival: Arrival, directory: Directory) -> User:
    """
    Raises:
        NotLetIn: nobody is added here, or nobody can have this name.
    """
    if not directory.provision:
        raise NotLetIn(_("You have no account here. Ask an administrator for one."))
    try:
        return people.add(session, arrival.identity.username, {}, None)
    except PortalError as refusal:
        log.warning("somebody of %s cannot be added: %s", arrival.source, refusal)
        raise NotLetIn(
            _("You cannot be added under this name: there may be another person of it. Ask an administrator.")
        ) from refusal


def _bring_up_to_date(session: Session, user: User, arrival: Arrival, directory: Directory) -> None:
    query = select(User).where(User.id == user.id).options(selectinload(User.roles))
    session.scalars(query.execution_options(populate_existing=False)).one()
    given: dict[str, Any] = {}
    identity = arrival.identity
    if (
        identity.name is not None
        and (name := " ".join(identity.name.split())[:_LONGEST_NAME]) != user.full_name
    ):
        given["full_name"] = name
    if identity.email is not None and _is_address(identity.email) and identity.email.strip() != user.email:
        given["email"] = identity.email.strip()
    if identity.roles is not None:
        wanted = _roles(user, identity.roles, directory)
        if wanted != {role.name for role in user.roles}:
            roles_named(session, sorted(wanted))
            session.flush()
            given["roles"] = sorted(wanted)
    if not given:
        return
    try:
        with session.begin_nested():
            people.change(session, user, given, None)
    except PortalError as refusal:  # nobody is kept out by a wrong name or by the last administrator's roles
        log.warning("person %s is not brought up to date from %s: %s", user.id, arrival.source, refusal)
        session.refresh(user)


def _roles(user: User, given: Iterable[str], directory: Directory) -> set[str]:
    """Roles that the settings do not name stay as an administrator gives them."""
    wanted = {name.strip()[:80] for name in given if name.strip() and name.isprintable()}
    if directory.roles is None:
        return wanted
    return wanted | ({role.name for role in user.roles} - {*directory.roles.values()})


def _is_address(email: str) -> bool:
    try:
        EmailField().check(email.strip())
    except ValueError:
        return False
    return True
