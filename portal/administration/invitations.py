"""An invitation instead of a first password: a mail with a link by which a person chooses one."""

from __future__ import annotations

from sqlalchemy.orm import Session

from portal.engine import audit
from portal.engine.audit import Entry
from portal.errors import PortalError
from portal.language import gettext as _
from portal.models import User

from . import access, account_mail, arrivals


def is_open(session: Session, person: User) -> bool:
    """Whether a person could be invited: they have no password yet, here or in a directory, and are not shut out."""
    is_here = person.is_active and person.erased is None and person.password_hash is None
    return is_here and not arrivals.is_of_a_directory(session, person.id)


def invite(session: Session, person: User, by: User | None) -> None:
    """Have an invitation sent, within a transaction that writes; the caller wakes the senders.

    Args:
        by: who invites; None is the system.

    Raises:
        PortalError: they have no mail address, or a password already.
    """
    access.demand_reach(by, person)
    if not is_open(session, person):
        raise PortalError(_("%(name)s has a password already, or is deactivated.", name=person.name))
    if not person.email:
        raise PortalError(_("An invitation needs an email address."))
    account_mail.write(session, "invite", person, by="" if by is None else by.name)
    audit.append(session, [Entry("person.invited", None if by is None else by.id, "person", person.id)])
