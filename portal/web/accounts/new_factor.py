"""Sets up a second factor: shows its secret as a QR code and in letters."""

from __future__ import annotations

import secrets

from flask import session

from portal.administration import second_factors
from portal.models import User

#: where in the cookie the set-up is, until a code has shown that the app has the secret
_NONCE = "portal_new_factor"


def nonce() -> str:
    """What the secret of this set-up is made from; the same however often the page is shown."""
    found: str = session.setdefault(_NONCE, secrets.token_hex(32))
    return found


def forget_nonce() -> None:
    session.pop(_NONCE, None)


def picture(person: User, made: str) -> str:
    """The QR code as the address of a picture (SVG): dark on white, also on a dark page, as readers need it."""
    import segno  # pictures are drawn while somebody sets up an app, and never else

    code = segno.make(second_factors.address_of(person, made), error="m", micro=False)
    return code.svg_data_uri(scale=4, border=4, light="#fff", dark="#000")


def spaced(secret: str) -> str:
    """In groups of four, to be typed."""
    return " ".join(secret[n : n + 4] for n in range(0, len(secret), 4))
