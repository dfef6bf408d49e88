"""Inserts rows on PostgreSQL: all of them are one value, an array of JSON.

So a statement has one text, however many rows there are and whatever they hold: the server plans it once, and its
driver has neither to look through a long text each time nor to turn each value into one of the server's.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, Table

from portal.models import UTCDateTime, sending

#: a table, the columns that are given a value, and the rows
Part = tuple[Table, tuple[str, ...], Sequence[Mapping[str, Any]]]


def insert(connection: Connection, *parts: Part, returning: tuple[str, ...] = ()) -> list[Any]:
    """Insert rows of one or several tables by one statement. What it returns of those of the last one, in any order."""
    kinds = tuple((table, names) for table, names, _rows in parts)
    sql = _text(connection.dialect, kinds, returning)
    values = tuple([_array(connection.dialect, *part) for part in parts])
    if returning:
        return sending.fetch(connection, sql, values)
    sending.send(connection, sql, values)
    return []


@lru_cache(maxsize=256)
def _text(
    dialect: Dialect, kinds: tuple[tuple[Table, tuple[str, ...]], ...], returning: tuple[str, ...]
) -> str:
    *first, last = [_insert(dialect, table, names) for table, names in kinds]
    ahead = ", ".join(f"part_{number} AS ({each})" for number, each in enumerate(first))
    answer = f" RETURNING {', '.join(returning)}" if returning else ""
    return (f"WITH {ahead} " if ahead else "") + last + answer


def _insert(dialect: Dialect, table: Table, names: tuple[str, ...]) -> str:
    prepare, columns = dialect.identifier_preparer, [table.c[name] for name in names]
    listed = ", ".join(prepare.format_column(each) for each in columns)
    typed = ", ".join(f"{prepare.format_column(each)} {each.type.compile(dialect)}" for each in columns)
    return (
        f"INSERT INTO {prepare.format_table(table)} ({listed}) "
        f"SELECT {listed} FROM json_to_recordset(%s::json) AS given ({typed})"
    )


def _array(dialect: Dialect, table: Table, names: tuple[str, ...], rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows; what they have no value for is left out, which is NULL."""
    records = [{name: value for name in names if (value := row[name]) is not None} for row in rows]
    written = _written(dialect)
    for name in _moments(table, names):
        for record in records:
            if name in record:
                record[name] = written(record[name])
    made: str | bytes = (getattr(dialect, "_json_serializer", None) or json.dumps)(records)
    return made if isinstance(made, str) else made.decode()


@lru_cache(maxsize=256)
def _moments(table: Table, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if isinstance(table.c[name].type, UTCDateTime))


@lru_cache(maxsize=16)
def _written(dialect: Dialect) -> Callable[[Any], str]:
    bind = UTCDateTime().process_bind_param
    return once(lambda moment: str(bind(moment, dialect)))


def once(bind: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """An action writes one moment many times: it is turned into the driver's once.

    Only moments in UTC: of another zone Python takes both hours that clocks show twice for the same.
    """
    kept = lru_cache(maxsize=1024)(bind)
    return lambda moment: kept(moment) if moment.tzinfo is dt.UTC else bind(moment)
