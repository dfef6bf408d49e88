"""Lets PostgreSQL keep the plans of what actions send, beside `sending`.

The driver can have the server plan a statement for good, and drops all such plans at each rollback, for the sake of
tables that it may have taken away. But who has only read ends by a rollback, too: hardly a plan would live longer than
a page. So a rollback goes past the driver, but for that of a transaction that has failed: there may be plans then of
which the driver does not know. What is not an action's is planned each time, for the values at hand.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from sqlalchemy import Engine, event

#: for `prepare_threshold` of psycopg, which plans for good what it has sent so often: only what asks for it
NEVER = 2**31
#: the state of a transaction that is open and has not failed, as libpq has it
_OPEN = 2
#: the function of the server that refuses a plan when its answer would be another than before
_REFUSES = "RevalidateCachedQuery"


def keeps(connection: Any) -> bool | None:
    """Whether a connection of psycopg keeps plans. None is what it would do by itself."""
    return True if connection.prepare_threshold == NEVER else None


def watch(engine: Engine) -> None:
    """Let the rollbacks of an engine on psycopg keep plans, until a table is changed while this process runs."""

    @event.listens_for(engine, "rollback")
    def _rollback(connection: Any) -> None:
        if connection.closed or connection.invalidated:
            return
        driver = connection.connection.driver_connection  # None where the pool has dropped it
        if driver is not None and driver.pgconn.transaction_status == _OPEN:
            with suppress(engine.dialect.loaded_dbapi.Error):  # the driver's own comes behind it
                driver.pgconn.exec_(b"ROLLBACK")

    @event.listens_for(engine, "handle_error")
    def _handle_error(context: Any) -> None:
        diagnostics = getattr(context.original_exception, "diag", None)
        if diagnostics is not None and diagnostics.source_function == _REFUSES:
            context.is_disconnect = True  # the plans of all connections that are open are as old
