"""Sends a statement whose text is at hand to the driver itself.

What SQLAlchemy does around each statement, a context and a result that fit all of them, takes several times what
the driver takes. An action knows the texts of its statements, and reads rows as the driver has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from sqlalchemy import Connection, CursorResult

from . import kept_plans

Values = Sequence[Any] | dict[str, Any]


def send(connection: Connection, sql: str, values: Values = (), plans: bool = True) -> Any:
    """Send one statement within the transaction that the connection is in. The cursor, or what stands for it.

    Where somebody listens to statements (a log, a trace, a test) SQLAlchemy sends it, and tells them. An error is the
    one that SQLAlchemy raises, and ends the connection where it does.

    Args:
        values: a list is the values of several goes of it.
        plans: PostgreSQL plans it for good; else each time, for the values at hand.
    """
    driver: Any = connection.dialect.dispatch
    # who listens to a connection itself is asked where anybody does: to join those with the engine's takes long
    listening: Any = connection if connection._has_events else connection.engine
    if (
        connection._echo
        or driver.do_execute
        or driver.do_executemany
        or listening.dispatch.before_cursor_execute
        or listening.dispatch.after_cursor_execute
    ):
        return connection.exec_driver_sql(sql, values or None)
    cursor: Any = None
    try:
        cursor = connection.connection.cursor()
        if isinstance(values, list):
            cursor.executemany(sql, values)
        elif plans and connection.dialect.driver == "psycopg":
            cursor.execute(sql, values, prepare=kept_plans.keeps(cursor.connection))
        else:
            cursor.execute(sql, values)
    except BaseException as error:
        _failed(connection, error, sql, values, cursor)
    return cursor


def fetch(connection: Connection, sql: str, values: Values = (), plans: bool = True) -> list[Any]:
    """The rows of a statement, with the driver's values."""
    cursor = send(connection, sql, values, plans)
    if isinstance(cursor, CursorResult):
        return list(cursor.fetchall())
    try:
        found: list[Any] = cursor.fetchall()
    except BaseException as error:  # SQLite works rows out as they are fetched
        _failed(connection, error, sql, values, cursor)
    cursor.close()
    return found


def _failed(connection: Connection, error: BaseException, sql: str, values: Values, cursor: Any) -> NoReturn:
    """Raise what SQLAlchemy makes of an error."""
    of_driver = isinstance(error, connection.dialect.loaded_dbapi.Error)
    connection._handle_dbapi_exception(error, sql if of_driver else None, values, cursor, None)
