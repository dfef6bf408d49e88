"""The declared fields of a flow as what its lists are narrowed by, and as their columns."""

from __future__ import annotations

import datetime as dt
import operator
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as part
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import JSON, String, inspect, or_, select, type_coerce

from portal.engine.search_text import folded, is_kept
from portal.engine.visibility import guarded_fields
from portal.flow.registry import registry
from portal.jsonstore import (
    BinaryField,
    DateField,
    DateTimeField,
    DurationField,
    Field,
    FileField,
    ReferenceField,
    TimeField,
    fields_of,
)
from portal.jsonstore.sql import expression
from portal.language import gettext as _
from portal.models import Process

from .spellings import contains, spellings

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge,
}  # fmt: skip
_YES, _NO = ("true", "yes", "1", "y"), ("false", "no", "0", "n")
#: which kinds have no order and no parts
_ONLY_EQUAL = ("boolean", "uuid")
#: between these a number in floating point is written without an exponent
_PLAIN = Decimal("0.0001"), Decimal(10**16)
#: more digits are no amount of anything
_MOST_DIGITS = 40


@dataclass(frozen=True)
class Column:
    """A field of a flow in its lists.

    Attributes:
        name: of the field.
        label: for people.
        kind: `number`, `boolean`, `date`, `moment`, `time`, `uuid` or `text`.
        field: the field of the document; None for a column of a table.
        table: of a column in a table of the process's own.
        model: the class of the processes.
    """

    name: str
    label: str
    kind: str
    field: Field[Any, Any, Any] | None = part(default=None, compare=False)
    table: Any = part(default=None, compare=False)
    model: Any = part(default=None, compare=False)

    @property
    def read(self) -> Any:
        """What a list reads of each process: JSON of the document, or the column's value."""
        if self.field is None:
            value = select(self.table.c[self.name]).where(self._key == Process.id)
            return value.correlate(Process).scalar_subquery().label(f"data_{self.name}")
        path = self.field.path
        place = type_coerce(Process.data, JSON)[path if len(path) > 1 else path[0]]
        return place.label(f"data_{self.name}")

    def value(self, read: Any) -> Any:
        """What was read, as the field's type; as it is where the field cannot read it."""
        if self.field is None or read is None:
            return read
        try:
            return self.field.from_json(read)
        except ValueError:
            return read

    def compare(self, op: str, text: str, zone: dt.tzinfo) -> Any:
        """A criterion of a query for processes.

        Raises:
            ValueError: the text is no value of this field; the message is a line for people.
        """
        place = self.table.c[self.name] if self.field is None else expression(self.field, Process.data)
        found = self._criterion(place, op, text.strip(), zone)
        return found if self.field is not None else Process.id.in_(select(self._key).where(found))

    def texts(self, op: str, text: str, zone: dt.tzinfo) -> list[str]:
        """What the value of a process that `compare` lets through is like: texts for `search.may_have`, of which it has
        one. Empty where that cannot be told.

        Raises:
            ValueError: as `compare` does.
        """
        if op not in ("eq", "contains") or not self._is_kept:
            return []
        text = text.strip()
        if op == "contains":
            values = [self._stored(each) for each in self._choices(text, part=True)]
            found = [_part(text), *(_whole(value) for value in values)]
        elif self.kind == "number":
            found = [_digits(self._parse(text, zone), self.field)]
        elif self.kind == "boolean" or (self.kind == "moment" and len(text) == 10):
            found = []
        else:
            found = [_whole(self._stored(self._parse(text, zone)))]
        default = None if self.field is None else self.field.initial()
        if default is not None:  # read where nothing is stored
            unsaid = folded(str(self._stored(default)))
            if any(each.strip("\n") in unsaid for each in found):
                return []
        return found if all(found) else []

    @property
    def _is_kept(self) -> bool:
        if self.field is not None:
            return is_kept(self.model, self.field)
        column = self.table.c[self.name]
        return isinstance(column.type, String) and not column.foreign_keys and not self.name.startswith("_")

    def _stored(self, value: Any) -> Any:
        return value if self.field is None else self.field.to_json(value)

    @property
    def _key(self) -> Any:
        (key,) = self.table.primary_key
        return key

    def _criterion(self, place: Any, op: str, text: str, zone: dt.tzinfo) -> Any:
        if op == "contains":
            if self.kind != "text":
                raise self._fault(_("“contains” looks into texts only"))
            return or_(contains(place, text), *(place == value for value in self._choices(text, part=True)))
        if self.kind in _ONLY_EQUAL and op not in ("eq", "ne"):
            raise self._fault(_("it has no order"))
        if self.kind == "moment" and len(text) == 10:
            return self._on_a_day(place, op, text, zone)
        found = _COMPARE[op](place, self._parse(text, zone))
        return or_(found, place.is_(None)) if op == "ne" else found

    def _on_a_day(self, place: Any, op: str, text: str, zone: dt.tzinfo) -> Any:
        begin = dt.datetime.combine(self._date(text), dt.time(), zone).astimezone(dt.UTC)
        end = begin + dt.timedelta(days=1)
        within = (place >= begin) & (place < end)
        return {
            "eq": within, "ne": or_(place < begin, place >= end, place.is_(None)), "lt": place < begin,
            "le": place < end, "gt": place >= end, "ge": place >= begin,
        }[op]  # fmt: skip

    def _parse(self, text: str, zone: dt.tzinfo) -> Any:
        chosen = self._choices(text)
        if chosen:
            return chosen[0]
        if self.kind == "number":
            return self._number(text)
        if self.kind == "boolean":
            if text.lower() not in _YES + _NO:
                raise self._fault(_("“%(text)s” is neither yes nor no", text=text[:40]))
            return text.lower() in _YES
        if self.kind == "date":
            return self._date(text)
        if self.kind == "text":
            return text
        try:
            if self.kind == "moment":
                moment = dt.datetime.fromisoformat(text)
                return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(dt.UTC)
            return dt.time.fromisoformat(text) if self.kind == "time" else uuid.UUID(text)
        except (ValueError, OverflowError) as error:
            raise self._fault(_("“%(text)s” is no value of it", text=text[:40])) from error

    def _choices(self, text: str, part: bool = False) -> list[Any]:
        """The stored values of the choices that are called so, by value or by label."""
        if self.field is None or not self.field.choices:
            return []
        low, found = text.casefold(), []
        for value, label in self.field.choices:
            stored, shown = self.field.to_json(value), str(label).casefold()
            if str(stored).casefold() == low or shown == low or (part and low in shown):
                found.append(value)
        return found

    def _number(self, text: str) -> Decimal:
        try:
            number = Decimal(text.replace("'", "").replace("’", "").replace(" ", ""))
        except InvalidOperation as error:
            raise self._fault(_("“%(text)s” is not a number", text=text[:40])) from error
        if (
            not number.is_finite()
            or abs(number.adjusted()) > _MOST_DIGITS
            or len(number.as_tuple().digits) > _MOST_DIGITS
        ):
            raise self._fault(_("“%(text)s” is not a number", text=text[:40]))
        return number

    def _date(self, text: str) -> dt.date:
        try:
            found = dt.date.fromisoformat(text)
        except ValueError as error:
            raise self._fault(
                _("“%(text)s” is not a date: write it as 2026-11-24", text=text[:40])
            ) from error
        if not 2 <= found.year <= 9990:
            raise self._fault(_("“%(text)s” is not a date: write it as 2026-11-24", text=text[:40]))
        return found

    def _fault(self, why: str) -> ValueError:
        return ValueError(_("%(field)s: %(why)s. This filter is left out.", field=self.label, why=why))


def _part(text: str) -> str:
    """A part of a text that is looked for in any spelling; empty where these are not one to the search."""
    folds = {folded(each) for each in spellings(text)}
    return folds.pop() if len(folds) == 1 else ""


def _whole(stored: Any) -> str:
    """A value as it stands in the text of its process, from its beginning to its end."""
    return f"\n{folded(str(stored))}\n" if stored not in (None, "") else ""


def _digits(number: Any, field: Field[Any, Any, Any] | None) -> str:
    """The digits of a number that stand there however it is written; empty where that may be with an exponent."""
    if not isinstance(number, Decimal):  # that of a choice
        number = Decimal(str(number if field is None else field.to_json(number)))
    if field is not None and field.sql_kind == "float":
        if number and not _PLAIN[0] <= abs(number) < _PLAIN[1]:
            return ""
        number = Decimal(repr(float(number)))
    return format(number.normalize(), "f")


def columns_of(label: str) -> dict[str, Column]:
    """The fields of a flow by which its lists can be narrowed, by name: those of the document, then its own columns.
    What only some may see (`visible_to=`) is none of them."""
    flow_class = registry.get(label)
    model = None if flow_class is None else flow_class.definition.process_class
    if model is None:
        return {}
    guarded = guarded_fields(model)
    found = {
        name: Column(name, each.label, _kind(each), each, model=model)
        for name, each in fields_of(model).items()
        if name not in guarded
        and not isinstance(each, BinaryField | DurationField | FileField | ReferenceField)
        and each.sql_kind != "json"
    }
    table = inspect(model).local_table
    if table is not Process.__table__ and len(table.primary_key) == 1:
        for column in table.columns:
            kind = _KINDS.get(_python_type(column))
            if kind and not column.primary_key and column.name not in guarded:
                found[column.name] = Column(
                    column.name, column.name.replace("_", " ").capitalize(), kind, table=table, model=model
                )
    return found


def column_of(label: str, name: str) -> Column:
    """The field of that name.

    Raises:
        ValueError: there is none; the message is a line for people.
    """
    if not label:
        raise ValueError(_("Choose a flow to filter by its fields: “%(name)s” is left out.", name=name[:40]))
    found = columns_of(label).get(name)
    if found is None:
        raise ValueError(_("This flow has no field “%(name)s” to filter by: it is left out.", name=name[:40]))
    return found


_KINDS: dict[type, str] = {
    int: "number", float: "number", Decimal: "number", bool: "boolean", dt.date: "date", dt.datetime: "moment",
    dt.time: "time", str: "text", uuid.UUID: "uuid",
}  # fmt: skip


def _python_type(column: Any) -> type:
    try:
        found: type = column.type.python_type
    except NotImplementedError:
        return object
    return found


def _kind(each: Field[Any, Any, Any]) -> str:
    for family, kind in ((DateTimeField, "moment"), (DateField, "date"), (TimeField, "time")):
        if isinstance(each, family):
            return kind
    return {"number": "number", "float": "number", "boolean": "boolean", "uuid": "uuid"}.get(
        each.sql_kind, "text"
    )
