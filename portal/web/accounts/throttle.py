"""Slows down whoever sends wrong passwords, and nobody else. The database counts, for all processes together.

A try counts against the name *and* the address that it came from: so nobody can lock another one out from elsewhere,
and an office behind one router signs in at once. Two wider limits are for many names from one address, and for one
name from many addresses. A browser from which this person has signed in before is counted by itself: it holds a signed
token, and what others do does not hold it up.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import ipaddress
import secrets
from dataclasses import dataclass
from typing import Any

from flask import current_app, request
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from portal import usernames
from portal.language import ngettext
from portal.models import SignInAttempt, db, utcnow

from ..writing import writing

_TABLE: Any = SignInAttempt.__table__

#: a try counts for so long
WINDOW = dt.timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Limits:
    """How many tries may fail in that time.

    Attributes:
        by_pair: for one name from one address, or from one known browser.
        by_address: from one address, for whatever names.
        by_name: for one name, from whatever addresses.
    """

    by_pair: int = 10
    by_address: int = 200
    by_name: int = 100


PASSWORDS = Limits()
#: of a code there are only a million, and a few are right at a time
CODES = Limits(by_pair=10, by_name=30)
#: mails that a stranger can have sent to somebody
MAILS = Limits(by_pair=3, by_address=50, by_name=6)
#: how long a browser is known, in seconds
KNOWN = 365 * 24 * 3600


class TooManyAttempts(Exception):
    """No further try is looked at now."""

    def __init__(self, wait: dt.timedelta, limits: Limits) -> None:
        self.seconds = max(1, round(wait.total_seconds()))
        self.limits = limits

    @property
    def words(self) -> str:
        minutes = -(-self.seconds // 60)
        if self.limits is not PASSWORDS:
            return ngettext(
                "Too many attempts. Wait %(number)s minute, then try again.",
                "Too many attempts. Wait %(number)s minutes, then try again.",
                minutes,
            )
        return ngettext(
            "Too many attempts. Wait %(number)s minute, then try again: until then no password is checked.",
            "Too many attempts. Wait %(number)s minutes, then try again: until then no password is checked.",
            minutes,
        )


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try that is under way. It counts until it has succeeded."""

    id: int
    alike: ColumnElement[bool]

    def failed(self) -> None:
        """The password was wrong."""
        with writing() as session:
            session.execute(update(SignInAttempt).where(SignInAttempt.id == self.id).values(failed=True))

    def succeeded(self) -> None:
        """The password was right: what was mistyped before no longer counts."""
        with writing() as session:
            session.execute(delete(SignInAttempt).where(self.alike))


def begin(purpose: str, name: str, user_id: int | None, limits: Limits = PASSWORDS) -> Attempt | None:
    """Count a try before its password is looked at: of many at the same moment no more get through than may.

    Args:
        purpose: what the password is for; each has limits of its own.
        name: as it was typed.
        user_id: whose name that is, if anyone's.
        limits: how many may fail.

    Raises:
        TooManyAttempts: it is not to be made.
    """
    if not current_app.extensions["portal"].throttle:
        return None
    now = utcnow()
    name_hash = _name_hash(f"{purpose}/{usernames.key(name)}")
    address, device = network(request.remote_addr or ""), _known_device(user_id)
    of_name, from_address = SignInAttempt.name_hash == name_hash, SignInAttempt.address == address
    of_device = SignInAttempt.device_hash == device
    alike = of_name & of_device if device else of_name & from_address & of_device
    counts: dict[ColumnElement[bool], int] = {alike: limits.by_pair}
    if device is None:
        counts[of_device & SignInAttempt.failed & from_address] = limits.by_address
        counts[of_device & SignInAttempt.failed & of_name] = limits.by_name
    _demand_room(counts, or_(of_name, from_address), now, limits)
    with writing() as session:
        _forget(session, now - WINDOW)
        values = {
            "created": now,
            "name_hash": name_hash,
            "address": address,
            "device_hash": device,
            "failed": False,
        }
        made: Any = session.execute(_TABLE.insert(), values)
        number = made.inserted_primary_key[0]
    ahead = select(func.count()).where(alike, SignInAttempt.created > now - WINDOW, SignInAttempt.id < number)
    if (db.session.scalar(ahead) or 0) >= limits.by_pair:  # they came at the same moment
        with writing() as session:
            session.execute(delete(SignInAttempt).where(SignInAttempt.id == number))
        raise TooManyAttempts(WINDOW, limits)
    return Attempt(number, alike)


def _demand_room(
    counts: dict[ColumnElement[bool], int], any_of_them: ColumnElement[bool], now: dt.datetime, limits: Limits
) -> None:
    """Refuse where a criterion holds for as many tries as its limit, until the oldest of them no longer counts."""
    columns = [
        column
        for each in counts
        for column in (func.count().filter(each), func.min(SignInAttempt.created).filter(each))
    ]
    row: Any = db.session.execute(
        select(*columns).where(any_of_them, SignInAttempt.created > now - WINDOW)
    ).one()
    waits = [row[2 * n + 1] + WINDOW - now for n, limit in enumerate(counts.values()) if row[2 * n] >= limit]
    if waits:
        raise TooManyAttempts(max(waits), limits)


def _forget(session: Session, before: dt.datetime) -> None:
    old = select(SignInAttempt.id).where(SignInAttempt.created <= before).limit(1000)
    old = old.with_for_update(skip_locked=True)  # where several do so at once
    session.execute(delete(SignInAttempt).where(SignInAttempt.id.in_(old)))


def network(address: str) -> str:
    """What one sender can choose from counts as one: an address, but of IPv6 the network of a household (/64)."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:50]
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def remember(response: Response, user_id: int) -> None:
    """Know this browser again for this person, also after they have signed out."""
    if not current_app.extensions["portal"].throttle or _known_device(user_id) is not None:
        return
    config = current_app.config
    response.set_cookie(
        _cookie(),
        _signer().dumps([user_id, secrets.token_urlsafe(16)]),
        max_age=KNOWN,
        httponly=True,
        samesite="Lax",
        secure=bool(config["SESSION_COOKIE_SECURE"]),
        path=current_app.session_interface.get_cookie_path(current_app),
    )


def _known_device(user_id: int | None) -> str | None:
    try:
        owner, token = _signer().loads(request.cookies.get(_cookie(), ""), max_age=KNOWN)
    except (BadData, ValueError, TypeError):
        return None
    return hashlib.sha256(token.encode()).hexdigest() if owner == user_id else None


def _cookie() -> str:
    return f"{current_app.config['SESSION_COOKIE_NAME']}_device"


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="portal-device")


def _name_hash(name: str) -> str:
    key = str(current_app.config["SECRET_KEY"]).encode()
    return hmac.digest(key, name.encode(), hashlib.sha256).hex()
