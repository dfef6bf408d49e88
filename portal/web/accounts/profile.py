"""A person's own page: their name, their password and how the portal looks to them."""

from __future__ import annotations

from flask import Blueprint, abort, request, url_for
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse
from wtforms import (
    BooleanField,
    Field,
    Form,
    FormField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    widgets,
)
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # younger than its stubs
from wtforms.validators import Length, Optional, ValidationError

from portal.administration import account_mail, second_factors
from portal.engine import audit
from portal.engine.audit import Entry
from portal.engine.transaction import wake
from portal.engine.wishes import DEFAULTS
from portal.jsonstore import EmailField, check_text
from portal.language import gettext as _
from portal.language import lazy_gettext, ngettext
from portal.models import User, db

from .. import languages
from ..display.moments import zone_names
from ..layout import me
from ..messages import flash
from ..mount import mount
from ..rendering import render_template
from ..urls import see_other, to_id
from ..writing import writing
from . import sessions, throttle
from .notice_choices import NoticesForm, workable_flows
from .password_fields import AsksForPassword, ChoosesPassword
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
    notices_portal = FormField(NoticesForm, lazy_gettext("In the portal"))
    notices = FormField(NoticesForm, lazy_gettext("By email"))
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


class PasswordForm(AsksForPassword, ChoosesPassword):
    """The old password, then the new one twice."""


@blueprint.route("/profile", methods=["GET", "POST"])
def profile() -> BaseResponse | tuple[str, int] | tuple[str, int, dict[str, str]]:
    changes_password = request.method == "POST" and "current" in request.form and mount().own_accounts
    form = _profile_form(posted=request.method == "POST" and not changes_password)
    password_form = (
        PasswordForm(person=me()) if changes_password else PasswordForm(formdata=None, person=me())
    )
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
    user_id, is_mailed = me().id, False
    with writing() as session:
        user = session.get_one(User, user_id)
        if mount().own_accounts:
            user.full_name = (form.full_name.data or "").strip()
            is_mailed = _change_mail(session, user, (form.email.data or "").strip() or None)
        _change_choices(user, form)
        chosen = user.language or ""
    if is_mailed:
        wake()
    languages.ask_again()
    flash(_("Saved."), "success")
    response = see_other(url_for("portal.accounts.profile"))
    languages.keep(response, chosen)
    return response


def _change_mail(session: Session, user: User, email: str | None) -> bool:
    """Change where mail goes, and so by what one signs in. True if whoever had the old address is told."""
    before = user.email
    if email == before:
        return False
    if before:
        account_mail.write(session, "account", user, what="email", to=before)
    user.email = email
    audit.append(session, [Entry("person.changed", user.id, "person", user.id, {"fields": ["email"]})])
    return bool(before)


def _change_choices(user: User, form: ProfileForm) -> None:
    mine = {name: form[name].data for name in ("theme", "after", "keys", "timezone", "follow")}
    mine |= {name: form[name].data for name in ("notices", "notices_portal", "queue_flows")}
    mine["digest"] = form.digest.data == "daily"
    user.preferences = {**(user.preferences or {}), **mine}
    user.language = form.language.data or None


def _change_password(form: PasswordForm) -> BaseResponse:
    user_id = me().id
    with writing() as session:
        user = session.get_one(User, user_id)
        user.set_password(form.password.data or "")
        account_mail.write(session, "account", user, what="password")
        audit.append(session, [Entry("password.chosen", user_id, "person", user_id)])
    wake()
    sessions.begin(user, anew=False)  # the new password ended every session, this one too
    flash(_("Your password is changed."), "success")
    return see_other(url_for("portal.accounts.profile"))


def _page(form: ProfileForm, password_form: PasswordForm) -> str:
    own = mount().own_accounts
    return render_template(
        "portal/profile.html",
        form=form,
        password_form=password_form,
        sessions=sessions.listed(me()),
        factor=second_factors.of(db.session(), me().id) if own else None,
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
