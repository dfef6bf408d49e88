"""Compares the data of a process before and after a change, for the history: no files, and nothing very long."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from sqlalchemy import inspect

from portal.jsonstore import BinaryField, EmbeddedField, EmbeddedListField, fields_of
from portal.jsonstore.place import MISSING, document_of, look_up
from portal.models import Process

#: characters of a value, as JSON; changes that one row of history keeps
LONGEST, MOST = 500, 50
_FILE = "(file)"
_EMPTY: tuple[Any, ...] = (None, "", "[]", "{}")

#: the old and the new value of each changed field
Changes = dict[str, list[Any]]


def values_of(process: Process) -> dict[str, Held]:
    """The fields and the own columns of a process by name, as values that do not change with it."""
    found: dict[str, Held] = {}
    document = document_of(process)
    for name, field in fields_of(type(process)).items():
        value = look_up(document, field.path)
        found[name] = Held(None if value is MISSING else value, field)
    for name in _own_columns(type(process)):
        found[name] = Held(getattr(process, name))
    return found


@lru_cache(maxsize=1024)
def _own_columns(cls: Any) -> tuple[str, ...]:
    """The columns of a class of processes that not every process has."""
    ours = set(inspect(Process).columns.keys())
    return tuple(
        name
        for name, column in inspect(cls).columns.items()
        if name not in ours and not column.primary_key and not name.startswith("_")
    )


class Held:
    """A value: what it is compared by, and what the history shows of it."""

    __slots__ = ("_field", "_kept")

    def __init__(self, value: Any, field: Any = None) -> None:
        self._field = field
        # What cannot be changed in place is kept as it is: a large file costs nothing until it is compared.
        constant = value is None or isinstance(value, str | int | float | bool | bytes)
        kept = value if constant else json.dumps(value, sort_keys=True, default=str, ensure_ascii=False)
        self._kept: tuple[type, Any] = (type(value) if constant else list, kept)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Held) and self._kept == other._kept

    __hash__ = None  # type: ignore[assignment]

    @property
    def is_empty(self) -> bool:
        return self._kept[1] in _EMPTY

    @property
    def shown(self) -> Any:
        kind, kept = self._kept
        if kept is None:
            return None
        if kind is bytes or isinstance(self._field, BinaryField):
            return _FILE
        value = without_files(self._field, json.loads(kept)) if kind is list else kept
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return value if len(text) <= LONGEST else text[:LONGEST] + "…"


def without_files(field: Any, value: Any) -> Any:
    """The value of an embedded field without the bytes in it."""
    if isinstance(field, EmbeddedListField) and isinstance(value, list):
        return [_part_without_files(field.schema, each) for each in value]
    return _part_without_files(field.schema, value) if isinstance(field, EmbeddedField) else value


def _part_without_files(schema: type, value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    for field in fields_of(schema).values():
        if field.path[0] in value and value[field.path[0]] is not None:
            held = value[field.path[0]]
            value[field.path[0]] = _FILE if isinstance(field, BinaryField) else without_files(field, held)
    return value


def changes(before: dict[str, Held], after: dict[str, Held]) -> Changes:
    """The old and the new value of what differs, by the name of the field.

    Args:
        before: what is not in it was not there.
    """
    found: Changes = {}
    for name, held in after.items():
        old = before.get(name)
        if held.is_empty if old is None else held == old:
            continue
        found[name] = [None if old is None else old.shown, held.shown]
        if len(found) == MOST:
            break
    return found
