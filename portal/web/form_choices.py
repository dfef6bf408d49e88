"""Inputs that choose among values."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from typing import Any

from wtforms import widgets
from wtforms.fields.choices import Choice, SelectFieldBase  # type: ignore[attr-defined]

BLANK = "Choose…"


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
        for value, _ in self.options:
            if text == self.text_of(value) or (isinstance(value, enum.Enum) and text == value.name):
                self.data = value
                return
        if text != "":
            raise ValueError("Not a valid choice.")
