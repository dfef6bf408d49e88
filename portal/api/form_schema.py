"""Describes the form of a node as a JSON Schema (draft 2020-12), and sends JSON through that form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from werkzeug.datastructures import MultiDict

from portal.errors import InvalidForm
from portal.flow.activation import Activation
from portal.web.forms.choices import DecisionField
from portal.web.forms.submit import enter
from portal.web.problems import Invalid

from .inputs import is_input, object_schema, typed, untouched
from .single_inputs import Schema, Unfit

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def has_form(node: Any) -> bool:
    """Whether a program can fill it in: no view that is written by hand, which reads a request as it likes."""
    return node is not None and hasattr(node.view, "form")


def form_schema(activation: Activation) -> Schema:
    """What a program may send for a task or a start: the schema of `data`."""
    node: Any = activation.node
    whole: Schema = {"$schema": DRAFT, "title": node.title}
    if not has_form(node):
        closed = node.view is None  # a manual task is confirmed; what a view of one's own takes nobody knows
        return whole | {"type": "object", "properties": {}, "additionalProperties": not closed}
    form = node.view.form(activation)
    found = whole | object_schema(form)
    conditions = [*_needs(form), *_whens(node.view, found)]
    return found | ({"allOf": conditions} if conditions else {})


def _needs(form: Any) -> Iterator[Schema]:
    """What a decision requires."""
    for field in form:
        if isinstance(field, DecisionField):
            for value, _ in field.options:
                names = field.needs.get(field.text_of(value), ())
                if names:
                    given = {"properties": {field.short_name: {"const": getattr(value, "value", value)}}}
                    yield {"if": given, "then": {"required": list(names)}}


def _whens(view: Any, schema: Schema) -> Iterator[Schema]:
    """The fields that `views.When` makes required only in some cases."""
    for when in getattr(view, "whens", ()):
        names = [name for name in _names(when.items) if name in schema.get("required", ())]
        if names:
            schema["required"] = [name for name in schema["required"] if name not in names]
            values = [getattr(value, "value", value) for value in when.values]
            given = {"properties": {when.field: {"enum": values}}, "required": [when.field]}
            yield {"if": given, "then": {"required": names}}


def _names(items: Any) -> Iterator[str]:
    for item in items:
        if isinstance(item, str):
            yield item
        else:
            yield from _names(item.items)


def fill_in(activation: Activation, data: dict[str, Any]) -> bool:
    """Send JSON through the form of an activation's node; what it does not name stays as it is.

    Returns:
        Whether the view has completed the task by itself, as one that is written by hand does.

    Raises:
        Invalid: the form refuses it; with the messages by field.
    """
    node: Any = activation.node
    if node.view is None:
        _demand_known(data, ())
        return False
    try:
        if not has_form(node):
            return enter(activation, MultiDict(list(_by_hand(data))))
        return enter(activation, entries_of(node.view.form(activation), data))
    except InvalidForm as error:
        raise Invalid.form(error) from error


def entries_of(form: Any, data: dict[str, Any]) -> MultiDict[str, Any]:
    """What a browser would send for a form into which these values are entered.

    Args:
        form: as it is shown, filled from what is stored.

    Raises:
        Invalid: a value is not of the type of its field, or there is no such field.
    """
    fields = {field.short_name: field for field in form if is_input(field)}
    pairs: list[tuple[str, Any]] = []
    faults = _unknown(data, fields)
    for name, field in fields.items():
        try:
            pairs += typed(field, name, data[name]) if name in data else untouched(field)
        except Unfit as error:
            faults.setdefault(error.path, []).append(str(error))
    if faults:
        raise Invalid(faults)
    return MultiDict(pairs)


def _demand_known(data: dict[str, Any], known: Any) -> None:
    if faults := _unknown(data, known):
        raise Invalid(faults)


def _unknown(data: dict[str, Any], known: Any) -> dict[str, list[str]]:
    return {name: ["There is no such field."] for name in data if name not in known}


def _by_hand(data: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """What a browser would send for plain values."""
    for name, value in data.items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict | list):
                raise Invalid({name: ["This form takes plain values and lists of them."]})
            if each is not None and each is not False:
                yield name, "y" if each is True else str(each)
