"""Inputs of embedded documents: a group of inputs, or rows of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import wtforms
from wtforms import widgets
from wtforms.fields import Label
from wtforms.utils import unset_value

from portal.language import gettext as _

#: inputs of a row that stand side by side
_MOST_COLUMNS = 6


class PartForm(wtforms.Form):
    """The inputs of one embedded document."""

    def is_blank(self) -> bool:
        """Nothing was entered: every input is as an empty form shows it, and none holds what cannot be read."""
        empty = type(self)(meta={"_parent_form": self})
        return all(
            not field.process_errors and value_of(field) == value_of(other)
            for field, other in zip(self, empty, strict=True)
        )


class FormField(wtforms.FormField):  # type: ignore[type-arg]
    """One embedded document. Left blank it is None, unless it is required."""

    def __init__(
        self,
        form_class: type[PartForm],
        label: str = "",
        *,
        required: bool = False,
        check: Callable[[Any], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(form_class, label, **kwargs)
        self.flags.required = required
        self._check = check

    @property
    def value(self) -> dict[str, Any] | None:
        if not self.flags.required and self.form.is_blank():
            return None
        return values_of(self.form)

    def validate(self, form: Any, extra_validators: Any = ()) -> bool:
        value = self.value
        if value is None:
            return True
        valid = self.form.validate()
        if valid and self._check is not None:
            try:
                self._check(value)
            except ValueError as error:
                self.form.form_errors.append(str(error))
                return False
        return bool(valid)


class FieldList(wtforms.FieldList):  # type: ignore[type-arg]
    """Rows of embedded documents. The last row is blank, to be filled; blank rows are left out."""

    def __init__(
        self,
        unbound_field: Any,
        label: str = "",
        *,
        required: bool = False,
        check: Callable[[Any], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(unbound_field, label, min_entries=1, **kwargs)
        self.flags.required = required
        self._check = check

    @property
    def marker(self) -> str:
        """The name of an input that says that the rows were in the form, should none of them be left."""
        return f"{self.name}-rows"

    @property
    def order(self) -> str:
        """The name of the inputs that say, by the numbers of the rows, in which order they are."""
        return f"{self.name}-order"

    def _put_in_order(self, numbers: Sequence[Any]) -> None:
        place = {str(number): index for index, number in reversed(list(enumerate(numbers)))}
        self.entries.sort(key=lambda entry: place.get(str(entry.index), len(place)))

    def process(self, formdata: Any, data: Any = unset_value, extra_filters: Any = None) -> None:
        is_sent = formdata and (self.marker in formdata or [*self._extract_indices(self.name, formdata)])
        if not is_sent:  # a form without any of the rows says nothing about them
            formdata = None
        super().process(formdata, data, extra_filters)
        if formdata:
            self._put_in_order(formdata.getlist(self.order))
        if not formdata and self.entries and self.entries[-1].value is not None:
            self._add_entry()  # type: ignore[attr-defined]
        self._number()

    def _compact_indices(self) -> None:
        # A row keeps its number, for by that it finds what is stored, and a new row gets none that was used.
        used = [int(entry.index) for entry in self.entries]
        self.last_index = max([*used, len(list(self.object_data or ())) - 1], default=-1)

    def add_row(self) -> None:
        """One more blank row."""
        self._add_entry()  # type: ignore[attr-defined]
        self._number()

    def remove_row(self, name: str) -> bool:
        """Take the row of that name out; whether there is one."""
        kept = [entry for entry in self.entries if entry.name != name]
        if len(kept) == len(self.entries):
            return False
        self.entries = kept
        if not kept:
            self._add_entry()  # type: ignore[attr-defined]
        self._number()
        return True

    def move_row(self, name: str, by: int) -> bool:
        """Put the row of that name one place up (-1) or down (1); whether there is one."""
        here = next((place for place, entry in enumerate(self.entries) if entry.name == name), None)
        if here is None:
            return False
        there = here + by
        if 0 <= there < len(self.entries):
            self.entries[here], self.entries[there] = self.entries[there], self.entries[here]
            self._number()
        return True

    @property
    def columns(self) -> int:
        """How many inputs a row has side by side; 0 where its inputs need more room than that."""
        inputs = list(self.entries[0].form) if self.entries else []
        return len(inputs) if 1 < len(inputs) <= _MOST_COLUMNS and all(map(_is_small, inputs)) else 0

    @property
    def next_number(self) -> int:
        return self.last_index + 1

    @property
    def open_number(self) -> str:
        """What stands for the number in `pattern`; each depth has its own."""
        return f"__row{self.name.count('__row')}__"

    @property
    def pattern(self) -> Any:
        """A blank row without a number yet, for a script that adds rows."""
        entries, last = list(self.entries), self.last_index
        row = self._add_entry(index=self.open_number)  # type: ignore[attr-defined]
        self.entries, self.last_index = entries, last
        row.label = Label(row.id, self.label.text)
        return row

    def _number(self) -> None:
        for number, entry in enumerate(self.entries, start=1):
            entry.label = Label(entry.id, f"{self.label.text} {number}")

    def _extract_indices(self, prefix: str, formdata: Any) -> Iterator[int]:
        start = f"{prefix}{self._separator}"  # type: ignore[attr-defined]
        for name in formdata:
            if name.startswith(start):
                index = name[len(start) :].split("-", 1)[0]
                if index.isascii() and index.isdigit() and len(index) < 7:
                    yield int(index)

    @property
    def value(self) -> list[dict[str, Any]]:
        return [entry.value for entry in self.entries if entry.value is not None]

    def validate(self, form: Any, extra_validators: Any = ()) -> bool:
        valid = super().validate(form, extra_validators)
        if valid and self.flags.required and not self.value:
            self.errors = [_("At least one entry is needed.")]
            return False
        if valid and self._check is not None:
            try:
                self._check(self.value)
            except ValueError as error:
                self.errors = [str(error)]
                return False
        return bool(valid)


def _is_small(field: Any) -> bool:
    """Whether an input fits into a column of a table."""
    if isinstance(field, (wtforms.FormField, wtforms.FieldList)) or isinstance(
        field.widget, widgets.TextArea
    ):
        return False
    return not getattr(field, "multiple", False) and not getattr(field, "is_searched", False)


def change_rows(form: Any, pressed: Mapping[str, Any]) -> bool:
    """Add a row to the list named by `_more`, or remove or move the row named by `_less`, `_up` or `_down`.

    Args:
        pressed: the names and values of the buttons.

    Returns:
        Whether there is such a list or row.
    """
    more, less, up, down = [str(pressed.get(name, "")) for name in ("_more", "_less", "_up", "_down")]
    if not (more or less or up or down):
        return False
    for rows in _lists(form):
        if rows.name == more:
            rows.add_row()
            return True
        if rows.remove_row(less) or rows.move_row(up, -1) or rows.move_row(down, 1):
            return True
    return False


def _lists(form: Any) -> Iterator[FieldList]:
    """The lists of a form at any depth."""
    for field in form._fields.values():
        parts = [field.form] if isinstance(field, FormField) else []
        if isinstance(field, FieldList):
            yield field
            parts = [entry.form for entry in field.entries]
        for part in parts:
            yield from _lists(part)


def field_named(form: Any, name: str) -> Any:
    """The input of that name at any depth, whatever the numbers of the rows; None when there is none."""
    for field in form._fields.values():
        inner = name.removeprefix(f"{field.name}-")
        if field.name == name:
            return field
        if inner != name and isinstance(field, FormField):
            return field_named(field.form, name)
        if inner != name and isinstance(field, FieldList):
            row = field.pattern
            return field_named(row.form, f"{row.name}-{inner.partition('-')[2]}")
    return None


def value_of(field: Any) -> Any:
    """What an input says, as its field takes it."""
    return field.value if isinstance(field, (FormField, FieldList)) else field.data


def values_of(form: Any) -> dict[str, Any]:
    return {name: value_of(field) for name, field in form._fields.items()}
