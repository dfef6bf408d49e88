"""Reply addresses of notices, with a token that only the receiver knows."""

from __future__ import annotations

import hashlib
import hmac
import re

from flask import current_app

#: hexadecimal digits of the signature: as many as make a local part of 64 characters with a name of ten
_SIGNED = 20
_TOKEN = re.compile(rf"([0-9a-f]{{32}})([0-9a-f]{{{_SIGNED}}})")


def mailbox() -> tuple[str, str] | None:
    """The name and the host of the address that takes answers, `PORTAL_MAIL_REPLY_TO`. None where there is none."""
    name, at, host = str(current_app.config.get("MAIL_REPLY_TO") or "").strip().lower().partition("@")
    return (name, host) if at else None


def address_of(key: str) -> str | None:
    """Where a notice is answered.

    Args:
        key: of the notice in the outbox.
    """
    to = mailbox()
    return None if to is None else f"{to[0]}+{token_of(key)}@{to[1]}"


def token_of(key: str) -> str:
    plain = key.replace("-", "").lower()
    return plain + _signature(plain)


def key_of(token: str) -> str | None:
    """The key of the notice that a token is for. None if we have not made it."""
    found = _TOKEN.fullmatch(token.lower())
    if found is None or not hmac.compare_digest(_signature(found[1]), found[2]):
        return None
    plain = found[1]
    return "-".join((plain[:8], plain[8:12], plain[12:16], plain[16:20], plain[20:]))


def _signature(plain: str) -> str:
    secret = current_app.secret_key or ""
    made = hmac.new(
        secret.encode() if isinstance(secret, str) else secret, f"reply {plain}".encode(), hashlib.sha256
    )
    return made.hexdigest()[:_SIGNED]
