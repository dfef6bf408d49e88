"""Signing in and out."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, Flask, abort, current_app, request, url_for
from flask_login import LoginManager
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as BaseResponse
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired

from portal.administration import arrivals
from portal.administration.arrivals import NotLetIn
from portal.administration.ldap_directory import LdapDirectory, Unreachable
from portal.language import gettext as _
from portal.language import lazy_gettext
from portal.models import Passwords, User, db, find_who_signs_in

from ..drafts import kept, parked
from ..messages import flash
from ..mount import mount
from ..rendering import render_template
from ..urls import here, inbox, is_page, safe_path, see_other
from ..writing import writing
from . import sessions, throttle
from .entering import enter
from .person import is_signed_in, person

blueprint = Blueprint("sign_in", __name__)

INACTIVE = lazy_gettext("Your account is deactivated here. An administrator can activate it again.")


class SignInForm(FlaskForm):
    username = StringField(
        lazy_gettext("User name or email address"),
        [InputRequired(lazy_gettext("Enter your user name or your email address."))],
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
            user, way = _person(form.username.data or "", form.password.data or "")
        except throttle.TooManyAttempts as refused:
            form.password.errors = [refused.words]
            return _page(form, onward), 429, {"Retry-After": str(refused.seconds)}
        except (NotLetIn, Unreachable) as refusal:
            form.form_errors.append(str(refusal))
            return _page(form, onward), 422
        if user is not None:
            return enter(user, onward, way)
        form.password.errors = [_("The name or the password is wrong.")]
    return (_page(form, onward), 422) if request.method == "POST" else _page(form, onward)


def _page(form: SignInForm, onward: str) -> str:
    open_id = current_app.extensions["portal"].open_id
    return render_template("portal/login.html", form=form, onward=onward, open_id=open_id)


@blueprint.post("/logout")
def logout() -> BaseResponse:
    sessions.end()
    return see_other(url_for("portal.sign_in.login"))


def _person(username: str, password: str) -> tuple[User | None, str]:
    """The person with this name and password, if anyone, and the way of signing in; a name that nobody has takes as
    long.

    Args:
        username: or the mail address that only one person has.

    Raises:
        TooManyAttempts: too many were wrong.
        NotLetIn: a directory has taken the password, and they may not sign in here.
        Unreachable: the directory does not answer.
    """
    user = find_who_signs_in(db.session(), username)
    user_id = None if user is None else user.id
    attempt = throttle.begin("sign-in", username, user_id)
    directory: LdapDirectory | None = current_app.extensions.get("portal_ldap")
    found, way = None, ""
    if user is not None and user.password_hash is not None:
        found = user if user.check_password(password) and user.is_active else None
    elif directory is not None:
        found, way = _of_directory(directory, username if user is None else user.username, password), "ldap"
    else:
        _take_as_long(password)
    if attempt is not None:
        attempt.failed() if found is None else attempt.succeeded()
    if found is None:
        sessions.note_failure(user_id)
    return found, way


def _of_directory(directory: LdapDirectory, username: str, password: str) -> User | None:
    arrival = directory.sign_in(username, password)
    if arrival is None:
        return None
    refused = None
    with writing() as session:
        try:
            user = arrivals.arrive(session, arrival, directory.settings.people)
        except NotLetIn as refusal:
            refused = refusal
    if refused is not None:
        raise refused
    return user


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
        if not parked.park():
            abort(401, parked.NOT_PARKED)
        flash(_("Your session has expired. %(PARKED)s", PARKED=parked.PARKED), "warning")
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
    ldap = app.extensions["portal"].ldap
    if ldap is not None:
        app.extensions["portal_ldap"] = LdapDirectory(ldap)
