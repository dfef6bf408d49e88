"""Signing in and out."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Flask, abort, current_app, flash, render_template, request, url_for
from flask_login import LoginManager, current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as BaseResponse
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired

from portal.models import Passwords, User, db, find_user

from ..drafts import kept
from ..urls import here, inbox, safe_path, see_other
from . import sessions, throttle

blueprint = Blueprint("sign_in", __name__)


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
def login() -> BaseResponse | str | tuple[str, int] | tuple[str, int, dict[str, str]]:
    onward = safe_path(request.values.get("next"))
    if request.method == "GET" and current_user.is_authenticated:
        return see_other(onward)
    form = SignInForm()
    if form.validate_on_submit():
        try:
            user = _person(form.username.data or "", form.password.data or "")
        except throttle.TooManyAttempts as refused:
            form.password.errors = [refused.words]
            return _page(form, onward), 429, {"Retry-After": str(refused.seconds)}
        if user is not None:
            sessions.begin(user)
            response = see_other(onward)
            throttle.remember(response, user.id)
            return response
        form.password.errors = ["The user name or the password is wrong."]
    return (_page(form, onward), 422) if request.method == "POST" else _page(form, onward)


def _page(form: SignInForm, onward: str) -> str:
    return render_template("portal/login.html", form=form, onward=onward)


@blueprint.post("/logout")
def logout() -> BaseResponse:
    sessions.end()
    return see_other(url_for("portal.sign_in.login"))


def _person(username: str, password: str) -> User | None:
    """Who signs in with these, if anyone; it takes as long for a name that nobody bears.

    Raises:
        TooManyAttempts: too many were wrong.
    """
    user = find_user(db.session(), username)
    attempt = throttle.begin("sign-in", username, None if user is None else user.id)
    if user is None or user.password_hash is None:
        _take_as_long(password)
        right = False
    else:
        right = user.check_password(password) and user.is_active
    if attempt is not None:
        attempt.succeeded() if right else attempt.failed()
    return user if right else None


def _take_as_long(password: str) -> None:
    """Work as hard as for a name that somebody bears; the first time by making the hash that is checked later."""
    nobody = current_app.extensions.get("portal_nobody")
    if nobody is None:
        current_app.extensions["portal_nobody"] = Passwords.hash("nobody")
    else:
        Passwords.verify(nobody, password)


def require_login() -> BaseResponse | None:
    """Runs before every page that is not for everyone."""
    if current_user.is_authenticated:
        return None
    if request.method == "GET":
        return _ask_first(here())
    form = kept.place() if request.method == "POST" else None
    if form is not None:
        if not kept.park():
            abort(401, kept.NOT_PARKED)
        flash(f"Your session has expired. {kept.PARKED}", "warning")
        return _ask_first(kept.form_address())
    # Nothing was typed; the page that it was sent from often has the same address.
    addresses: Any = current_app.create_url_adapter(request)
    again = addresses.test(request.path, "GET")
    return _ask_first(safe_path(here()) if again else inbox())


def _ask_first(onward: str) -> BaseResponse:
    """Send somebody to sign in, and from there to an address of ours."""
    return see_other(f"{url_for('portal.sign_in.login')}?{urlencode({'next': onward})}")


def init_app(app: Flask) -> None:
    LoginManager(app).user_loader(sessions.load)
    sessions.init_app(app)
