"""The inputs of a form that hold one value, for programs: the JSON Schema of each, and what a person would type."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import enum
import json
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any, NamedTuple

import wtforms
from sqlalchemy import inspect
from werkzeug.datastructures import FileStorage

from portal.web.forms import choices, inputs, references, stored, times

#: a name of an input, and what is typed
Pair = tuple[str, Any]
Schema = dict[str, Any]


class Unfit(ValueError):
    """A JSON value is not of the type that an input takes.

    Args:
        path: of the input, such as `lines.0.amount`.
    """

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


class Kind(NamedTuple):
    """What an input is for programs."""

    schema: Callable[[Any], Schema]
    #: the field, its path, and a value that is not null
    typed: Callable[[Any, str, Any], Iterator[Pair]]


def items_of(path: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Unfit(path, "A list is needed here.")
    return value


def _text(field: Any, path: str, value: Any) -> Iterator[Pair]:
    if not isinstance(value, str):
        raise Unfit(path, "A text is needed here.")
    yield field.name, value


def _limited(field: Any) -> Schema:
    limits = {"minLength": field.flags.minlength, "maxLength": field.flags.maxlength}
    return {"type": "string"} | {name: limit for name, limit in limits.items() if isinstance(limit, int)}


def _as(**schema: Any) -> Callable[[Any], Schema]:
    return lambda field: dict(schema)


def _formatted(name: str) -> Kind:
    return Kind(lambda field: _limited(field) | {"format": name}, _text)


def _bounded(field: Any) -> Schema:
    bounds = {"minimum": field.flags.min, "maximum": field.flags.max}
    return {name: _plain(limit) for name, limit in bounds.items() if limit is not None}


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float) else float(value)


def _whole(field: Any, path: str, value: Any) -> Iterator[Pair]:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON knows one kind of numbers
    if not isinstance(value, int) or isinstance(value, bool):
        raise Unfit(path, "A whole number is needed here.")
    yield field.name, str(value)


def _number(field: Any, path: str, value: Any) -> Iterator[Pair]:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise Unfit(path, "A number is needed here.")
    yield field.name, str(value)


def _decimal(field: Any, path: str, value: Any) -> Iterator[Pair]:
    if not isinstance(value, int | float | str) or isinstance(value, bool):
        raise Unfit(path, "A number is needed here, as a text such as 1234.50 or as a number.")
    yield field.name, str(value)


def _truth(field: Any, path: str, value: Any) -> Iterator[Pair]:
    if not isinstance(value, bool):
        raise Unfit(path, "true or false is needed here.")
    if value:
        yield field.name, "y"


def _moment(field: Any, path: str, value: Any) -> Iterator[Pair]:
    try:
        moment = dt.datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Unfit(path, "A date and time with its time zone is needed here, such as 2026-12-31T14:30:00Z.")
    try:
        yield field.name, moment.astimezone(field.zone).replace(tzinfo=None).isoformat()
    except OverflowError:
        raise Unfit(path, "This moment is out of range.") from None


def _any(field: Any, path: str, value: Any) -> Iterator[Pair]:
    yield field.name, json.dumps(value)


def _file(field: Any, path: str, value: Any) -> Iterator[Pair]:
    try:
        content = base64.b64decode(value["content"], validate=True)
        name, kind = str(value.get("name") or "upload"), str(value.get("type") or "application/octet-stream")
    except (TypeError, KeyError, AttributeError, ValueError, binascii.Error):
        raise Unfit(
            path, "A file is needed here: an object with name, type, and content in base64."
        ) from None
    yield field.name, FileStorage(BytesIO(content), name, content_type=kind)


def _stored(field: Any, path: str, value: Any) -> Iterator[Pair]:
    """Files of a process by their ids, and new ones."""
    yield field.marker, "1"
    for number, each in enumerate(items_of(path, value) if field.multiple else [value]):
        if isinstance(each, dict) and isinstance(each.get("id"), str):
            yield field.kept_name, each["id"]
        else:
            yield from _file(field, f"{path}.{number}" if field.multiple else path, each)


def _storable(field: Any) -> Schema:
    kept = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
    one: Schema = {"anyOf": [kept, _FILE]}
    return {"type": "array", "items": one} if field.multiple else one


_FILE: Schema = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "type": {"type": "string"},
        "content": {"type": "string", "contentEncoding": "base64"},
    },
    "required": ["content"],
}

# -- choices


def _plain_choice(value: Any) -> Any:
    return value.value if isinstance(value, enum.Enum) else value


def _options(field: Any) -> Schema:
    values = [_plain_choice(value) for value, _ in field.options]
    labels = {field.text_of(value): str(label) for value, label in field.options}
    return {"enum": values, "x-labels": labels}


def _option(field: Any, path: str, value: Any) -> Iterator[Pair]:
    for choice, _ in field.options:
        plain = _plain_choice(choice)
        if plain == value and isinstance(plain, bool) == isinstance(value, bool):
            yield field.name, field.text_of(choice)
            return
    raise Unfit(path, "Not a valid choice.")


def _native_options(field: Any) -> Schema:
    pairs = [(str(each[0]), str(each[1])) for each in field.iter_choices()]
    return {"enum": [value for value, _ in pairs], "x-labels": dict(pairs)}


def _native_option(field: Any, path: str, value: Any) -> Iterator[Pair]:
    if isinstance(value, dict | list):
        raise Unfit(path, "Not a valid choice.")
    yield field.name, str(value)


def _native_several(field: Any, path: str, value: Any) -> Iterator[Pair]:
    for number, each in enumerate(items_of(path, value)):
        yield from _native_option(field, f"{path}.{number}", each)


def _references(field: Any) -> Schema:
    key: Any = inspect(field.model).primary_key[0].type.python_type
    one: Schema = {"type": "integer" if key is int else "string"}
    if not field.is_searched:
        picks = field.picks()
        one["enum"] = [int(pick.key) if key is int else pick.key for pick in picks]
        one["x-labels"] = {pick.key: pick.label for pick in picks}
    return {"type": "array", "items": one} if field.multiple else one


def _reference(field: Any, path: str, value: Any) -> Iterator[Pair]:
    several = field.multiple
    for number, each in enumerate(items_of(path, value) if several else [value]):
        if not isinstance(each, int | str) or isinstance(each, bool):
            raise Unfit(f"{path}.{number}" if several else path, "The key of a row is needed here.")
        yield field.name, str(each)


TEXT = Kind(_limited, _text)
_DATE, _TIME = _formatted("date"), _formatted("time-local")
_INTEGER = Kind(lambda field: {"type": "integer"} | _bounded(field), _whole)
_FLOAT = Kind(lambda field: {"type": "number"} | _bounded(field), _number)
_DECIMAL = Kind(_as(type=["string", "number"], format="decimal"), _decimal)
_BOOLEAN = Kind(_as(type="boolean"), _truth)
_UPLOAD = Kind(lambda field: dict(_FILE), _file)

SINGLE: dict[type, Kind] = {
    inputs.EmailField: _formatted("email"),
    inputs.URLField: _formatted("uri"),
    inputs.UUIDField: _formatted("uuid"),
    inputs.IntegerField: _INTEGER,
    inputs.FloatField: _FLOAT,
    inputs.DecimalField: _DECIMAL,
    inputs.JSONField: Kind(_as(), _any),
    inputs.FileField: _UPLOAD,
    stored.StoredFileField: Kind(_storable, _stored),
    times.DateField: _DATE,
    times.TimeField: _TIME,
    times.DurationField: _formatted("duration"),
    times.DateTimeLocalField: Kind(_as(type="string", format="date-time"), _moment),
    choices.SelectField: Kind(_options, _option),
    references.ReferenceField: Kind(_references, _reference),
    wtforms.BooleanField: _BOOLEAN,
    wtforms.IntegerField: _INTEGER,
    wtforms.FloatField: _FLOAT,
    wtforms.DecimalField: _DECIMAL,
    wtforms.DateField: _DATE,
    wtforms.SelectField: Kind(_native_options, _native_option),
    wtforms.SelectMultipleField: Kind(
        lambda field: {"type": "array", "items": _native_options(field)}, _native_several
    ),
    wtforms.FileField: _UPLOAD,
}
