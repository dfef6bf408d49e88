"""Two-factor sign-in: codes of an app (TOTP, RFC 6238), and recovery codes on paper."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import Any
from urllib.parse import urlsplit

import pyotp
from flask import current_app
from sqlalchemy import CursorResult, delete, func, select, update
from sqlalchemy.orm import Session

from portal.engine import audit
from portal.engine.audit import Entry
from portal.errors import PortalError
from portal.language import gettext as _
from portal.models import RecoveryCode, SecondFactor, User, utcnow

from . import access, account_mail

#: how many recovery codes there are, and letters of one: 16 of 32 kinds are 80 bits
CODES, LETTERS = 10, 16
#: without those that look alike
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
#: clocks of phones are a little wrong: so many codes before and behind the one of now are taken too
_WINDOW = 1


class WrongCode(PortalError):
    """The code is not one of now, or was used already."""


def secret_of(nonce: str) -> str:
    """The secret that an app is given: made from what is stored and the portal's key, and stored nowhere."""
    return _secrets(nonce)[0]


def address_of(person: User, nonce: str) -> str:
    """The address in the QR code that an app reads (`otpauth:`)."""
    host = urlsplit(current_app.extensions["portal"].base_url).hostname or "localhost"
    totp = pyotp.TOTP(secret_of(nonce))
    return totp.provisioning_uri(name=person.username, issuer_name=f"Portal ({host})")


def of(session: Session, person_id: int) -> SecondFactor | None:
    return session.get(SecondFactor, person_id)


def codes_left(session: Session, person_id: int) -> int:
    query = select(func.count()).where(RecoveryCode.user_id == person_id, RecoveryCode.used.is_(None))
    return session.scalar(query) or 0


def is_demanded(person: User) -> bool:
    """Whether a person signs in by two factors whether they want to or not."""
    rule = current_app.extensions["portal"].two_factors
    return rule == "all" or (rule == "admins" and (person.is_superuser or access.administers(person)))


def set_up(session: Session, person: User, nonce: str, said: str) -> list[str]:
    """Ask for codes from now on, within a transaction that writes. The recovery codes, which cannot be read again.

    Raises:
        WrongCode: the app does not have the secret: nothing has changed.
        PortalError: two factors are set up already.
    """
    if of(session, person.id) is not None:
        raise PortalError(_("Two factors are set up already."))
    counter = _matching(nonce, said, 0)
    if counter is None:
        raise WrongCode(_("This is not the code that the app shows now."))
    session.add(SecondFactor(user_id=person.id, nonce=nonce, counter=counter))
    session.flush()
    codes = _make_codes(session, person)
    account_mail.write(session, "account", person, what="factor.on")
    audit.append(session, [Entry("factor.on", person.id, "person", person.id)])
    return codes


def new_codes(session: Session, person: User) -> list[str]:
    """Other recovery codes: the ones of before are no good any more."""
    codes = _make_codes(session, person)
    audit.append(session, [Entry("factor.codes", person.id, "person", person.id)])
    return codes


def take(session: Session, person: User, said: str) -> None:
    """Use up a code, within a transaction that writes: nobody can use it again, nor at the same moment.

    Raises:
        WrongCode: it is none.
    """
    factor = of(session, person.id)
    counter = None if factor is None else _matching(factor.nonce, said, factor.counter)
    if counter is not None:
        mine = update(SecondFactor).where(SecondFactor.user_id == person.id, SecondFactor.counter < counter)
        if _changes(session, mine.values(counter=counter)):
            return
    elif factor is not None and len(plain := _plain(said)) == LETTERS:
        unused = (
            RecoveryCode.user_id == person.id,
            RecoveryCode.code_hash == _hash(person.id, plain),
            RecoveryCode.used.is_(None),
        )
        if _changes(session, update(RecoveryCode).where(*unused).values(used=utcnow())):
            account_mail.write(session, "account", person, what="recovery")
            audit.append(session, [Entry("factor.recovery", person.id, "person", person.id)])
            return
    raise WrongCode(_("This code is not right, or it was used already."))


def remove(session: Session, person: User, by: User | None) -> bool:
    """Ask for no codes any more, within a transaction that writes. False where it was so.

    Args:
        by: the person themselves, or who does it for them, who has lost their phone; None is the system.
    """
    if by is None or by.id != person.id:
        access.demand_reach(by, person)
    found = _changes(session, delete(SecondFactor).where(SecondFactor.user_id == person.id))
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == person.id))
    if found:
        account_mail.write(session, "account", person, what="factor.off")
        own = by is not None and by.id == person.id
        action = "factor.off" if own else "factor.reset"
        audit.append(session, [Entry(action, None if by is None else by.id, "person", person.id)])
    return found


def _make_codes(session: Session, person: User) -> list[str]:
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == person.id))
    codes = ["".join(secrets.choice(_ALPHABET) for _n in range(LETTERS)) for _m in range(CODES)]
    session.add_all(RecoveryCode(user_id=person.id, code_hash=_hash(person.id, code)) for code in codes)
    return ["-".join(code[n : n + 4] for n in range(0, LETTERS, 4)) for code in codes]


def _matching(nonce: str, said: str, after: int) -> int | None:
    """The time step of which this is the code, if it is one of now and later than `after`."""
    digits = "".join(said.split())
    if len(digits) != 6 or not (digits.isascii() and digits.isdigit()):
        return None
    for secret in _secrets(nonce):
        totp = pyotp.TOTP(secret)
        now = totp.timecode(utcnow())
        for counter in range(max(now - _WINDOW, after + 1), now + _WINDOW + 1):
            if hmac.compare_digest(totp.generate_otp(counter), digits):
                return counter
    return None


def _secrets(nonce: str) -> list[str]:
    """The secret by the portal's present key, then by its earlier ones."""
    keys = [current_app.config["SECRET_KEY"], *(current_app.config.get("SECRET_KEY_FALLBACKS") or ())]
    made = [hmac.digest(str(key).encode(), f"portal-totp/{nonce}".encode(), hashlib.sha256) for key in keys]
    return [base64.b32encode(each[:20]).decode() for each in made]


def _plain(said: str) -> str:
    return "".join(letter for letter in said[:100].lower() if letter.isalnum())


def _hash(person_id: int, code: str) -> str:
    return hashlib.sha256(f"{person_id}/{code}".encode()).hexdigest()


def _changes(session: Session, statement: Any) -> bool:
    result: CursorResult[Any] = session.execute(statement)  # type: ignore[assignment]
    return result.rowcount == 1
