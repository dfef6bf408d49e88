"""The fields of password forms: the present password, and a new one typed twice."""

from __future__ import annotations

from typing import Any

from flask import current_app
from flask_wtf import FlaskForm
from wtforms import Field, PasswordField
from wtforms.validators import EqualTo, InputRequired, ValidationError

from portal.administration import passwords
from portal.language import gettext as _
from portal.language import lazy_gettext
from portal.models import User

from ..layout import me
from . import throttle


class AsksForPassword(FlaskForm):
    """A form with the person's own password: who finds their browser open must not take their account over."""

    current = PasswordField(
        lazy_gettext("Current password"),
        [InputRequired(lazy_gettext("Enter your current password."))],
        render_kw={"autocomplete": "current-password"},
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


class ChoosesPassword(FlaskForm):
    """A form in which a person chooses a password.

    Args:
        person: who chooses it.
    """

    password = PasswordField(
        lazy_gettext("New password"),
        [InputRequired(lazy_gettext("Enter a new password."))],
        render_kw={"autocomplete": "new-password"},
    )
    again = PasswordField(
        lazy_gettext("New password, again"),
        [
            InputRequired(lazy_gettext("Enter the new password again.")),
            EqualTo("password", lazy_gettext("The two new passwords differ.")),
        ],
        render_kw={"autocomplete": "new-password"},
    )

    def __init__(self, *args: Any, person: User, **more: Any) -> None:
        super().__init__(*args, **more)
        self.person = person
        self.length: int = current_app.extensions["portal"].password_length
        self.password.description = _(
            "At least %(number)s characters, and none of the common ones. Several words are fine.",
            number=self.length,
        )
        self.password.render_kw = {**(self.password.render_kw or {}), "minlength": self.length}

    def validate_password(self, field: Field) -> None:
        fault = passwords.fault(field.data or "", self.length, passwords.words_of(self.person))
        if fault is not None:
            raise ValidationError(fault)
