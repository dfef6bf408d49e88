"""An invitation instead of a first password: a mail with a link by which a person chooses one."""

from __future__ import annotations

from sqlalchemy.orm import Session

from portal.engine import audit
from portal.engine.audit import Entry
from portal.errors import PortalError
from portal.language import gettext as _
from portal.models import User

from . import access, account_mail


def is_open(person: User) -> bool:
    """Whether a person could be invited: they have not chosen a password yet, and nobody has shut them out."""
    return person.is_active and person.erased is None and person.password_hash is None


def invite(session: Session, person: User, by: User | None) -> None:
    """Have an invitation sent, within a transaction that writes; the caller wakes the senders.

    Args:
        by: who invites; None is the system.

    Raises:
        PortalError: they have no mail address, or a password already.
    """
    access.demand_reach(by, person)
    if not is_open(person):
        raise PortalError(_("%(name)s has a password already, or is deactivated.", name=person.name))
    if not person.email:
        raise PortalError(_("An invitation needs an email address."))
    account_mail.write(session, "invite", person, by="" if by is None else by.name)
    audit.append(session, [Entry("person.invited", None if by is None else by.id, "person", person.id)])
