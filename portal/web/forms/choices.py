"""Inputs that choose among values."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from wtforms import widgets
from wtforms.fields.choices import Choice, SelectFieldBase  # type: ignore[attr-defined]

from portal.language import gettext as _
from portal.language import lazy_gettext

BLANK = lazy_gettext("Choose…")


class SelectField(SelectFieldBase):
    """One of the options, pairs of a value and its label."""

    widget = widgets.Select()

    def __init__(self, *args: Any, options: Sequence[tuple[Any, str]], blank: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.options = options
        self.blank = blank and all(self.text_of(value) for value, _ in options)

    @staticmethod
    def text_of(value: Any) -> str:
        return str(value.value if isinstance(value, enum.Enum) else value)

    def iter_choices(self) -> Iterator[Choice]:
        chosen = None if self.data is None else self.text_of(self.data)
        if self.blank:
            yield Choice("", BLANK, chosen is None, {})
        for value, label in self.options:
            text = self.text_of(value)
            yield Choice(text, label, text == chosen, {})

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        if not valuelist:
            return
        self.data, text = None, valuelist[0]
        meant = [value for value, _label in self.options if text == self.text_of(value)]
        # Programs may send a member's name, which can be another member's value.
        meant += [
            value for value, _label in self.options if isinstance(value, enum.Enum) and text == value.name
        ]
        if meant:
            self.data = meant[0]
        elif text != "":
            raise ValueError(_("Not a valid choice."))


#: what programs and tick boxes send for a truth value
_TRUTHS = {
    **dict.fromkeys(("true", "y", "yes", "on", "1"), "true"),
    **dict.fromkeys(("false", "n", "no", "off", "0"), "false"),
}


class DecisionField(SelectField):
    """A decision: each option is a button that sends the form, and nothing is decided before one is pressed."""

    def __init__(
        self,
        *args: Any,
        options: Sequence[tuple[Any, str]],
        needs: Mapping[str, Sequence[str]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, options=options, blank=False, **kwargs)
        #: the names of the inputs that must be filled in, by what is sent for an option
        self.needs = needs

    @staticmethod
    def text_of(value: Any) -> str:
        return str(value).lower() if isinstance(value, bool) else SelectField.text_of(value)

    @property
    def words(self) -> list[str]:
        return [label for _, label in self.options]

    def declines(self, text: str) -> bool:
        """Whether this option says no."""
        return any(value is False and self.text_of(value) == text for value, _ in self.options)

    def labels_that_need(self, name: str) -> list[str]:
        """The words of the buttons for which an input must be filled in."""
        return [label for value, label in self.options if name in self.needs.get(self.text_of(value), ())]

    def process_data(self, value: Any) -> None:
        self.data = None  # what was decided before is no answer

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        if len(set(valuelist)) > 1:
            raise ValueError(_("Choose one of them only."))
        if any(isinstance(value, bool) for value, _ in self.options):
            valuelist = [_TRUTHS.get(str(text).lower(), text) for text in valuelist]
        super().process_formdata(valuelist)
