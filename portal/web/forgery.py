"""Forms of other sites are refused below the portal's prefix, also where the application around it does not."""

from __future__ import annotations

from flask import Flask, current_app, g, request
from flask.sansio.scaffold import Scaffold
from flask_wtf.csrf import CSRFError, validate_csrf
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
    g.csrf_valid = True


def spare_programs(app: Flask) -> None:
    """Let the protection of an application's forms, ours or a host's, not ask programs for the token of a page:
    `portal.api` asks them who they are, and a session for that token."""
    protection = app.extensions.get("csrf")
    for name, each in app.blueprints.items():
        if protection is not None and _is_for_programs(f"{name}."):
            protection.exempt(each)


def _is_for_programs(endpoint: str) -> bool:
    return endpoint.startswith("portal.api.")
