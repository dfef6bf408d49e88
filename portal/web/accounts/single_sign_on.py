"""Single sign-on: people sign in to a provider of OpenID Connect, which says who they are (extra `sso`)."""

from __future__ import annotations

import logging
from typing import Any

from flask import Blueprint, Flask, current_app, request, session, url_for
from werkzeug.wrappers import Response as BaseResponse

from portal.administration import arrivals
from portal.administration.arrivals import Arrival, NotLetIn
from portal.administration.identity import Identity
from portal.errors import PortalError
from portal.language import gettext as _
from portal.models import utcnow
from portal.sign_in_settings import OpenId

from ..messages import flash
from ..urls import safe_path, see_other
from ..writing import writing
from . import sessions
from .entering import begin

log = logging.getLogger("portal.accounts")

blueprint = Blueprint("single_sign_on", __name__)

#: where in the cookie it is where somebody wants to go
_ONWARD = "portal_onward"
#: seconds that the provider has for an answer
_PATIENCE = 10
#: characters of a claim that are looked at
_LONGEST = 255
_EXTENSION = "portal_open_id"


def init_app(app: Flask, provider: OpenId) -> None:
    """
    Raises:
        PortalError: the extra `sso` is not installed.
    """
    try:
        from authlib.integrations.flask_client import OAuth
    except ImportError as error:
        raise PortalError(
            "PORTAL_OIDC_ISSUER needs the extra `sso`: pip install flask-flow-portal[sso]"
        ) from error
    app.extensions[_EXTENSION] = OAuth(app).register(
        "portal_open_id",
        client_id=provider.client_id,
        client_secret=provider.client_secret or None,
        server_metadata_url=f"{provider.issuer}/.well-known/openid-configuration",
        client_kwargs={
            "scope": provider.scopes,
            "code_challenge_method": "S256",
            "default_timeout": _PATIENCE,
            "token_endpoint_auth_method": "client_secret_basic" if provider.client_secret else "none",
        },
    )


@blueprint.get("/login/sso")
def go() -> BaseResponse:
    """Send somebody to the provider, and note where they want to go afterwards."""
    session[_ONWARD] = safe_path(request.args.get("next"))
    back = url_for("portal.single_sign_on.back", _external=True)
    try:
        answer: BaseResponse = client().authorize_redirect(back)
    except Exception as error:  # libraries below name theirs differently: network, answer, metadata
        return _failed(error)
    return answer


@blueprint.get("/login/sso/back")
def back() -> BaseResponse:
    """Who comes back from the provider is signed in as whom it names."""
    onward = safe_path(session.pop(_ONWARD, None))
    try:
        claims = _claims()
    except Exception as error:
        return _failed(error)
    provider, refused = settings(), ""
    arrival = arrival_of(claims, provider)
    with writing() as database:
        try:
            user = arrivals.arrive(database, arrival, provider.people)
        except NotLetIn as refusal:
            refused = str(refusal)
    if refused:
        sessions.note_failure(None, step="sso")
        flash(refused, "warning")
        return see_other(url_for("portal.sign_in.login"))
    response = see_other(onward)
    begin(user, response, ends=utcnow() + provider.session, way="sso")
    return response


def arrival_of(claims: dict[str, Any], provider: OpenId) -> Arrival:
    """What the claims say of a person."""
    groups = _groups(claims, provider.roles_claim)
    username = claims.get(provider.username_claim) or claims.get("email") or claims["sub"]
    identity = Identity(
        str(username)[:_LONGEST],
        name=_text(claims.get("name")),
        email=_text(claims.get("email")),
        roles=provider.people.roles_of(groups) if provider.roles_claim else None,
    )
    return Arrival(
        provider.issuer,
        str(claims["sub"])[:_LONGEST],
        identity,
        allowed=provider.people.lets_in(groups),
        verified=claims.get("email_verified") is True,
    )


def _claims() -> dict[str, Any]:
    """What the provider says: its signed token, and more where it says it at another address."""
    provider = client()
    metadata = provider.load_server_metadata()
    if str(metadata.get("issuer", "")).rstrip("/") != settings().issuer:
        raise PortalError(f"the provider calls itself {metadata.get('issuer')!r}")
    token = provider.authorize_access_token()
    claims = dict(token.get("userinfo") or {})
    if not claims.get("sub"):
        raise PortalError("the provider has not said who it is")
    if metadata.get("userinfo_endpoint"):
        more = dict(provider.userinfo(token=token))
        if more.get("sub") == claims["sub"]:  # OpenID Connect Core, 5.3.2
            claims = {**more, **claims}
    return claims


def _groups(claims: dict[str, Any], path: str) -> list[str]:
    """The names at a place in the claims, as `realm_access.roles`; a name with dots in it comes first."""
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for part in path.split("."):
            found = found.get(part) if isinstance(found, dict) else None
    if isinstance(found, str):
        return found.split()
    return [str(each) for each in found] if isinstance(found, list) else []


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _failed(error: Exception) -> BaseResponse:
    log.warning("single sign-on failed: %s: %s", type(error).__name__, str(error)[:200])
    sessions.note_failure(None, step="sso")
    flash(_("Signing in there did not work. Try again; if it stays so, tell an administrator."), "warning")
    return see_other(url_for("portal.sign_in.login"))


def settings() -> OpenId:
    found: OpenId | None = current_app.extensions["portal"].open_id
    assert found is not None  # there is no such page without it
    return found


def client() -> Any:
    return current_app.extensions[_EXTENSION]
