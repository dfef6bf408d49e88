"""Inputs that choose: among values, or among the rows of a table."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import inspect, select
from wtforms import widgets
from wtforms.fields.choices import Choice, SelectFieldBase  # type: ignore[attr-defined]

from portal.models.base import db

#: more rows than this are no list to choose from
_MOST_ROWS = 1000
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


class ReferenceField(SelectFieldBase):
    """A row of a table; with `multiple` several of them."""

    def __init__(
        self, *args: Any, model: type, multiple: bool = False, blank: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        # The name by which Bootstrap-Flask knows a select.
        self.type = "SelectField"
        self.widget = widgets.Select(multiple=multiple)
        self.model = model
        self.multiple = multiple
        self.blank = blank and not multiple

    def process_data(self, value: Any) -> None:
        self.data = list(value or ()) if self.multiple else value

    def text_of(self, value: Any) -> str:
        identity = inspect(value).identity
        return str(identity[0]) if identity else ""

    def _rows(self) -> list[Any]:
        key: Any = inspect(self.model).primary_key[0]
        rows: list[Any] = list(db.session.scalars(select(self.model).order_by(key).limit(_MOST_ROWS)))
        chosen = self.data if self.multiple else [self.data]
        return [row for row in chosen if row is not None and row not in rows] + rows

    def iter_choices(self) -> Iterator[Choice]:
        rows = self._rows()
        chosen = self.data if self.multiple else [self.data]
        if self.blank:
            yield Choice("", BLANK, self.data is None, {})
        for row in rows:
            yield Choice(self.text_of(row), str(row), row in chosen, {})

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        if self.multiple:
            self.data = []
            self.data = [self._find(text) for text in valuelist if text != ""]
        elif valuelist:
            self.data = None
            self.data = None if valuelist[0] == "" else self._find(valuelist[0])

    def _find(self, text: Any) -> Any:
        row = None
        key = self._key(text) if isinstance(text, str) else None
        if key is not None:
            row = db.session.get(self.model, key)
        if row is None:
            raise ValueError("Not a valid choice.")
        return row

    def _key(self, text: str) -> Any:
        kind: Any = inspect(self.model).primary_key[0].type.python_type
        if kind is int:
            return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
        if kind is uuid.UUID:
            try:
                return uuid.UUID(text)
            except ValueError:
                return None
        return text if text.isprintable() else None
