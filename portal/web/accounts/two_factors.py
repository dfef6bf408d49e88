"""A person's page of two-factor sign-in: set it up, switch it off, make new recovery codes."""

from __future__ import annotations

from flask import Blueprint, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from portal.administration import second_factors
from portal.administration.second_factors import WrongCode
from portal.engine.transaction import wake
from portal.errors import PortalError
from portal.language import gettext as _
from portal.models import User, db

from ..layout import me
from ..messages import flash
from ..rendering import render_template
from ..urls import see_other
from ..writing import writing
from . import throttle
from .new_factor import forget_nonce, nonce, picture, spaced
from .password_fields import AsksForPassword
from .second_step import CodeForm, take
from .sign_in import require_login

blueprint = Blueprint("two_factors", __name__)
blueprint.before_request(require_login)

Answer = BaseResponse | str | tuple[str, int] | tuple[str, int, dict[str, str]]


class SetUpForm(CodeForm, AsksForPassword):
    """Who finds somebody's browser open must not lock them out with a factor of their own."""


@blueprint.route("/profile/two-factors", methods=["GET", "POST"])
def index() -> Answer:
    if second_factors.of(db.session(), me().id) is None:
        return _set_up()
    form = CodeForm()
    form.code.description = _("Of your app, or a recovery code.")
    form.code.render_kw = {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false"}
    if not form.is_submitted():
        return _page(form)
    try:
        if form.validate():
            return _change(form.code.data or "")
    except throttle.TooManyAttempts as refused:
        form.code.errors = [refused.words]
        return _page(form), 429, {"Retry-After": str(refused.seconds)}
    except PortalError as wrong:
        form.code.errors = [str(wrong)]
    return _page(form), 422


def _change(said: str) -> Answer:
    """Switch two factors off, or make other recovery codes.

    Raises:
        PortalError: the code is wrong, or the portal demands two factors.
        TooManyAttempts: no code is looked at now.
    """
    user_id, codes = me().id, None
    switches_off = "off" in request.form
    if switches_off and second_factors.is_demanded(me()):
        raise PortalError(_("Who may do what you may has to sign in by two factors."))
    take(me(), said)
    with writing() as session:
        user = session.get_one(User, user_id)
        if switches_off:
            second_factors.remove(session, user, user)
        else:
            codes = second_factors.new_codes(session, user)
    wake()
    if codes is not None:
        return _codes(codes)
    flash(_("Two factors are switched off."), "success")
    return see_other(url_for("portal.accounts.profile"))


def _set_up() -> Answer:
    user_id, form = me().id, SetUpForm()
    form.stay_above()
    if me().password_hash is None:  # they sign in elsewhere, and by no password that we know
        del form.current
    made = nonce()
    try:
        if form.validate_on_submit():
            with writing() as session:
                codes = second_factors.set_up(
                    session, session.get_one(User, user_id), made, form.code.data or ""
                )
            wake()
            forget_nonce()
            return _codes(codes)
    except throttle.TooManyAttempts as refused:
        form.current.errors = [refused.words]
        return _page(form, made), 429, {"Retry-After": str(refused.seconds)}
    except WrongCode as wrong:
        form.code.errors = [str(wrong)]
    return (_page(form, made), 422) if form.is_submitted() else _page(form, made)


def _codes(codes: list[str]) -> str:
    """They are shown this once, so that this answer leads nowhere else."""
    return render_template(
        "portal/recovery_codes.html", codes=codes, onward=url_for("portal.accounts.profile")
    )


def _page(form: CodeForm, made: str = "") -> str:
    return render_template(
        "portal/two_factors.html",
        form=form,
        factor=None if made else second_factors.of(db.session(), me().id),
        left=second_factors.codes_left(db.session(), me().id),
        all=second_factors.CODES,
        demanded=second_factors.is_demanded(me()),
        picture=picture(me(), made) if made else "",
        secret=spaced(second_factors.secret_of(made)) if made else "",
    )
