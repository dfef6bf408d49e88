"""Parks a form that nobody signed in has sent for its browser: it becomes a draft when that browser signs in.

It is a draft of the person whose session it was, where that is known, and of whoever signs in first otherwise.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from typing import Any

from flask import Flask, current_app, g, request
from flask.sansio.scaffold import Scaffold
from flask_login import user_logged_in, user_logged_out
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.wrappers import Response as BaseResponse

from portal.engine import drafts
from portal.engine.retries import give_up
from portal.language import lazy_gettext
from portal.models import db

from ..accounts import sessions
from ..accounts.person import person
from ..mount import Mount, mount
from . import kept
from .labels import secrets_of

#: characters of names and texts together that it may have
LARGEST = 500_000
PARKED = lazy_gettext("What you typed is kept: it is in the form again when you have signed in.")
NOT_PARKED = lazy_gettext(
    "You are signed out, and what you typed is too long to be kept for you: copy it from here, then sign in."
)


def park() -> bool:
    """Keep a form for the browser that sent it; whether that was possible.

    The key travels in a cookie of its own: that of the session is made anew when somebody signs in.
    """
    where, values = kept.place(), kept.typed()
    if where is None or not kept.is_from_here() or kept.size(values) > LARGEST:
        return False
    if not values:
        return True
    cookie = _cookie()
    key = cookie.get("key") or secrets.token_urlsafe(32)
    user_id = _whose(cookie)
    hidden = secrets_of(where.path, where.task_id, values)
    values = [pair for pair in values if pair[0] not in hidden]
    drafts.park(db.session(), _hash(key), *where, values, user_id)
    g.typed_cookie = {**cookie, "key": key}
    return True


def _whose(cookie: dict[str, Any]) -> int | None:
    """Who was signed in here last, as the browser's own cookies prove."""
    return (sessions.whose() if mount().own_accounts else None) or cookie.get("who")


def _signed_in(_app: Any = None, *, user: Any, **_rest: Any) -> None:
    cookie = _cookie()
    g.typed_cookie = {"who": user.id}
    if "key" not in cookie:
        return
    try:
        drafts.adopt(db.session(), _hash(cookie["key"]), user.id)
    except Exception as error:  # they are signed in all the same
        give_up(db.session())
        current_app.logger.warning("parked forms could not be taken over", exc_info=error)
    g.typed_cookie = {**cookie, "who": user.id}


def _signed_out(_app: Any = None, *, user: Any, **_rest: Any) -> None:
    if user is not None and user.is_authenticated:
        g.typed_cookie = {**_cookie(), "who": user.id}


def _cookie() -> dict[str, Any]:
    try:
        text = request.cookies.get(_cookie_name(), "")
        found: dict[str, Any] = _signer().loads(text, max_age=int(drafts.PARKED.total_seconds()))
    except BadSignature:
        return {}
    return found


def _cookie_name() -> str:
    return f"{current_app.config['SESSION_COOKIE_NAME']}_typed"


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="portal.typed")


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _adopt() -> None:
    """Take over what was parked before a person has signed in to the application around."""
    if request.cookies.get(_cookie_name()) and kept.answers_signed_in() and "key" in _cookie():
        _signed_in(user=person())


def _set_cookie(response: BaseResponse) -> BaseResponse:
    if "typed_cookie" in g:
        response.set_cookie(
            _cookie_name(),
            _signer().dumps(g.typed_cookie),
            max_age=dt.timedelta(days=1),
            path=current_app.session_interface.get_cookie_path(current_app),
            secure=current_app.config["SESSION_COOKIE_SECURE"],
            httponly=True,
            samesite="Lax",
        )
    return response


def attach(scope: Scaffold, mount: Mount) -> None:
    if not mount.own_accounts:  # who signs in here has it done then
        scope.before_request(_adopt)
    scope.after_request(_set_cookie)


def init_app(app: Flask) -> None:
    if app.extensions["portal_mount"].own_accounts:
        user_logged_in.connect(_signed_in, app)
        user_logged_out.connect(_signed_out, app)
