"""Links by which people choose a password: each works once, for a limited time, for one person."""

from __future__ import annotations

import hashlib
import hmac

from flask import current_app
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy.orm import Session

from portal.models import User

#: seconds that a link of an administrator lasts, and one that somebody has asked for by mail
LASTS, RESET_LASTS = 3 * 24 * 3600, 3600


def token_for(person: User) -> str:
    """The token of an administrator's link; a new password, or the end of the person's sessions, makes it invalid."""
    return _signer("portal-password").dumps([person.id, person.session_key[:16]])


def reset_token_for(person: User) -> str:
    """The token of a link in a mail that somebody asked for; another mail address makes it invalid, too."""
    return _signer("portal-password-reset").dumps([person.id, person.session_key[:16], _digest(person)])


def person_of(session: Session, token: str) -> User | None:
    """The person of a token; None if it is not valid, or not any more."""
    for salt, lasts in (("portal-password", LASTS), ("portal-password-reset", RESET_LASTS)):
        try:
            number, key, *mail = _signer(salt).loads(token, max_age=lasts)
            person = session.get(User, number)
        except (BadData, ValueError, TypeError):
            continue
        good = person is not None and person.is_active and person.erased is None
        if good and person is not None and person.session_key[:16] == key:
            return person if not mail or hmac.compare_digest(mail[0], _digest(person)) else None
    return None


def _digest(person: User) -> str:
    return hashlib.sha256((person.email or "").encode()).hexdigest()[:16]


def _signer(salt: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt=salt)
