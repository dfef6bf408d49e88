"""Compares everybody in a directory with the users here, and deactivates who is no longer in it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from portal.errors import PortalError
from portal.models import User

from . import arrivals
from .arrivals import NotLetIn
from .ldap_directory import SOURCE, LdapDirectory


@dataclass
class Synced:
    """User names, by what has become of them."""

    added: list[str] = field(default_factory=list)
    deactivated: list[str] = field(default_factory=list)
    reactivated: list[str] = field(default_factory=list)
    #: of the directory, and not here
    unknown: int = 0


def sync(session: Session, directory: LdapDirectory, *, adds: bool) -> Synced:
    """Bring people up to date with a directory, within a transaction that writes.

    Args:
        adds: whether somebody new there is added here; else they are when they sign in.

    Raises:
        PortalError: the directory names nobody, or does not answer: nobody is deactivated for that.
    """
    people = dataclasses.replace(directory.settings.people, provision=adds)
    if not adds:
        people = dataclasses.replace(people, link="off")
    found = list(directory.everybody())  # all of it, ahead of the first change
    if not found:
        raise PortalError("the directory names nobody: is PORTAL_LDAP_BASE or _FILTER right?")
    before = {user.id: user.is_active for _row, user in arrivals.of_source(session, SOURCE)}
    synced, seen = Synced(), set()
    for arrival in found:
        seen.add(arrival.subject)
        try:
            user = arrivals.arrive(session, arrival, people)
        except NotLetIn:
            synced.unknown += 1
            continue
        if user.id not in before:
            synced.added.append(user.username)
    for row, user in arrivals.of_source(session, SOURCE):
        if row.subject not in seen:
            arrivals.shut_out(session, row, user)
        _note(synced, user, before.get(user.id))
    return synced


def _note(synced: Synced, user: User, was_active: bool | None) -> None:
    if was_active is True and not user.is_active:
        synced.deactivated.append(user.username)
    if was_active is False and user.is_active:
        synced.reactivated.append(user.username)
