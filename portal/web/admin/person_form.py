"""The form by which an administrator adds or changes a person."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, SelectField, SelectMultipleField, StringField, widgets
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # younger than its stubs

from portal.administration import people, rights
from portal.language import lazy_gettext as _
from portal.models import Role, User

from .. import languages
from ..display.moments import zone_names


def _ticks(label: Any, description: Any) -> SelectMultipleField:
    return SelectMultipleField(
        label,
        description=description,
        widget=widgets.ListWidget(prefix_label=False),
        option_widget=widgets.CheckboxInput(),
    )


class PersonForm(FlaskForm):
    username = StringField(
        _("User name"),
        description=_("What they sign in with. It stays."),
        render_kw={"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"},
    )
    full_name = StringField(_("Name"), description=_("What others see. Left empty, it is the user name."))
    email = StringField(_("Email address"), render_kw={"type": "email", "autocomplete": "off"})
    manager = StringField(
        _("Manager"), description=_("A user name."), render_kw={"list": "people", "autocapitalize": "none",
                                                                 "autocomplete": "off"},
    )  # fmt: skip
    department = StringField(_("Department"), render_kw={"list": "departments", "autocomplete": "off"})
    skills = StringField(_("Skills"), description=_("Separated by commas: rules of assignment ask for them."))
    capacity = StringField(
        _("Capacity"),
        description=_(
            "How many open tasks rules of assignment give this person at most. Left empty: any number."
        ),
        render_kw={"inputmode": "numeric"},
    )
    language = SelectField(_("Language"), validate_choice=False)  # another code is refused in words
    timezone = SelectField(_("Time zone"))
    roles = _ticks(_("Roles"), _("What each allows is on the page of the role."))
    permissions = _ticks(_("Permissions of their own"), _("Beside those of their roles. Better give a role."))
    is_superuser = BooleanField(_("Superuser"), description=_("May do everything, without any permission."))
    invite = BooleanField(
        _("Send an invitation by email"),
        description=_("With a link by which they choose their password. Else you get that link."),
    )
    seen = HiddenField(name="_seen")

    def __init__(self, roles: list[Role], person: User | None, posted: bool) -> None:
        values = {} if person is None else people.values_of(person)
        start = {
            "timezone": "",
            "invite": True,
            **values,
            "skills": ", ".join(values.get("skills", ())),
            "seen": digest(values),
        }
        super().__init__(data=start) if posted else super().__init__(formdata=None, data=start)
        self.person = person
        self.roles.choices = [(role.name, role.name) for role in roles]
        known = {each.name: f"{each.flow}: {each.words}" for each in rights.catalogue()}
        held = values.get("permissions", [])
        self.permissions.choices = [*known.items(), *((name, name) for name in held if name not in known)]
        zones = ["UTC", *zone_names()]
        self.timezone.choices = [
            SelectChoice("", _("Same as browser")),
            *(SelectChoice(zone) for zone in zones),
        ]
        spoken = languages.choices()
        if self.language.data and self.language.data not in dict(spoken):
            spoken.append((self.language.data, self.language.data))
        self.language.choices = [SelectChoice(code, name) for code, name in spoken]
        if person is not None:
            del self.username, self.invite
        else:
            self.username.flags.required = True

    @property
    def given(self) -> dict[str, Any]:
        """What was said, as `portal.administration.people` takes it."""
        skills = [part.strip() for part in (self.skills.data or "").split(",") if part.strip()]
        values = {name: self[name].data for name in people.FIELDS if name in self}
        return {**values, "skills": skills}

    def tell(self, faults: dict[str, str]) -> None:
        """Show what cannot be beside its input."""
        for name, fault in faults.items():
            self[name].errors = [f"{fault[:1].upper()}{fault[1:]}."]


def digest(values: dict[str, Any]) -> str:
    """What tells whether somebody else has changed something meanwhile."""
    text = json.dumps(values, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:20]
