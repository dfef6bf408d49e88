"""Texts of statements that write, made once for each dialect, and what turns values into those of its driver."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.types import TypeEngine

from portal.models import UTCDateTime

#: the mark of a parameter, by the driver's style
_MARKS = {"qmark": "?", "format": "%s", "pyformat": "%s"}
#: parameters in a statement: SQLite takes 32,766 values, PostgreSQL twice as many
_PARAMETERS = 30_000
#: rows in a statement: its text is kept
_ROWS = 500

Bind = Callable[[Any], Any]
Row = Mapping[str, Any]


def insert(
    connection: Connection,
    table: Table,
    names: tuple[str, ...],
    rows: Sequence[Row],
    returning: tuple[str, ...] = (),
) -> list[Any]:
    """Insert rows, many in a statement. What it returns of them, in any order.

    Args:
        names: the columns that are given a value, at least two; None is SQL's NULL.
        returning: SQL of what is returned of each row.
    """
    found: list[Any] = []
    values = _values(connection.dialect, table, names, rows)
    size = min(_ROWS, _PARAMETERS // len(names))
    for at in range(0, len(rows), size):
        part = values[at : at + size]
        text = _insert(connection.dialect, table, names, len(part), returning)
        result = connection.exec_driver_sql(text, tuple(chain.from_iterable(part)))
        if returning:
            found += result.fetchall()
    return found


def update(connection: Connection, table: Table, names: tuple[str, ...], rows: Sequence[Row]) -> None:
    """Change these columns of rows, each named by its `id`: one statement, whatever the number of rows.

    Raises:
        StaleDataError: one of them is not there.
    """
    values = [tuple(each) for each in _values(connection.dialect, table, (*names, "id"), rows)]
    text = _update(connection.dialect, table, names)
    result = connection.exec_driver_sql(text, values[0] if len(values) == 1 else values)
    if result.rowcount not in (len(rows), -1):
        raise StaleDataError(
            f"{len(rows)} rows of {table.name} were to be changed; {result.rowcount} are there"
        )


def _values(dialect: Dialect, table: Table, names: tuple[str, ...], rows: Sequence[Row]) -> list[list[Any]]:
    """The values of rows in the order of the names, as the driver takes them."""
    read, binders = itemgetter(*names), _binders(dialect, table, names)
    found = [list(read(row)) for row in rows]
    for values in found:
        for at, bind in binders:
            if values[at] is not None:
                values[at] = bind(values[at])
    return found


@lru_cache(maxsize=256)
def _binders(dialect: Dialect, table: Table, names: tuple[str, ...]) -> list[tuple[int, Bind]]:
    found = [(at, _binder(dialect, table.c[name].type)) for at, name in enumerate(names)]
    return [(at, bind) for at, bind in found if bind is not None]


def _binder(dialect: Dialect, kind: TypeEngine[Any]) -> Bind | None:
    return _moment(dialect) if isinstance(kind, UTCDateTime) else _bind(dialect, kind)


@lru_cache(maxsize=64)
def _moment(dialect: Dialect) -> Bind | None:
    """An action writes one moment many times: it is turned into the driver's once."""
    bind = _bind(dialect, UTCDateTime())
    return None if bind is None else lru_cache(maxsize=1024)(bind)


def _bind(dialect: Dialect, kind: TypeEngine[Any]) -> Bind | None:
    found: Bind | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return found


@lru_cache(maxsize=256)
def _insert(
    dialect: Dialect, table: Table, names: tuple[str, ...], count: int, returning: tuple[str, ...]
) -> str:
    prepare, mark = dialect.identifier_preparer, _MARKS[dialect.paramstyle]
    columns = ", ".join(prepare.format_column(table.c[name]) for name in names)
    rows = ", ".join([f"({', '.join([mark] * len(names))})"] * count)
    answer = f" RETURNING {', '.join(returning)}" if returning else ""
    return f"INSERT INTO {prepare.format_table(table)} ({columns}) VALUES {rows}{answer}"


@lru_cache(maxsize=256)
def _update(dialect: Dialect, table: Table, names: tuple[str, ...]) -> str:
    prepare, mark = dialect.identifier_preparer, _MARKS[dialect.paramstyle]
    values = ", ".join(f"{prepare.format_column(table.c[name])} = {mark}" for name in names)
    return f"UPDATE {prepare.format_table(table)} SET {values} WHERE id = {mark}"


@lru_cache(maxsize=64)
def text(expression: Any, dialect: Dialect) -> str:
    """An expression without parameters, to be written into a statement."""
    return str(expression.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
