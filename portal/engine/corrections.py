"""What a process holds before and after a correction, as the history keeps it: no files, and nothing very long."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import inspect

from portal.jsonstore import BinaryField, fields_of
from portal.jsonstore.place import MISSING, document_of, look_up
from portal.models import Process

#: characters of a value, as JSON
LONGEST = 500
_FILE = "(file)"


def values_of(process: Process) -> dict[str, Any]:
    """The fields and the own columns of a process by name, as plain values that do not change with it."""
    found: dict[str, Any] = {}
    fields = fields_of(type(process))
    for name, field in fields.items():
        value = look_up(document_of(process), field.path)
        found[name] = _Held(None if value is MISSING else value, isinstance(field, BinaryField))
    ours = set(inspect(Process).columns.keys())
    mapper: Any = inspect(type(process))
    for name, column in mapper.columns.items():
        if name not in ours and not column.primary_key and not name.startswith("_"):
            value = getattr(process, name)
            found[name] = _Held(value if _is_plain(value) else str(value), isinstance(value, bytes))
    return found


class _Held:
    """A value: the text by which it is compared, and what the history shows of it."""

    def __init__(self, value: Any, is_file: bool) -> None:
        self.text = json.dumps(value, sort_keys=True, default=str, ensure_ascii=False)
        if is_file and value is not None:
            self.shown: Any = _FILE
        elif len(self.text) > LONGEST:
            self.shown = self.text[:LONGEST] + "…"
        else:
            self.shown = json.loads(self.text)


def changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, list[Any]]:
    """The old and the new value of what differs, by the name of the field."""
    return {
        name: [before[name].shown, held.shown]
        for name, held in after.items()
        if name in before and before[name].text != held.text
    }


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool)
