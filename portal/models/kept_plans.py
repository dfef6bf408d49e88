"""Lets PostgreSQL keep the plans of what actions send, beside `sending`.

The driver can have the server plan a statement for good, and drops all such plans at each rollback, for the sake of
tables that it may have taken away. But who has only read ends by a rollback, too: hardly a plan would live longer than
a page. So a rollback goes past the driver. What is not an action's is planned each time, for the values at hand.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, event

#: for `prepare_threshold` of psycopg, which plans for good what it has sent so often: only what asks for it
NEVER = 2**31
#: the states of a transaction that is open, and of one that has failed, as libpq has them
_OPEN = (2, 3)


def watch(engine: Engine) -> None:
    """Let the rollbacks of an engine on psycopg keep plans."""

    @event.listens_for(engine, "rollback")
    def _rollback(connection: Any) -> None:
        if not connection.invalidated:
            server = connection.connection.driver_connection.pgconn
            if server.transaction_status in _OPEN:  # and where this fails, the driver's own comes behind it
                server.exec_(b"ROLLBACK")
