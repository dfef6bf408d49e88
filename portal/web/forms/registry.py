"""From a typed field to its input: one table, and the options that all inputs share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from markupsafe import escape

from portal import jsonstore
from portal.jsonstore import Field

from ..display.durations import HINT
from . import choices, embedded, inputs, references, stored, times
from .inputs import Required, Rule


def input_for(field: Field[Any]) -> Any:
    """The unbound input of a field."""
    if field.choices is not None and not isinstance(field, jsonstore.BooleanField):
        return _choice(field)
    for kind in type(field).__mro__:
        if kind in _INPUTS:
            return _INPUTS[kind](field)
    raise TypeError(f"{type(field).__name__} has no form input.")


def part_form(schema: type) -> type[embedded.PartForm]:
    """The inputs of an embedded document."""
    fields = {name: input_for(field) for name, field in jsonstore.fields_of(schema).items()}
    return type(f"{schema.__name__}Form", (embedded.PartForm,), fields)


def frame(field: Field[Any], help_text: str = "") -> dict[str, Any]:
    """Label, description, default."""
    options: dict[str, Any] = {
        "label": field.label,
        # Templates print descriptions as they are.
        "description": escape(" ".join(map(str, filter(None, [field.help_text, help_text])))),
    }
    if field.default is not None:
        options["default"] = lambda: field.from_json(field.to_json(field.initial()))
    return options


def options_of(field: Field[Any], help_text: str = "", **flags: Any) -> dict[str, Any]:
    """The frame, and the checks that are the field's own."""
    given = {name: value for name, value in flags.items() if value is not None}
    required = [Required()] if field.required else []
    return {**frame(field, help_text), "validators": [*required, Rule(field.clean, given)]}


def _text(kind: type[inputs.ParsedField]) -> Callable[[Any], Any]:
    def make(field: Any) -> Any:
        options = options_of(field, maxlength=field.max_length, minlength=field.min_length)
        # A field that starts as an empty text stays one when nothing is entered.
        return kind(empty="" if field.default == "" else None, **options)

    return make


def _number(kind: type[inputs.ParsedField]) -> Callable[[Any], Any]:
    def make(field: Any) -> Any:
        return kind(**options_of(field, min=field.minimum, max=field.maximum))

    return make


def _plain(kind: type[Any], help_text: str = "") -> Callable[[Any], Any]:
    return lambda field: kind(**options_of(field, help_text))


def _boolean(field: Any) -> Any:
    # Never required: an unticked box is an answer.
    options = {**frame(field), "validators": [Rule(field.clean, {})]}
    return inputs.BooleanField(labels=field.labels, **options)


def _choice(field: Any) -> Any:
    options = list(field.enum) if field.enum is not None else [value for value, _ in field.choices]
    labels = [label for _, label in field.choices]
    blank = not field.required or field.default is None
    return choices.SelectField(
        options=list(zip(options, labels, strict=True)), blank=blank, **options_of(field)
    )


def _reference(field: Any) -> Any:
    return references.ReferenceField(model=field.model, **options_of(field))


def _references(field: Any) -> Any:
    return references.ReferenceField(model=field.model, multiple=True, **options_of(field))


def _stored(field: Any) -> Any:
    return stored.StoredFileField(field=field, **options_of(field))


def _embedded(field: Any) -> Any:
    return embedded.FormField(
        part_form(field.schema), required=field.required, check=field.clean, **frame(field)
    )


def _embedded_list(field: Any) -> Any:
    row = embedded.FormField(part_form(field.schema))
    return embedded.FieldList(row, required=field.required, check=field.clean, **frame(field))


_INPUTS: dict[type, Callable[[Any], Any]] = {
    jsonstore.StringField: _text(inputs.StringField),
    jsonstore.TextField: _text(inputs.TextAreaField),
    jsonstore.EmailField: _text(inputs.EmailField),
    jsonstore.URLField: _text(inputs.URLField),
    jsonstore.BooleanField: _boolean,
    jsonstore.IntegerField: _number(inputs.IntegerField),
    jsonstore.FloatField: _plain(inputs.FloatField),
    jsonstore.DecimalField: _plain(inputs.DecimalField),
    jsonstore.DateField: _plain(times.DateField),
    jsonstore.DateTimeField: _plain(times.DateTimeLocalField),
    jsonstore.TimeField: _plain(times.TimeField),
    jsonstore.DurationField: _plain(times.DurationField, HINT),
    jsonstore.UUIDField: _plain(inputs.UUIDField),
    jsonstore.JSONField: _plain(inputs.JSONField, "JSON."),
    jsonstore.BinaryField: _plain(inputs.FileField),
    jsonstore.FileField: _stored,
    jsonstore.ReferenceField: _reference,
    jsonstore.ReferenceListField: _references,
    jsonstore.EmbeddedField: _embedded,
    jsonstore.EmbeddedListField: _embedded_list,
}
