"""A person's own API tokens."""

from __future__ import annotations

from flask import Blueprint, current_app, flash, url_for
from flask_wtf import FlaskForm
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse
from wtforms import BooleanField, Form, FormField, SelectField, StringField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # younger than its stubs
from wtforms.validators import InputRequired, Length

from portal.administration import tokens
from portal.engine.transaction import clock
from portal.errors import PortalError
from portal.language import gettext as _
from portal.language import lazy_gettext
from portal.models import Token, db

from ..layout import me
from ..rendering import render_template
from ..urls import see_other, to_id
from ..writing import writing
from .sign_in import require_login

blueprint = Blueprint("tokens", __name__)
blueprint.before_request(require_login)


class ScopesForm(Form):
    """What a program may do with a token; the names are those of the scopes."""

    read = BooleanField(lazy_gettext("Look at tasks and processes"))
    start = BooleanField(lazy_gettext("Start processes"))
    work = BooleanField(lazy_gettext("Take and finish tasks, comment"))
    manage = BooleanField(lazy_gettext("Do what a manager may"))
    admin = BooleanField(lazy_gettext("Look at people and roles"))


class TokenForm(FlaskForm):
    name = StringField(
        lazy_gettext("Name"),
        [InputRequired(lazy_gettext("Say what the token is for.")), Length(max=100)],
        description=lazy_gettext("What it is for, such as “night import”."),
    )
    scopes = FormField(ScopesForm, lazy_gettext("A program with it may"))
    days = SelectField(
        lazy_gettext("Expires in"),
        [InputRequired()],
        choices=[
            SelectChoice(str(days), lazy_gettext("%(days)s days", days=days)) for days in (7, 30, 90, 365)
        ],
        default="90",
    )


@blueprint.get("/profile/tokens")
def index() -> str:
    return _page(TokenForm(formdata=None))


@blueprint.post("/profile/tokens")
def make() -> str | tuple[str, int]:
    """Make a token, and show it: it is never shown again, so that this answer leads nowhere else."""
    form = TokenForm()
    if not form.validate():
        return _page(form), 422
    scopes = [name for name, chosen in form.scopes.data.items() if chosen]
    if not scopes:
        form.scopes.form.form_errors.append(_("Choose what it may do."))
        return _page(form), 422
    user = me()
    try:
        with writing() as session:
            token, secret = tokens.make(
                session, user, form.name.data or "", scopes, int(form.days.data), user.id
            )
            name = token.name
    except PortalError as error:
        form.name.errors = [str(error)]
        return _page(form), 422
    return _page(TokenForm(formdata=None), secret=secret, made=name)


@blueprint.post("/profile/tokens/<int:token_id>/revoke")
def revoke(token_id: int) -> BaseResponse:
    user_id = me().id
    with writing() as session:
        found = tokens.revoke(session, to_id(token_id), user_id, Token.user_id == user_id)
    if found is not None:
        flash(_("The token is revoked: no program can use it any more."), "success")
    else:
        flash(_("There is no such token any more."), "warning")
    return see_other(url_for("portal.tokens.index"))


def _page(form: TokenForm, secret: str = "", made: str = "") -> str:
    now = clock.get()()
    query = select(Token).where(Token.user_id == me().id, Token.revoked.is_(None), Token.expires > now)
    found = list(db.session.scalars(query.order_by(Token.id.desc())))
    documented = "portal.api" in current_app.blueprints
    return render_template(
        "portal/tokens.html", form=form, tokens=found, secret=secret, made=made, documented=documented
    )
