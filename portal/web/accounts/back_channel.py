"""Ends sessions when the provider says so: OpenID Connect Back-Channel Logout 1.0."""

from __future__ import annotations

import logging
import time
from typing import Any

from flask import Blueprint, request
from sqlalchemy import CursorResult, delete, select

from portal.engine import audit
from portal.engine.audit import Entry
from portal.models import ExternalIdentity, UserSession

from ..writing import writing
from . import single_sign_on

log = logging.getLogger("portal.accounts")

blueprint = Blueprint("back_channel", __name__)

_EVENT = "http://schemas.openid.net/event/backchannel-logout"
#: seconds that a word of the provider is good, and that clocks may differ
_LASTS, _LEEWAY = 300, 120


@blueprint.post("/login/sso/logout")
def ended() -> tuple[str, int]:
    """End the sessions of whom the signed token names."""
    try:
        subject = _subject(request.form.get("logout_token", ""))
    except Exception as error:  # whatever the libraries below find wrong with it
        log.warning("a back-channel logout is refused: %s: %s", type(error).__name__, str(error)[:200])
        return "", 400
    settings = single_sign_on.settings()
    with writing() as session:
        query = select(ExternalIdentity.user_id).where(
            ExternalIdentity.source == settings.issuer, ExternalIdentity.subject == subject
        )
        user_id = session.scalar(query)
        if user_id is not None:
            statement = delete(UserSession).where(UserSession.user_id == user_id)
            result: CursorResult[Any] = session.execute(statement)  # type: ignore[assignment]
            detail = {"sessions": result.rowcount, "way": "sso"}
            audit.append(session, [Entry("session.ended", None, "person", user_id, detail)])
    return "", 200


def _subject(token: str) -> str:
    """Whom a token names.

    Raises:
        ValueError: it is not the provider's, not for us, too old, or no word of this kind; libraries raise their own.
    """
    from joserfc import jwt
    from joserfc.jwk import KeySet

    settings, client = single_sign_on.settings(), single_sign_on.client()
    metadata = client.load_server_metadata()
    algorithms = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
    keys = KeySet.import_key_set(client.fetch_jwk_set())
    signed = [each for each in algorithms if each.lower() != "none"]
    claims = jwt.decode(token, keys, algorithms=signed).claims
    audience = claims.get("aud")
    now, issued = time.time(), claims.get("iat")
    good = (
        str(claims.get("iss", "")).rstrip("/") == settings.issuer
        and settings.client_id in (audience if isinstance(audience, list) else [audience])
        and isinstance(issued, int | float)
        and -_LEEWAY <= now - issued <= _LASTS
        and _EVENT in (claims.get("events") or {})
        and "nonce" not in claims
    )
    if not good or not isinstance(claims.get("sub"), str):
        raise ValueError("it is no such word for this portal")
    return str(claims["sub"])
