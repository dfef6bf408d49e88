"""Flask's session in a signed cookie, whose signer is made once and not twice for each request."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask.sessions import SecureCookieSessionInterface


class SignedCookie(SecureCookieSessionInterface):
    """Flask's own, for an application of the portal's own."""

    def __init__(self) -> None:
        self._made: tuple[Any, Any] = (None, None)

    def get_signing_serializer(self, app: Flask) -> Any:
        keys = app.secret_key, tuple(app.config["SECRET_KEY_FALLBACKS"] or ())
        if self._made[0] != keys:
            self._made = keys, super().get_signing_serializer(app)
        return self._made[1]
