"""The inputs of a form for programs: a JSON Schema for each, and what a person would type for a JSON value.

What is typed goes through the form itself, so that its rules are the rules for programs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import wtforms

from portal.web.forms import embedded, references, stored
from portal.web.forms.choices import DecisionField

from .single_inputs import SINGLE, TEXT, Kind, Pair, Schema, Unfit, items_of


def kind_of(field: Any) -> Kind:
    """The kind of an input; of a text for one that an author made."""
    return next((_KINDS[cls] for cls in type(field).__mro__ if cls in _KINDS), TEXT)


def is_input(field: Any) -> bool:
    """Whether it is for values, and no button."""
    return field.name.rpartition("-")[2] != "csrf_token" and not isinstance(field, wtforms.SubmitField)


def typed(field: Any, path: str, value: Any) -> Iterator[Pair]:
    """What a person would type for a JSON value.

    Raises:
        Unfit: no such value can be entered here.
    """
    if value is None:
        yield from _nothing(field)
    else:
        yield from kind_of(field).typed(field, path, value)


def untouched(field: Any) -> Iterator[Pair]:
    """What a browser sends for an input that is left as it is shown, where sending nothing would change it."""
    if isinstance(field, wtforms.BooleanField) and field.data:
        yield field.name, "y"
    elif isinstance(field, references.ReferenceField) and field.multiple:
        yield from ((field.name, key) for key in field.keys)
    elif isinstance(field, wtforms.SelectMultipleField):
        yield from ((field.name, str(each)) for each in field.data or ())
    elif isinstance(field, wtforms.FormField):
        for inner in filter(is_input, field.form):
            yield from untouched(inner)
    elif isinstance(field, wtforms.FieldList):
        for entry in field.entries:
            yield from untouched(entry)


def _nothing(field: Any) -> Iterator[Pair]:
    if isinstance(field, wtforms.FormField):
        for inner in filter(is_input, field.form):
            yield from _nothing(inner)
    elif isinstance(field, wtforms.FieldList):
        yield f"{field.name}-rows", "1"
    elif isinstance(field, wtforms.FileField):
        yield f"{field.name}-remove", "1"
    elif isinstance(field, stored.StoredFileField):
        yield field.marker, "1"
    elif not isinstance(field, wtforms.BooleanField | wtforms.SelectMultipleField) and not getattr(
        field, "multiple", False
    ):
        yield field.name, ""


# -- schemas


def object_schema(form: Any) -> Schema:
    """The schema of an object with the values of a form, or of a group in one."""
    properties, required = {}, []
    for field in filter(is_input, form):
        name = field.short_name
        properties[name] = _field_schema(field)
        if field.flags.required or isinstance(field, DecisionField):
            required.append(name)
    found: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return found | ({"required": required} if required else {})


def _field_schema(field: Any) -> Schema:
    schema = kind_of(field).schema(field)
    if not (field.flags.required or isinstance(field, DecisionField)):
        schema = _or_null(schema)
    said = {"title": str(field.label.text), "description": str(field.description or "")}
    return {name: text for name, text in said.items() if text} | schema


def _or_null(schema: Schema) -> Schema:
    found = dict(schema)
    if "type" in found:
        kinds = found["type"] if isinstance(found["type"], list) else [found["type"]]
        found["type"] = [*kinds, "null"]
    if "enum" in found:
        found["enum"] = [*found["enum"], None]
    if "anyOf" in found:
        found["anyOf"] = [*found["anyOf"], {"type": "null"}]
    return found


# -- groups and rows


def _group(field: Any, path: str, value: Any) -> Iterator[Pair]:
    yield from _parts(field.form, path, value, untouched)


def _parts(form: Any, path: str, value: Any, absent: Callable[[Any], Iterator[Pair]]) -> Iterator[Pair]:
    if not isinstance(value, dict):
        raise Unfit(path, "An object is needed here.")
    known = {field.short_name: field for field in form if is_input(field)}
    for name in value:
        if name not in known:
            raise Unfit(f"{path}.{name}", "There is no such field.")
    for name, field in known.items():
        yield from typed(field, f"{path}.{name}", value[name]) if name in value else absent(field)


def _rows(field: Any, path: str, value: Any) -> Iterator[Pair]:
    """A list is the whole list: what a row does not say is empty, whatever was stored in its place."""
    yield f"{field.name}-rows", "1"
    items = items_of(path, value)
    field.entries, field.last_index = [], -1
    for number, each in enumerate(items):
        row = field.append_entry()
        inner = f"{path}.{number}"
        if isinstance(row, wtforms.FormField):
            yield from _parts(row.form, inner, each, _nothing)
        else:
            yield from typed(row, inner, each)


def _grouped(field: Any) -> Schema:
    return object_schema(field.form)


def _listed(field: Any) -> Schema:
    row = field.pattern if hasattr(field, "pattern") else field.append_entry()
    return {"type": "array", "items": kind_of(row).schema(row)}


_KINDS: dict[type, Kind] = SINGLE | {
    embedded.FormField: Kind(_grouped, _group),
    embedded.FieldList: Kind(_listed, _rows),
    wtforms.FormField: Kind(_grouped, _group),
    wtforms.FieldList: Kind(_listed, _rows),
}
