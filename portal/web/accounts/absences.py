"""Absences and substitutes: one's own, and those of others by whoever manages their flows."""

from __future__ import annotations

import datetime as dt

from flask import Blueprint, abort, request, url_for
from flask_wtf import FlaskForm
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse
from wtforms import DateField, Field, SelectMultipleField, StringField, widgets
from wtforms.validators import InputRequired, ValidationError

from portal.engine import substitution
from portal.engine.transaction import clock
from portal.engine.wishes import zone_of
from portal.flow import registry
from portal.language import gettext as _
from portal.language import lazy_gettext
from portal.models import Absence, User, db, find_person, find_user

from ..layout import me
from ..messages import flash
from ..rendering import render_template
from ..urls import see_other, to_id
from ..writing import writing
from .sign_in import require_login

blueprint = Blueprint("absences", __name__)
blueprint.before_request(require_login)

#: people whom the list of a form offers
_OFFERED = 200
#: days that an absence may last
_LONGEST = 2 * 366


class AbsenceForm(FlaskForm):
    begins = DateField(
        lazy_gettext("First day away"), [InputRequired(lazy_gettext("Enter the first day."))], name="from"
    )
    ends = DateField(
        lazy_gettext("Last day away"), [InputRequired(lazy_gettext("Enter the last day."))], name="to"
    )
    substitute = StringField(
        lazy_gettext("Substitute"),
        description=lazy_gettext("A name or a user name. Left empty, nobody does the work meanwhile."),
        render_kw={"list": "people", "autocomplete": "off", "autocapitalize": "none"},
    )
    flows = SelectMultipleField(
        lazy_gettext("For these flows"),
        description=lazy_gettext("None ticked means all of them."),
        widget=widgets.ListWidget(prefix_label=False),
        option_widget=widgets.CheckboxInput(),
    )

    def __init__(self, user: User, flows: list[tuple[str, str]], posted: bool) -> None:
        super().__init__() if posted else super().__init__(formdata=None)
        self.user = user
        self.flows.choices = list(flows)
        self.person: User | None = None

    def validate_ends(self, field: Field) -> None:
        begins = self.begins.data
        if begins is None or field.data is None:
            return
        if field.data < begins:
            raise ValidationError(_("The last day is before the first one."))
        if field.data < clock.get()().astimezone(zone_of(self.user)).date():
            raise ValidationError(_("This day is past."))
        if (field.data - begins).days > _LONGEST or begins.year < 2000:
            raise ValidationError(_("That is too long: deactivate who leaves for good."))

    def validate_substitute(self, field: Field) -> None:
        name = (field.data or "").replace("\0", "").strip()
        self.person = find_person(db.session(), name) if name else None
        if name and self.person is None:
            raise ValidationError(_("There is no user “%(name)s”.", name=name[:50]))
        if self.person is None:
            return
        if self.person.id == self.user.id:
            raise ValidationError(_("Nobody stands in for themselves."))
        if not self.person.is_active:
            raise ValidationError(_("%(name)s is deactivated and gets no tasks.", name=self.person.name))

    @property
    def span(self) -> tuple[dt.datetime, dt.datetime]:
        """The first moment of the absence, and the first one after it, by the clock where the person is."""
        begins, ends = self.begins.data, self.ends.data
        assert begins is not None  # both are required
        assert ends is not None
        return self._midnight(begins), self._midnight(ends + dt.timedelta(days=1))

    def _midnight(self, day: dt.date) -> dt.datetime:
        return dt.datetime.combine(day, dt.time(), zone_of(self.user)).astimezone(dt.UTC)


@blueprint.route("/profile/absences", methods=["GET", "POST"])
def own() -> BaseResponse | tuple[str, int]:
    return _answer(me())


@blueprint.route("/people/<username>/absences", methods=["GET", "POST"])
def of_person(username: str) -> BaseResponse | tuple[str, int]:
    return _answer(_person_or_refuse(username))


def _answer(user: User) -> BaseResponse | tuple[str, int]:
    form = AbsenceForm(user, _flows_for(user), request.method == "POST")
    if request.method != "POST":
        return _page(user, form), 200
    if not form.validate():
        return _page(user, form), 422
    begins, ends = form.span
    if form.person is not None and substitution.overlapping(db.session(), form.person, begins, ends):
        flash(_("%(name)s is away too for a part of this time.", name=form.person.name), "warning")
    chosen = form.flows.data or ([] if _may_name_all(user) else [label for label, _title in _flows_for(user)])
    ids = (user.id, None if form.person is None else form.person.id, me().id)
    with writing() as session:
        person, substitute, by = (None if key is None else session.get_one(User, key) for key in ids)
        assert person is not None
        substitution.plan(session, person, begins, ends, substitute, chosen, by)
    flash(_("The absence is entered."), "success")
    return see_other(_address(ids[0]))


@blueprint.post("/absences/<int:absence_id>/end")
def end(absence_id: int) -> BaseResponse:
    """End an absence now, or forget one that has not begun."""
    number = to_id(absence_id)
    absence = None if number is None else db.session.get(Absence, number)
    if absence is None:
        abort(404, _("There is no such absence."))
    user_id = absence.user_id
    may = user_id == me().id or me().is_superuser or absence.created_by_id == me().id
    if not may:
        abort(403, _("You may end your own absences, and those that you have entered."))
    with writing() as session:
        found = session.get(Absence, number)
        if found is not None:
            substitution.end(session, found)
    flash(_("The absence is ended."), "success")
    return see_other(_address(user_id))


def _person_or_refuse(username: str) -> User:
    """A person for whom this one may name a substitute: an administrator may, and a manager for their flows."""
    if not me().is_superuser and not any(me().manages(label) for label in registry):
        abort(403, _("Only a manager of a flow or an administrator may do this."))
    user = find_user(db.session(), username.replace("\0", ""))
    if user is None:
        abort(404, _("There is no such person."))
    return user


def _may_name_all(user: User) -> bool:
    return user.id == me().id or me().is_superuser


def _flows_for(user: User) -> list[tuple[str, str]]:
    """The flows that can be chosen, by title."""
    labels = [label for label in registry if _may_name_all(user) or me().manages(label)]
    found = [(label, registry[label].definition.title) for label in labels]
    return sorted(found, key=lambda each: each[1].lower())


def _address(user_id: int) -> str:
    if user_id == me().id:
        return url_for("portal.absences.own")
    return url_for("portal.absences.of_person", username=db.session.get_one(User, user_id).username)


def _page(user: User, form: AbsenceForm) -> str:
    people = select(User).where(User.is_active, User.id != user.id).order_by(User.username).limit(_OFFERED)
    return render_template(
        "portal/absences.html",
        form=form,
        person=user,
        own=user.id == me().id,
        absences=substitution.planned(db.session(), user),
        people=db.session.scalars(people),
        zone=zone_of(user),
        day=dt.timedelta(days=1),
        titles=dict(_flows_for(user)),
    )
