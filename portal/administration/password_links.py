"""Links by which people choose a password: good once, for some days, and for nobody else."""

from __future__ import annotations

from flask import current_app
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy.orm import Session

from portal.models import User

#: seconds
LASTS = 3 * 24 * 3600


def token_for(person: User) -> str:
    """What the link has; it ends with the next password and with the end of the person's sessions."""
    return _signer().dumps([person.id, person.session_key[:16]])


def person_of(session: Session, token: str) -> User | None:
    """Whose link it is. None if it is no good, or no good any more."""
    try:
        number, key = _signer().loads(token, max_age=LASTS)
        person = session.get(User, number)
    except (BadData, ValueError, TypeError):
        return None
    good = person is not None and person.is_active and person.session_key[:16] == key
    return person if good else None


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="portal-password")
