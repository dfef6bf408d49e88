"""Mail about somebody's own account: a link to choose a password, an invitation, and that something has changed."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from portal.administration import password_links
from portal.administration.account_mail import EVENTS, STALE
from portal.engine.outbox import Claim
from portal.engine.queue.timers import now
from portal.language import gettext as _
from portal.language import lazy_gettext
from portal.models import User

from . import letters
from .addresses import address

__all__ = ["EVENTS", "compose"]

#: what a person is told of their account, by what has changed
TOLD: dict[str, tuple[Any, Any]] = {
    "password": (
        lazy_gettext("Your password was changed"),
        lazy_gettext("The password of your account was changed, and all other devices are signed out."),
    ),
    "email": (
        lazy_gettext("Your email address was changed"),
        lazy_gettext("Mail of your account goes to another address from now on."),
    ),
    "factor.on": (
        lazy_gettext("Two factors are set up"),
        lazy_gettext("From now on your account asks for a code of your app beside the password."),
    ),
    "factor.off": (
        lazy_gettext("Two factors are switched off"),
        lazy_gettext("Your account no longer asks for a code beside the password."),
    ),
    "recovery": (
        lazy_gettext("A recovery code was used"),
        lazy_gettext("Somebody has signed in to your account with one of your recovery codes."),
    ),
}


def compose(session: Session, claimed: Claim, user: User | None, base_url: str) -> letters.Mail | None:
    """The mail of a claimed row. None if nobody is to get it any more."""
    to = claimed.payload.get("to")
    if user is None or not user.is_active or not (to or user.email):
        return None
    stale = STALE.get(claimed.event)
    if stale is not None and now() - claimed.created > stale:
        return None
    facts = {"button": "", "url": "", "last": "", **_FACTS[claimed.event](claimed, user, base_url)}
    facts |= {"name": user.name, "username": user.username}
    return letters.written("account-mail", user, facts["title"], facts, to)


def _reset(_claimed: Claim, user: User, base_url: str) -> dict[str, str]:
    token = password_links.reset_token_for(user)
    return {
        "title": _("Choose a new password"),
        "line": _("Somebody, probably you, has asked for a new password for your account."),
        "button": _("Choose a new password"),
        "url": address(base_url, "passwords.choose", token=token),
        "last": _(
            "The link is good once, and for an hour. If it was not you, do nothing: your password stays as it is."
        ),
    }


def _invite(claimed: Claim, user: User, base_url: str) -> dict[str, str]:
    by = claimed.payload.get("by")
    return {
        "title": _("You are invited to the portal"),
        "line": _("%(name)s has added you to the portal.", name=by)
        if by
        else _("You were added to the portal."),
        "button": _("Choose a password and sign in"),
        "url": address(base_url, "passwords.choose", token=password_links.token_for(user)),
        "last": _("The link is good once, and for three days. After that, ask for another one."),
    }


def _account(claimed: Claim, _user: User, base_url: str) -> dict[str, str]:
    title, line = TOLD[claimed.payload["what"]]
    return {
        "title": str(title),
        "line": str(line),
        "button": _("Look at your account"),
        "url": address(base_url, "accounts.profile"),
        "last": _("If it was not you, tell an administrator at once."),
    }


_FACTS = {"reset": _reset, "invite": _invite, "account": _account}
