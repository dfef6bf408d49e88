"""The data of a process or an artifact as rows of a label and a text."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import inspect

from portal.engine import visibility
from portal.jsonstore import EmbeddedField, EmbeddedListField, File, fields_of
from portal.jsonstore.place import MISSING, document_of, look_up
from portal.language import gettext as _
from portal.models import Process

from ..accounts.person import person
from . import numbers
from .moments import date, span

_NOTHING = "—"


class Row(NamedTuple):
    """One value with its name for people.

    `kind` is text, long, moment, code, file (a `files.Link`), files (several) or table (a `Table`); `group` is its
    heading.
    """

    name: str
    label: str
    value: Any
    kind: str = "text"
    group: str = ""


class Table(NamedTuple):
    """The items of a list field: the label of each column, whether it holds numbers, and the texts of each item."""

    columns: list[tuple[str, bool]]
    lines: list[list[str]]


#: columns beyond which a table would be cut: such items are a line of text each
_MOST_COLUMNS = 5


def rows_of(instance: Any, files: Any = None) -> list[Row]:
    """The fields of a process or an artifact that the reader may see: its own columns first, as they are declared.

    Args:
        files: a `files.Files`, which has the links of its files.
    """
    if instance is None:
        return []
    hidden = visibility.hidden_fields(person(), instance)
    found = [_column(instance, name, files) for name in own_columns(type(instance)) if name not in hidden]
    for name, field in fields_of(type(instance)).items():
        if name in hidden:
            continue
        if look_up(document_of(instance), field.path) is MISSING:
            # A default that nobody has confirmed would read like an answer.
            found.append(Row(name, field.label or _title(name), _NOTHING))
            continue
        try:
            value = getattr(instance, name)
        except ValueError as error:  # the document holds what the field cannot read
            value = f"({error})"
        if isinstance(field, EmbeddedListField) and value and (table := _table(value)):
            found.append(Row(name, field.label or _title(name), table, "table"))
        else:
            found.append(_file_or_row(name, field.label or _title(name), _in_words(field, value), files))
        if files is not None:
            found += [Row(name, label, link, "file") for label, link in files.nested(field, value)]
    return found


def label_of(model: type, name: str) -> str:
    """What people call a field or a column."""
    if (field := fields_of(model).get(name)) is not None:
        return field.label or _title(name)
    column: Any = inspect(model).columns.get(name)
    return str(getattr(column, "info", {}).get("label") or _title(name))


def stored_row(model: type, name: str, stored: Any) -> Row:
    """A value as the history keeps it; what was cut, or cannot be read any more, is shown as it is."""
    field = fields_of(model).get(name)
    if field is None:
        return _row(name, "", stored)
    try:
        value = _in_words(field, field.from_json(stored))
        if isinstance(value, File | list):
            value = list_words(map(str, value if isinstance(value, list) else [value]))
        return _row(name, "", value)
    except (ValueError, TypeError, KeyError, AttributeError):
        return _row(name, "", stored)


def _file_or_row(name: str, label: str, value: Any, files: Any) -> Row:
    if files is not None and isinstance(value, bytes):
        return Row(name, label, files.link(value, name), "file")
    if isinstance(value, File):
        value = [value]
    if isinstance(value, list) and value and all(isinstance(each, File) for each in value):
        return Row(name, label, [files.stored(each) for each in value] if files else list_words(map(str, value)),
                   "files" if files else "text")  # fmt: skip
    return _row(name, label, value)


def _column(instance: Any, name: str, files: Any) -> Row:
    """A column, as its `info` says: `label`, `group`, and `format`, a pattern such as `"CHF {:,.2f}"` or a function."""
    value, info = getattr(instance, name), getattr(inspect(type(instance)).columns[name], "info", {})
    label, style = info.get("label") or _title(name), info.get("format")
    if style is None or value is None:
        row = _file_or_row(name, label, value, files)
    else:
        row = _row(name, label, style(value) if callable(style) else style.format(value))
    return row._replace(group=info.get("group", ""))


def own_columns(model: type) -> list[str]:
    """The columns that an author gave a model: neither its key nor anything of ours."""
    mapper: Any = inspect(model)
    ours = (
        set(inspect(Process).columns.keys())
        if issubclass(model, Process)
        else {"data"} & set(fields_of(model))
    )
    names = []
    for name, column in mapper.columns.items():
        if name not in ours and not column.primary_key and not name.startswith("_"):
            names.append(name)
    if not issubclass(model, Process) and fields_of(model) and "data" in names:
        names.remove("data")
    return names


def _in_words(field: Any, value: Any) -> Any:
    if value is not None and isinstance(field, EmbeddedField):
        return "\n".join(f"{label}: {text}" for label, text in _parts(value))
    if value is not None and isinstance(field, EmbeddedListField):
        return "\n".join(" · ".join(text for _, text in _parts(item)) for item in value)
    if isinstance(value, decimal.Decimal):
        return _with_places(value, getattr(field, "decimal_places", None))
    choices = getattr(field, "choices", None)
    if not choices or value is None:
        return value
    stored = field.to_json(value)
    return next((label for choice, label in choices if choice == stored), value)


def _with_places(value: decimal.Decimal, places: int | None) -> decimal.Decimal:
    """A sum of money reads 34.60, though JSON keeps 34.6; nothing is rounded."""
    exponent = value.as_tuple().exponent
    if places is None or not isinstance(exponent, int) or exponent <= -places:
        return value
    return value.quantize(decimal.Decimal(1).scaleb(-places))


def field_value(column: Any, value: Any) -> str:
    """The value of a field in a column of a list, see `portal.queries.fields.Column`."""
    if value is None:
        return ""
    said = value if column.field is None else _in_words(column.field, value)
    if _is_number(said):
        return numbers.write(said, grouped=True)
    return show(said)


def _table(items: Any) -> Table | None:
    """Items that are not many columns wide; a column of which no item says anything is left out."""
    try:
        fields = fields_of(type(items[0]))
        values = {
            name: [_in_words(field, getattr(item, name)) for item in items] for name, field in fields.items()
        }
    except (
        AttributeError,
        IndexError,
        TypeError,
        ValueError,
    ):  # the document holds what the fields cannot read
        return None
    rows = {name: [_row(name, "", value) for value in column] for name, column in values.items()}
    told = [name for name in fields if any(row.value != _NOTHING for row in rows[name])]
    if (
        not told
        or len(told) > _MOST_COLUMNS
        or any(row.kind == "code" for name in told for row in rows[name])
    ):
        return None
    columns = [(fields[name].label or _title(name), any(map(_is_number, values[name]))) for name in told]
    return Table(columns, [[show(rows[name][at].value) for name in told] for at in range(len(items))])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | decimal.Decimal) and not isinstance(value, bool)


def _parts(instance: Any) -> Iterator[tuple[str, str]]:
    """The label and the text of each field of an embedded document that says something."""
    for name, field in fields_of(type(instance)).items():
        row = _row(name, field.label, _in_words(field, getattr(instance, name)))
        if row.value != _NOTHING:
            yield row.label, show(row.value)


def _row(name: str, label: str, value: Any) -> Row:
    if value is None or value == "" or value == [] or value == {}:
        return Row(name, label, _NOTHING)
    if isinstance(value, dt.datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
        return Row(name, label, moment, "moment")
    if isinstance(value, dict | list | tuple):
        return _nested(name, label, value)
    text = show(value)
    return Row(name, label, text, "long" if len(text) > 80 or "\n" in text else "text")


def _nested(name: str, label: str, value: Any) -> Row:
    if not isinstance(value, dict) and not any(isinstance(item, dict | list | tuple) for item in value):
        return Row(name, label, ", ".join(show(item) for item in value))
    return Row(name, label, json.dumps(value, indent=2, ensure_ascii=False, default=show), "code")


def show(value: Any) -> str:
    """One value as text."""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, bytes):
        return _("%(number)s bytes", number=numbers.write(len(value), grouped=True))
    if isinstance(value, dt.timedelta):
        return span(value.total_seconds())
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return date(value)
    if isinstance(value, dt.datetime | dt.time):
        return value.isoformat()
    if isinstance(value, float | decimal.Decimal | int):
        return numbers.write(value)
    if isinstance(value, enum.Enum):
        return str(getattr(value, "label", None) or value.name.replace("_", " ").capitalize())
    return name_of(value)


def name_of(value: Any) -> str:
    """What an object is called: as its class says, else its name or title, else its class and key."""
    if getattr(type(value), "__str__", None) is not object.__str__:
        return str(value)
    for name in ("name", "title"):
        if isinstance(found := getattr(value, name, None), str):
            return found
    if hasattr(type(value), "__table__"):
        return f"{type(value).__name__} {inspect(value).identity[0]}"
    return str(value)


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def list_words(items: Iterable[str], last: str = "") -> str:
    """`a`, `a and b`, `a, b and c`; or with another word than “and” before the last one."""
    words = list(items)
    between = last or _("and")
    return f" {between} ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
