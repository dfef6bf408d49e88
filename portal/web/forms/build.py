"""The forms of processes and artifacts, made from their fields."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, ClassVar

from flask_wtf import FlaskForm
from sqlalchemy import inspect
from sqlalchemy.orm import QueryableAttribute

from portal.errors import FlowError
from portal.jsonstore import Binary, InvalidValue, fields_of

from .columns import ColumnConverter
from .conditional import resting
from .embedded import FieldList, FormField, value_of
from .inputs import FileField
from .registry import input_for
from .stored import StoredFileField


class RecordForm(FlaskForm):
    """A form that was made for fields of a process or an artifact.

    The zone of its moments is given as `meta={"timezone": zone}`, or set as `form.timezone` before it is
    validated.
    """

    #: the names of the inputs that belong to the object, in order
    record_fields: ClassVar[tuple[str, ...]] = ()

    #: what somebody else has changed, and the sender of the form has not
    _left: frozenset[str] = frozenset()
    _zone: dt.tzinfo = dt.UTC

    @property
    def timezone(self) -> dt.tzinfo:
        """The zone in which moments are shown and entered."""
        return self._zone

    @timezone.setter
    def timezone(self, zone: dt.tzinfo) -> None:
        self._zone = zone


#: what an input may not be called; for `timezone` there is the other way of saying it
_TAKEN = frozenset([*dir(RecordForm), "form_errors", "csrf_token"]) - {"timezone"}


def is_taken(name: str) -> bool:
    """Whether no input may be called so."""
    return name.startswith("_") or name in _TAKEN


def process_form(process_class: type, field_names: Iterable[str]) -> type[RecordForm]:
    """The form of these fields of a process: `jsonstore` fields and columns of its own table."""
    return _process_form(process_class, tuple(field_names))


def artifact_form(model: type, field_names: Iterable[str]) -> type[RecordForm]:
    """The form of these columns, relationships and `jsonstore` fields of a mapped class."""
    return _artifact_form(model, tuple(field_names))


def process_field_names(process_class: type) -> list[str]:
    """The names that `process_form` knows. Needs no configured mappers, so it may be asked at import."""
    mapper: Any = inspect(process_class)
    base = mapper.base_mapper
    own = [
        mapper.get_property_by_column(column).key
        for column in mapper.columns
        if column.table is not base.local_table and not column.primary_key
    ]
    return [*fields_of(process_class), *own]


def artifact_field_names(model: type) -> list[str]:
    """The names that `artifact_form` knows."""
    return [*fields_of(model), *inspect(model).attrs.keys()]


@lru_cache(maxsize=1024)
def _process_form(process_class: type, names: tuple[str, ...]) -> type[RecordForm]:
    return _make(process_class, names, process_field_names(process_class))


@lru_cache(maxsize=1024)
def _artifact_form(model: type, names: tuple[str, ...]) -> type[RecordForm]:
    return _make(model, names, artifact_field_names(model))


def _make(model: type, names: tuple[str, ...], known: list[str]) -> type[RecordForm]:
    inputs: dict[str, Any] = {}
    for name in names:
        if name not in known:
            raise FlowError(
                f"{model.__name__} has no field {name!r} for a form; it has {', '.join(known) or 'none'}."
            )
        if is_taken(name):
            raise FlowError(
                f"{model.__name__}.{name}: a form has its own `{name}`; give the field another name."
            )
        inputs[name] = input_of(model, name)
    return type(f"{model.__name__}Form", (RecordForm,), {**inputs, "record_fields": names})


def input_of(model: type, name: str) -> Any:
    """The unbound input of one field, column or relationship of a class.

    Raises:
        FlowError: it cannot be entered in a form.
    """
    field = fields_of(model).get(name)
    return _column_input(model, name) if field is None else input_for(field)


def _column_input(model: type, name: str) -> Any:
    mapper: Any = inspect(model)
    prop = mapper.attrs[name]
    made = ColumnConverter().convert(model, mapper, prop)
    if made is None or not isinstance(getattr(model, name), QueryableAttribute):
        raise FlowError(f"{model.__name__}.{name} cannot be entered in a form.")
    return made


def populate(form: RecordForm, obj: Any) -> bool:
    """Write the form's own fields to the object, and nothing else.

    A value that the object refuses becomes an error of the form and the answer is False; the caller then
    rolls back, for other fields may have been written.
    """
    valid, away = True, resting(form)
    for name in form.record_fields:
        if name in form._left or name in away:
            continue
        field = form._fields[name]
        try:
            put(obj, name, value_of(field))
        except ValueError as error:
            add_error(field, words_of(error))
            valid = False
    return valid


def words_of(error: ValueError) -> str:
    """What is wrong with a value, for somebody who sees at which input."""
    return error.fault if isinstance(error, InvalidValue) else str(error)


def put(obj: Any, name: str, value: Any) -> None:
    """Write one value. ValueError when the object refuses it."""
    if isinstance(value, Binary) and name not in fields_of(type(obj)):
        value = bytes(value)  # a column has no place for a file's name
    setattr(obj, name, value)


def add_error(field: Any, message: str) -> None:
    """Say at this input that something is wrong."""
    if isinstance(field, FormField):
        field.form.form_errors.append(message)
    else:
        field.errors = [*field.errors, message]


def needs_upload(form: Any) -> bool:
    """The form has a file input, also in a group, and must be sent as multipart/form-data."""
    return any(
        isinstance(field, FileField | StoredFileField)
        or (isinstance(field, FormField) and needs_upload(field.form))
        or (isinstance(field, FieldList) and any(needs_upload(entry.form) for entry in field.entries))
        for field in form._fields.values()
    )
