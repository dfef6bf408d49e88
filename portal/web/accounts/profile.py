"""A person's own page: their name, their password and how the portal looks to them."""

from __future__ import annotations

from flask import Blueprint, abort, g, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as BaseResponse
from wtforms import (
    BooleanField,
    Field,
    Form,
    FormField,
    PasswordField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    widgets,
)
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # younger than its stubs
from wtforms.validators import EqualTo, InputRequired, Length, Optional, ValidationError

from portal.engine.wishes import DEFAULTS
from portal.jsonstore import EmailField, check_text
from portal.language import gettext as _
from portal.language import lazy_gettext, ngettext
from portal.models import db

from .. import languages
from ..display.moments import zone_names
from ..layout import me
from ..messages import flash
from ..mount import mount
from ..urls import see_other, to_id
from . import sessions, throttle
from .notice_choices import NoticesForm, workable_flows
from .sign_in import require_login

blueprint = Blueprint("accounts", __name__)
blueprint.before_request(require_login)


def _choices(**labels: str) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in labels.items()]


def _is_address(_form: Form, field: Field) -> None:
    try:
        EmailField().check((field.data or "").strip())
    except ValueError as error:
        raise ValidationError(_("Enter an address such as alice@example.com.")) from error


def _is_text(_form: Form, field: Field) -> None:
    try:
        check_text(field.data or "")
    except ValueError as error:
        raise ValidationError(_("Remove the characters that cannot be printed.")) from error


class ProfileForm(FlaskForm):
    full_name = StringField(
        lazy_gettext("Name"),
        [Length(max=200), _is_text],
        description=lazy_gettext("What others see. Left empty, it is your user name."),
    )
    email = StringField(
        lazy_gettext("Email address"),
        [Optional(), Length(max=254), _is_address],
        description=lazy_gettext("Without one you get no email."),
        render_kw={"type": "email", "autocomplete": "email"},
    )
    notices_portal = FormField(NoticesForm, lazy_gettext("Tell me in the portal when"))
    notices = FormField(NoticesForm, lazy_gettext("Email me when"))
    digest = RadioField(
        lazy_gettext("Email"),
        choices=_choices(
            now=lazy_gettext("At once"), daily=lazy_gettext("Once a day, at 8 in the morning where I am")
        ),
    )
    queue_flows = SelectMultipleField(
        lazy_gettext("Notices of the queue are for these flows"),
        description=lazy_gettext("None ticked means all of them."),
        option_widget=widgets.CheckboxInput(),
        widget=widgets.ListWidget(prefix_label=False),
    )
    follow = BooleanField(
        lazy_gettext("Follow what I take part in"),
        description=lazy_gettext("What I request or comment on, I follow by itself."),
    )
    theme = RadioField(
        lazy_gettext("Colours"),
        choices=_choices(
            system=lazy_gettext("Same as system"), light=lazy_gettext("Light"), dark=lazy_gettext("Dark")
        ),
    )
    after = RadioField(
        lazy_gettext("After finishing a task"),
        choices=_choices(list=lazy_gettext("Go back to the list"), next=lazy_gettext("Go to the next task")),
    )
    keys = BooleanField(
        lazy_gettext("Keyboard shortcuts: single letters"),
        description=lazy_gettext("j, k, x, c, / and ? work on lists. Press ? to see them all."),
    )
    language = SelectField(lazy_gettext("Language"))
    timezone = SelectField(lazy_gettext("Time zone"))


class PasswordForm(FlaskForm):
    current = PasswordField(
        lazy_gettext("Current password"),
        [InputRequired(lazy_gettext("Enter your current password."))],
        render_kw={"autocomplete": "current-password"},
    )
    password = PasswordField(
        lazy_gettext("New password"),
        [
            InputRequired(lazy_gettext("Enter a new password.")),
            Length(min=8, max=200, message=lazy_gettext("At least 8 characters.")),
        ],
        description=lazy_gettext("At least 8 characters. Other devices will be signed out."),
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

    def validate_current(self, field: Field) -> None:
        """
        Raises:
            TooManyAttempts: too many were wrong.
        """
        attempt = throttle.begin("password", me().username, me().id)
        right = me().check_password(field.data or "")
        if attempt is not None:
            attempt.succeeded() if right else attempt.failed()
        if not right:
            raise ValidationError(_("This is not your current password."))


@blueprint.route("/profile", methods=["GET", "POST"])
def profile() -> BaseResponse | tuple[str, int] | tuple[str, int, dict[str, str]]:
    changes_password = request.method == "POST" and "current" in request.form and mount().own_accounts
    form = _profile_form(posted=request.method == "POST" and not changes_password)
    password_form = PasswordForm() if changes_password else PasswordForm(formdata=None)
    if request.method == "GET":
        return _page(form, password_form), 200
    try:
        if changes_password and password_form.validate():
            return _change_password(password_form)
    except throttle.TooManyAttempts as refused:
        password_form.current.errors = [refused.words]
        return _page(form, password_form), 429, {"Retry-After": str(refused.seconds)}
    if not changes_password and form.validate():
        return _change_profile(form)
    return _page(form, password_form), 422


def _profile_form(posted: bool) -> ProfileForm:
    user = me()
    chosen = user.preferences or {}
    start = {
        "full_name": user.full_name,
        "email": user.email or "",
        "notices": {**DEFAULTS, **chosen.get("notices", {})},
        "notices_portal": {**DEFAULTS, **chosen.get("notices_portal", {})},
        "digest": "daily" if chosen.get("digest") else "now",
        "queue_flows": chosen.get("queue_flows", []),
        "follow": chosen.get("follow", True),
        "theme": chosen.get("theme", "system"),
        "after": chosen.get("after", "list"),
        "keys": chosen.get("keys", True),
        "language": user.language or "",
        "timezone": chosen.get("timezone", ""),
    }
    form = ProfileForm(data=start) if posted else ProfileForm(formdata=None, data=start)
    form.queue_flows.choices = workable_flows(user)
    names = ["UTC", *zone_names()]
    if not mount().own_accounts:  # the application around us says who somebody is
        del form.full_name, form.email
    form.language.choices = [SelectChoice(code, name) for code, name in languages.choices()]
    form.timezone.choices = [SelectChoice("", _("Same as browser")), *(SelectChoice(name) for name in names)]
    return form


def _change_profile(form: ProfileForm) -> BaseResponse:
    user = me()
    if mount().own_accounts:
        user.full_name = (form.full_name.data or "").strip()
        user.email = (form.email.data or "").strip() or None
    mine = {name: form[name].data for name in ("theme", "after", "keys", "timezone", "follow")}
    mine |= {name: form[name].data for name in ("notices", "notices_portal", "queue_flows")}
    mine["digest"] = form.digest.data == "daily"
    user.preferences = {**(user.preferences or {}), **mine}
    user.language = form.language.data or None
    chosen = user.language or ""
    db.session.commit()
    g.pop("portal_locale", None)
    g.pop("spoken", None)
    flash(_("Saved."), "success")
    response = see_other(url_for("portal.accounts.profile"))
    languages.keep(response, chosen)
    return response


def _change_password(form: PasswordForm) -> BaseResponse:
    user = me()
    user.set_password(form.password.data or "")
    db.session.commit()
    sessions.begin(user, anew=False)  # the new password ended every session, this one too
    flash(_("Your password is changed."), "success")
    return see_other(url_for("portal.accounts.profile"))


def _page(form: ProfileForm, password_form: PasswordForm) -> str:
    return render_template(
        "portal/profile.html", form=form, password_form=password_form, sessions=sessions.listed(me())
    )


@blueprint.post("/profile/sessions")
def end_sessions() -> BaseResponse:
    """End one session of this person's, or all others than this one."""
    if not mount().own_accounts:
        abort(404)
    number = to_id(request.form.get("session", ""))
    if "others" in request.form:
        count = sessions.end_others(me())
        flash(
            ngettext("%(number)s other session ended.", "%(number)s other sessions ended.", count), "success"
        )
    elif number is not None and sessions.end_one(me(), number):
        flash(_("The session is ended."), "success")
    else:
        flash(_("There is no such session any more."), "warning")
    return see_other(url_for("portal.accounts.profile"))
