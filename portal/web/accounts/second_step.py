"""The second step of signing in: a code of the app, or the set-up of one where the portal demands it."""

from __future__ import annotations

from flask import Blueprint, make_response, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as BaseResponse
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from portal.administration import second_factors
from portal.administration.second_factors import WrongCode
from portal.engine.transaction import wake
from portal.errors import PortalError
from portal.language import gettext as _
from portal.language import lazy_gettext
from portal.models import User, db

from ..messages import flash
from ..rendering import render_template
from ..urls import see_other
from ..writing import writing
from . import sessions, throttle
from .entering import begin, halfway, let_in
from .new_factor import forget_nonce, nonce, picture, spaced

blueprint = Blueprint("second_step", __name__)


class CodeForm(FlaskForm):
    code = StringField(
        lazy_gettext("Code"),
        [InputRequired(lazy_gettext("Enter the code.")), Length(max=100)],
        description=lazy_gettext("The six digits that your app shows now."),
        render_kw={
            "autocomplete": "one-time-code",
            "inputmode": "numeric",
            "autofocus": True,
            "spellcheck": "false",
        },
    )

    def stay_above(self) -> None:
        """Let the page begin where it begins: what has to be read comes before the input."""
        self.code.render_kw = {
            name: value for name, value in self.code.render_kw.items() if name != "autofocus"
        }

    def ask_for_paper(self) -> None:
        """Ask for a recovery code."""
        self.code.label.text = _("Recovery code")
        self.code.description = _("One of the codes that you have kept. It is good once.")
        self.code.render_kw = {"autocomplete": "off", "autocapitalize": "none", "autofocus": True,
                               "spellcheck": "false"}  # fmt: skip


@blueprint.route("/login/code", methods=["GET", "POST"])
def code() -> BaseResponse | str | tuple[str, int] | tuple[str, int, dict[str, str]]:
    found = halfway()
    if found is None:
        return _again()
    user, onward = found
    form = CodeForm()
    paper = "recovery" in request.args
    if paper:
        form.ask_for_paper()
    if form.validate_on_submit():
        try:
            take(user, form.code.data or "")
        except throttle.TooManyAttempts as refused:
            form.code.errors = [refused.words]
            return _asked(form, paper), 429, {"Retry-After": str(refused.seconds)}
        except WrongCode as wrong:
            form.code.errors = [str(wrong)]
        else:
            wake()
            return let_in(db.session.get_one(User, user.id), onward)
    return (_asked(form, paper), 422) if form.is_submitted() else _asked(form, paper)


def take(user: User, said: str) -> None:
    """Take a code of this person's.

    Raises:
        WrongCode: it is none; that is kept in the audit.
        TooManyAttempts: no code is looked at now.
    """
    user_id = user.id
    attempt = throttle.begin("code", user.username, user_id, throttle.CODES)
    try:
        with writing() as session:
            second_factors.take(session, session.get_one(User, user_id), said)
    except WrongCode:
        if attempt is not None:
            attempt.failed()
        sessions.note_failure(user_id, step="code")
        raise
    if attempt is not None:
        attempt.succeeded()


def _asked(form: CodeForm, paper: bool) -> str:
    return render_template("portal/code.html", form=form, paper=paper)


def _again() -> BaseResponse:
    flash(_("That took too long. Sign in once more."), "warning")
    return see_other(url_for("portal.sign_in.login"))


@blueprint.route("/login/set-up", methods=["GET", "POST"])
def set_up() -> BaseResponse | str | tuple[str, int]:
    """Set up the second factor that the portal demands, and sign in."""
    found = halfway()
    if found is None or second_factors.of(db.session(), found[0].id) is not None:
        return _again()
    user, onward = found
    form, made = CodeForm(), nonce()
    form.stay_above()
    if form.validate_on_submit():
        user_id = user.id
        try:
            with writing() as session:
                codes = second_factors.set_up(
                    session, session.get_one(User, user_id), made, form.code.data or ""
                )
        except PortalError as wrong:
            form.code.errors = [str(wrong)]
        else:
            wake()
            forget_nonce()
            response = make_response(
                render_template("portal/recovery_codes.html", codes=codes, onward=onward)
            )
            begin(db.session.get_one(User, user_id), response)
            return response
    page = render_template(
        "portal/set_up_factor.html",
        form=form,
        picture=picture(user, made),
        secret=spaced(second_factors.secret_of(made)),
    )
    return (page, 422) if form.is_submitted() else page
