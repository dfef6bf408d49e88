"""Texts of statements, made once for each dialect, and what turns values into those of its driver."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache, partial
from itertools import chain, compress
from operator import itemgetter
from typing import Any

from sqlalchemy import JSON, Connection, Dialect, Table
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.types import TypeEngine

from portal.jsonstore import Document
from portal.models import UTCDateTime, sending

from . import records

#: the mark of a parameter, by the driver's style
_MARKS = {"qmark": "?", "format": "%s", "pyformat": "%s"}
#: parameters in a statement: SQLite takes 32,766 values, PostgreSQL twice as many
_PARAMETERS = 30_000
#: rows in a statement
_ROWS = 500
#: texts of one table that are kept, by the number of rows
_TEXTS = 100

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
    if connection.dialect.name == "postgresql":
        return records.insert(connection, (table, names, rows), returning=returning)
    columns = list(zip(*map(itemgetter(*names), rows), strict=True))
    # those that hold something in any of the rows: most of a new task are empty
    count = len(rows)
    filled = [column[0] is not None or column.count(None) != count for column in columns]
    names = tuple(compress(names, filled))
    found: list[Any] = []
    made = _prepared(connection.dialect, table, names)
    values, width = made.values(list(compress(columns, filled))), len(names)
    size = min(_ROWS, _PARAMETERS // width)
    for at in range(0, count, size):
        part = tuple(values[at * width : (at + size) * width])
        text = made.insert(len(part) // width, returning)
        if returning:
            found += sending.fetch(connection, text, part)
        else:
            sending.send(connection, text, part)
    return found


def insert_all(connection: Connection, *parts: records.Part) -> None:
    """Insert rows of several tables, in this order; by one statement where the database can."""
    given = [part for part in parts if part[-1]]
    if given and connection.dialect.name == "postgresql":
        records.insert(connection, *given)
        return
    for table, names, rows in given:
        insert(connection, table, names, rows)


def update(connection: Connection, table: Table, names: tuple[str, ...], rows: Sequence[Row]) -> None:
    """Change these columns of rows, each named by its `id`: one statement, whatever the number of rows.

    Raises:
        StaleDataError: one of them is not there.
    """
    made, width = _prepared(connection.dialect, table, (*names, "id")), len(names) + 1
    values = made.values(list(zip(*map(itemgetter(*names, "id"), rows), strict=True)))
    parts = [tuple(values[at : at + width]) for at in range(0, len(values), width)]
    result = sending.send(connection, made.update, parts[0] if len(parts) == 1 else parts)
    if result.rowcount not in (len(rows), -1):
        raise StaleDataError(
            f"{len(rows)} rows of {table.name} were to be changed; {result.rowcount} are there"
        )


def delete(connection: Connection, table: Table, key: Row) -> None:
    """Delete the row with these values, if there is one."""
    made = _prepared(connection.dialect, table, tuple(key))
    sending.send(connection, made.delete, tuple(made.values(list(zip(key.values(), strict=True)))))


class Query:
    """A statement that reads, as the driver takes it.

    Args:
        plans: PostgreSQL plans it for good, whatever values it is given.
    """

    def __init__(self, dialect: Dialect, statement: Any, plans: bool = True) -> None:
        compiled = statement.compile(dialect=dialect)
        asked = {name: None for name, each in compiled.binds.items() if each.required}
        # a list among its own values becomes a mark for each of them
        expanded = compiled.construct_expanded_state(asked)
        self._sql, self._plans = expanded.statement, plans
        #: the names of its values in their order; None where the driver takes them by name
        self._order = expanded.positiontup
        binders = {name: _bind(dialect, each.type) for name, each in compiled.binds.items()}
        for name, several in expanded.parameter_expansion.items():
            binders |= dict.fromkeys(several, binders[name])
        #: of the values that it is given
        self._binders = {name: bind for name in asked if (bind := binders[name]) is not None}
        #: the values that it has, as the driver takes them
        self._own = {
            name: value if (bind := binders[name]) is None else bind(value)
            for name, value in expanded.parameters.items()
            if name not in asked
        }
        readers = [reader(dialect, each.type) for each in statement.selected_columns]
        self._readers = [(at, read) for at, read in enumerate(readers) if read is not None]

    def rows(self, connection: Connection, values: dict[str, Any]) -> list[Any]:
        """Its rows, with the driver's values: see `placing.part`."""
        given = self._own | values
        for name, bind in self._binders.items():
            given[name] = bind(given[name])
        return sending.fetch(
            connection,
            self._sql,
            given if self._order is None else tuple(map(given.__getitem__, self._order)),
            self._plans,
        )

    def read(self, connection: Connection, values: dict[str, Any]) -> list[list[Any]]:
        """Its rows, with Python's values."""
        found = [list(row) for row in self.rows(connection, values)]
        for row in found:
            for at, read in self._readers:
                if row[at] is not None:
                    row[at] = read(row[at])
        return found


class _Prepared:
    """What writes some columns of a table: the texts, and what makes values of rows those of the driver."""

    def __init__(self, dialect: Dialect, table: Table, names: tuple[str, ...]) -> None:
        self._dialect, self._table, self._names = dialect, table, names
        binders = [(at, _binder(dialect, table.c[name].type)) for at, name in enumerate(names)]
        self._binders = [(at, bind) for at, bind in binders if bind is not None]
        self._inserts: dict[tuple[int, tuple[str, ...]], str] = {}

    def values(self, columns: list[Sequence[Any]]) -> list[Any]:
        """The values of rows, one row behind the other, as the driver takes them; they are given column by column."""
        for at, bound in self._binders:
            columns[at] = bound(columns[at])
        return list(chain.from_iterable(zip(*columns, strict=True)))

    def insert(self, count: int, returning: tuple[str, ...]) -> str:
        text = self._inserts.get((count, returning))
        if text is None:
            text = _insert(self._dialect, self._table, self._names, count, returning)
            if len(self._inserts) < _TEXTS:
                self._inserts[count, returning] = text
        return text

    @cached_property
    def update(self) -> str:
        """The last of the names is that of the key."""
        return _update(self._dialect, self._table, self._names[:-1])

    @cached_property
    def delete(self) -> str:
        """The names are those of the key."""
        return _delete(self._dialect, self._table, self._names)


def _bound(bind: Bind, column: Sequence[Any]) -> list[Any]:
    """The values of a column as the driver takes them; one object that stands in many rows is turned into that once."""
    found, last, made = [], None, None
    for value in column:
        if value is not last:
            last, made = value, None if value is None else bind(value)
        found.append(made)
    return found


def _bound_documents(bind: Bind, empty: Any, column: Sequence[Any]) -> list[Any]:
    """Most documents of tasks and events are empty: that one is turned into the driver's once."""
    return [empty if value == {} else None if value is None else bind(value) for value in column]


@lru_cache(maxsize=256)
def _prepared(dialect: Dialect, table: Table, names: tuple[str, ...]) -> _Prepared:
    return _Prepared(dialect, table, names)


def _binder(dialect: Dialect, kind: TypeEngine[Any]) -> Callable[[Sequence[Any]], list[Any]] | None:
    """What makes the driver's values of those of a column. None where they are the same."""
    bind = _moment(dialect) if isinstance(kind, UTCDateTime) else _bind(dialect, kind)
    if bind is None:
        return None
    if isinstance(kind, JSON | Document):
        return partial(_bound_documents, bind, bind({}))
    return partial(_bound, bind)


@lru_cache(maxsize=64)
def _moment(dialect: Dialect) -> Bind | None:
    bind = _bind(dialect, UTCDateTime())
    return None if bind is None else records.once(bind)


def _bind(dialect: Dialect, kind: TypeEngine[Any]) -> Bind | None:
    found: Bind | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return found


def reader(dialect: Dialect, kind: TypeEngine[Any]) -> Bind | None:
    """What makes Python's values of the driver's. None where they are the same."""
    read: Bind | None = kind.dialect_impl(dialect).result_processor(dialect, None)
    return _read_document(read) if read is not None and isinstance(kind, JSON | Document) else read


def _read_document(read: Bind) -> Bind:
    """Most documents are empty: those need not be taken apart."""
    return lambda value: {} if value == "{}" else [] if value == "[]" else read(value)


def _insert(
    dialect: Dialect, table: Table, names: tuple[str, ...], count: int, returning: tuple[str, ...]
) -> str:
    prepare, mark = dialect.identifier_preparer, _MARKS[dialect.paramstyle]
    columns = ", ".join(prepare.format_column(table.c[name]) for name in names)
    rows = ", ".join([f"({', '.join([mark] * len(names))})"] * count)
    answer = f" RETURNING {', '.join(returning)}" if returning else ""
    return f"INSERT INTO {prepare.format_table(table)} ({columns}) VALUES {rows}{answer}"


def _update(dialect: Dialect, table: Table, names: tuple[str, ...]) -> str:
    prepare, mark = dialect.identifier_preparer, _MARKS[dialect.paramstyle]
    values = ", ".join(f"{prepare.format_column(table.c[name])} = {mark}" for name in names)
    return f"UPDATE {prepare.format_table(table)} SET {values} WHERE id = {mark}"


def _delete(dialect: Dialect, table: Table, names: tuple[str, ...]) -> str:
    prepare, mark = dialect.identifier_preparer, _MARKS[dialect.paramstyle]
    key = " AND ".join(f"{prepare.format_column(table.c[name])} = {mark}" for name in names)
    return f"DELETE FROM {prepare.format_table(table)} WHERE {key}"


@lru_cache(maxsize=64)
def text(expression: Any, dialect: Dialect) -> str:
    """An expression without parameters, to be written into a statement."""
    return str(expression.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
