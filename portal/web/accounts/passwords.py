"""Forgotten and first passwords: asks for a link by mail, and opens it."""

from __future__ import annotations

from flask import Blueprint, abort, current_app, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as BaseResponse
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from portal.administration import account_mail, arrivals, password_links
from portal.engine import audit
from portal.engine.audit import Entry
from portal.engine.transaction import wake
from portal.language import gettext as _
from portal.language import lazy_gettext
from portal.models import User, db, find_user, people_of_mail

from ..languages import follow
from ..rendering import render_template
from ..urls import inbox, see_other
from ..writing import writing
from . import throttle
from .entering import enter
from .password_fields import ChoosesPassword

blueprint = Blueprint("passwords", __name__)


class ForgottenForm(FlaskForm):
    username = StringField(
        lazy_gettext("User name or email address"),
        [InputRequired(lazy_gettext("Enter your user name or your email address.")), Length(max=254)],
        render_kw={
            "autocomplete": "username",
            "autocapitalize": "none",
            "spellcheck": "false",
            "autofocus": True,
        },
    )


@blueprint.route("/password", methods=["GET", "POST"])
def forgotten() -> BaseResponse | str | tuple[str, int] | tuple[str, int, dict[str, str]]:
    """Send a link to whoever has forgotten their password. The answer is the same whether anybody is called so."""
    form = ForgottenForm()
    if not form.is_submitted():
        return _asked(form)
    if not form.validate():
        return _asked(form), 422
    said = form.username.data or ""
    try:
        attempt = throttle.begin("reset", said, None, throttle.MAILS)
    except throttle.TooManyAttempts as refused:
        form.username.errors = [refused.words]
        return _asked(form), 429, {"Retry-After": str(refused.seconds)}
    if attempt is not None:
        attempt.failed()  # it is never right or wrong: each of them counts
    with writing() as session:
        found = _receivers(said)
        receivers: list[User | None] = [*found] or [None]
        for person in receivers:  # nobody gets a mail too, so that it takes as long
            account_mail.write(session, "reset", person)
            subject = ("", "") if person is None else ("person", str(person.id))
            audit.append(session, [Entry("password.asked", None, *subject)])
    wake()
    return see_other(url_for("portal.passwords.sent"))


@blueprint.get("/password/sent")
def sent() -> str:
    return render_template("portal/forgotten.html", form=None)


def _asked(form: ForgottenForm) -> str:
    return render_template("portal/forgotten.html", form=form, sends_mail=sends_mail())


def sends_mail() -> bool:
    """Whether mail leaves at all: without a server it is shown in the log, and its links are not."""
    return bool(current_app.config.get("MAIL_SERVER")) or current_app.testing


def _receivers(said: str) -> list[User]:
    """Whoever is meant, and has an address; several where they share one."""
    session = db.session()
    user = find_user(session, said)
    found = [user] if user is not None else people_of_mail(session, said)
    return [each for each in found if each.is_active and each.email and may_choose(each)]


def may_choose(person: User) -> bool:
    """Whether somebody signs in by a password that is kept here, and not by a directory alone."""
    return person.password_hash is not None or not arrivals.is_of_a_directory(db.session(), person.id)


@blueprint.route("/password/<token>", methods=["GET", "POST"])
def choose(token: str) -> BaseResponse | str | tuple[str, int]:
    """Choose a password by a link."""
    person = _whose(token)
    form = ChoosesPassword(person=person)
    if form.validate_on_submit():
        with writing() as session:
            person = _whose(token)  # somebody may have been faster
            person.set_password(form.password.data or "")
            account_mail.write(session, "account", person, what="password")
            audit.append(session, [Entry("password.chosen", person.id, "person", person.id)])
        wake()
        return enter(person, inbox())
    page = render_template("portal/choose_password.html", form=form, token=token, person=person)
    return (page, 422) if form.is_submitted() else page


def _whose(token: str) -> User:
    person = password_links.person_of(db.session(), token)
    if person is None:
        abort(404, _("This link is no good any more. Ask for another one, or ask an administrator."))
    follow(person.language)
    return person
