"""Refuses forms of other sites (CSRF) below the portal's prefix, also where the application around it does not."""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app, g, request, request_started
from flask.sansio.scaffold import Scaffold
from flask_wtf.csrf import CSRFError, same_origin, validate_csrf
from wtforms.validators import ValidationError

from .pending import SAFE
from .problems import for_programs

#: what is asked for where there is nothing
_NOWHERE = ("", "portal.not_there")
#: a form that was left open over the week-end is still a form: the token lives as long as the session
FOR_EVER = 10**9


def attach(scope: Scaffold) -> None:
    scope.before_request(_protect)


def _protect() -> None:
    config = current_app.config
    if request.method in SAFE or g.get("csrf_valid") or not config.get("WTF_CSRF_ENABLED", True):
        return
    endpoint = request.endpoint or ""
    if _is_for_programs(endpoint):
        return
    if endpoint in _NOWHERE and for_programs():
        return  # what is not there is told as that
    name = config.get("WTF_CSRF_FIELD_NAME", "csrf_token")
    try:
        validate_csrf(request.form.get(name) or request.headers.get("X-CSRFToken"), time_limit=FOR_EVER)
    except ValidationError as error:
        raise CSRFError(str(error)) from error
    strict = request.is_secure and "csrf" in current_app.extensions and config["WTF_CSRF_SSL_STRICT"]
    if strict and not same_origin(request.referrer or "", f"https://{request.host}/"):
        raise CSRFError("The referrer is missing or does not match the host.")
    g.csrf_valid = True


def spare(app: Flask) -> None:
    """Take out of `CSRFProtect` what asks for a token itself: `portal.api`, a
    provider's signed word, and in a host's application all pages of
    ours. The host's protection would read their forms before anything says how large they may be."""
    _exempt(app)
    if not app.extensions["portal_mount"].whole:
        request_started.connect(_exempt_late, app)  # a host may protect its forms after it has a portal


def _exempt_late(app: Flask, **_: Any) -> None:
    if (request.endpoint or "").startswith("portal."):
        _exempt(app)


def _exempt(app: Flask) -> None:
    protection, whole = app.extensions.get("csrf"), app.extensions["portal_mount"].whole
    if protection is None or app.extensions.get("portal_spared_by") is protection:
        return
    for name, each in app.blueprints.items():
        if _is_for_programs(f"{name}.") or (not whole and f"{name}.".startswith("portal.")):
            protection.exempt(each)
    app.extensions["portal_spared_by"] = protection


def _is_for_programs(endpoint: str) -> bool:
    return endpoint.startswith(("portal.api.", "portal.back_channel."))
