"""The column type of a change-tracked JSON document."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Dialect
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator, TypeEngine

from .plain import same
from .tracking import DocumentDict, DocumentList, Root


class Document(TypeDecorator[Any]):
    """JSON, on PostgreSQL JSONB. None is SQL NULL. Use `document()` for a column."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        kind = JSONB if dialect.name == "postgresql" else JSON
        return dialect.type_descriptor(kind(none_as_null=True))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return in_order(value, dialect)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        # What the database holds is believed: a document another program spoiled must still be readable.
        if isinstance(value, dict):
            return DocumentDict(value, check=False)
        if isinstance(value, list):
            return DocumentList(value, check=False)
        return value

    def compare_values(self, x: Any, y: Any) -> bool:
        # Python takes True and 1 for equal, and a change from one to the other would never be stored.
        return same(x, y)


def document() -> TypeEngine[Any]:
    """The type of a `data` column: a JSON document. A change at any depth marks the row as changed.

    It accepts dicts and lists of dicts, lists, texts, numbers, booleans and None, and raises ValueError at
    once for anything that could not be stored.
    """
    return Root.as_mutable(Document())


def in_order(value: Any, dialect: Dialect) -> Any:
    """The value with its keys sorted, for SQLite, which compares documents as texts."""
    return _sorted(value) if dialect.name == "sqlite" else value


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        return [_sorted(item) for item in value]
    return value
