"""Signing in and out."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, Flask, abort, current_app, request, url_for
from flask_login import LoginManager
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as BaseResponse
from wtforms import PasswordField, StringField
from wtforms.validators import EqualTo, InputRequired, Length

from portal.administration import password_links
from portal.engine import audit
from portal.engine.audit import Entry
from portal.language import gettext as _
from portal.language import lazy_gettext
from portal.models import Passwords, User, db, find_user

from ..drafts import kept
from ..messages import flash
from ..mount import mount
from ..rendering import render_template
from ..urls import here, inbox, is_page, safe_path, see_other
from ..writing import writing
from . import sessions, throttle
from .person import is_signed_in, person

blueprint = Blueprint("sign_in", __name__)

INACTIVE = lazy_gettext("Your account is deactivated here. An administrator can activate it again.")


class SignInForm(FlaskForm):
    username = StringField(
        lazy_gettext("User name"),
        [InputRequired(lazy_gettext("Enter your user name."))],
        render_kw={
            "autocomplete": "username",
            "autocapitalize": "none",
            "spellcheck": "false",
            "autofocus": True,
        },
    )
    password = PasswordField(
        lazy_gettext("Password"),
        [InputRequired(lazy_gettext("Enter your password."))],
        render_kw={"autocomplete": "current-password"},
    )


@blueprint.route("/login", methods=["GET", "POST"])
def login() -> BaseResponse | str | tuple[str, int] | tuple[str, int, dict[str, str]]:
    onward = safe_path(request.values.get("next"))
    if request.method == "GET" and is_signed_in():
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
        form.password.errors = [_("The user name or the password is wrong.")]
    return (_page(form, onward), 422) if request.method == "POST" else _page(form, onward)


def _page(form: SignInForm, onward: str) -> str:
    return render_template("portal/login.html", form=form, onward=onward)


class ChooseForm(FlaskForm):
    password = PasswordField(
        lazy_gettext("New password"),
        [
            InputRequired(lazy_gettext("Enter a new password.")),
            Length(min=8, max=200, message=lazy_gettext("At least 8 characters.")),
        ],
        description=lazy_gettext("At least 8 characters."),
        render_kw={"autocomplete": "new-password", "minlength": 8},
    )
    again = PasswordField(
        lazy_gettext("New password, again"),
        [
            InputRequired(lazy_gettext("Enter the new password again.")),
            EqualTo("password", lazy_gettext("The two new passwords differ.")),
        ],
        render_kw={"autocomplete": "new-password"},
    )


@blueprint.route("/password/<token>", methods=["GET", "POST"])
def choose_password(token: str) -> BaseResponse | str | tuple[str, int]:
    """Choose a password by the link that an administrator has made."""
    if password_links.person_of(db.session(), token) is None:
        abort(404, _("This link is no good any more. Ask an administrator for another one."))
    form = ChooseForm()
    if form.validate_on_submit():
        with writing() as session:
            person = password_links.person_of(session, token)
            if person is None:  # somebody was faster
                abort(404, _("This link is no good any more. Ask an administrator for another one."))
            person.set_password(form.password.data or "")
            audit.append(session, [Entry("password.chosen", person.id, "person", person.id)])
        sessions.begin(person)
        return see_other(inbox())
    page = render_template("portal/choose_password.html", form=form, token=token)
    return (page, 422) if request.method == "POST" else page


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
    if not right:
        sessions.note_failure(None if user is None else user.id)
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
    user = person()
    if user.is_authenticated:
        return None if user.is_active else abort(403, INACTIVE)
    if request.method == "GET":
        return _ask_first(here())
    form = kept.place() if request.method == "POST" else None
    if form is not None:
        if not kept.park():
            abort(401, kept.NOT_PARKED)
        flash(_("Your session has expired. %(PARKED)s", PARKED=kept.PARKED), "warning")
        return _ask_first(kept.form_address())
    # Nothing was typed; the page that it was sent from often has the same address.
    again = is_page(request.path, "GET")
    return _ask_first(safe_path(here()) if again else inbox())


def _ask_first(onward: str) -> BaseResponse:
    """Send somebody to sign in, and from there to an address of ours."""
    address = sign_in_address()
    if address is None:
        abort(401)
    return see_other(f"{address}{'&' if '?' in address else '?'}{urlencode({'next': onward})}")


def sign_in_address() -> str | None:
    """Where people sign in, here or in the application around us. None where nobody has said it."""
    here = mount()
    if here.own_accounts:
        return url_for("portal.sign_in.login")
    inside = (here.login_url or "").startswith("/") and not (here.login_url or "").startswith("//")
    return f"{request.script_root}{here.login_url}" if inside else here.login_url


def init_app(app: Flask) -> None:
    if app.extensions["portal_mount"].whole:
        LoginManager(app).user_loader(sessions.load)
