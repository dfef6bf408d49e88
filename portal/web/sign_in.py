"""Signing in and out."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Flask, abort, current_app, render_template, request, session
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager, current_user, login_user, logout_user
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response as BaseResponse
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired

from portal.models import Passwords, User, db

from . import drafts
from .addresses import here, safe_path, see_other, to_id

blueprint = Blueprint("sign_in", __name__)

#: tries to sign in from one address, and for one account
_BY_ADDRESS = "20 per minute;200 per hour"
_BY_ACCOUNT = "10 per minute;50 per hour"


class SignInForm(FlaskForm):
    username = StringField(
        "User name",
        [InputRequired("Enter your user name.")],
        render_kw={
            "autocomplete": "username",
            "autocapitalize": "none",
            "spellcheck": "false",
            "autofocus": True,
        },
    )
    password = PasswordField(
        "Password", [InputRequired("Enter your password.")], render_kw={"autocomplete": "current-password"}
    )


@blueprint.route("/login", methods=["GET", "POST"])
def login() -> BaseResponse | str | tuple[str, int]:
    onward = safe_path(request.values.get("next"))
    if request.method == "GET" and current_user.is_authenticated:
        return see_other(onward)
    form = SignInForm()
    if form.validate_on_submit():
        user = _person(form.username.data or "", form.password.data or "")
        if user is not None:
            session.clear()
            login_user(user)
            return see_other(onward)
        form.password.errors = ["The user name or the password is wrong."]
    page = render_template("login.html", form=form, onward=onward)
    return (page, 422) if request.method == "POST" else page


@blueprint.post("/logout")
def logout() -> BaseResponse:
    logout_user()
    session.clear()
    return see_other("/login")


def _person(username: str, password: str) -> User | None:
    """Who signs in with these, if anyone; it takes as long for a name that nobody bears."""
    user = (
        None if "\0" in username else db.session.scalar(select(User).where(User.username == username.strip()))
    )
    if user is None or user.password_hash is None:
        Passwords.verify(current_app.extensions["portal_nobody"], password)
        return None
    return user if user.check_password(password) and user.is_active else None


def require_login() -> BaseResponse | None:
    """Runs before every page that is not for everyone."""
    if current_user.is_authenticated:
        return None
    if request.method == "GET":
        return see_other("/login?" + urlencode({"next": here()}))
    form = drafts.place() if request.method == "POST" else None
    if form is not None:
        if not drafts.park():
            abort(401, drafts.NOT_PARKED)
        return see_other("/login?" + urlencode({"next": form.path}))
    # Nothing was typed; the page that it was sent from often has the same address.
    addresses: Any = current_app.create_url_adapter(request)
    again = addresses.test(request.path, "GET")
    return see_other("/login?" + urlencode({"next": safe_path(request.path) if again else "/inbox"}))


def _load(identity: str) -> User | None:
    number, _, key = identity.partition(".")
    user_id = to_id(number)
    user = None if user_id is None else db.session.get(User, user_id, options=[joinedload(User.roles)])
    return user if user is not None and user.is_active and user.session_key == key else None


def _account() -> str:
    return "account:" + request.form.get("username", "")[:150].strip().lower()


def init_app(app: Flask) -> None:
    # A hash as costly as a real one, for names that nobody bears.
    app.extensions["portal_nobody"] = Passwords.hash("nobody")
    manager = LoginManager(app)
    manager.user_loader(_load)
    limiter = Limiter(
        get_remote_address,
        app=app,
        storage_uri=app.config.get("RATELIMIT_STORAGE_URI") or "memory://",
        enabled=not app.config.get("TESTING"),
    )
    app.extensions["portal_limiter"] = limiter  # its decorators hold it weakly
    view: Any = app.view_functions["sign_in.login"]
    for limit, key in ((_BY_ADDRESS, get_remote_address), (_BY_ACCOUNT, _account)):
        view = limiter.limit(limit, key_func=key, methods=["POST"])(view)
    app.view_functions["sign_in.login"] = view
