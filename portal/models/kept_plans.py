"""Lets PostgreSQL keep the plans of what actions send, beside `sending`.

The driver can have the server plan a statement for good, and drops all such plans at each rollback, for the sake of
tables that it may have taken away. But who has only read ends by a rollback, too: hardly a plan would live longer than
a page. So a rollback goes past the driver. What is not an action's is planned each time, for the values at hand.
"""

from __future__ import annotations

from typing import Any

from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, event

#: keeps psycopg from choosing itself what is planned for good: so often nothing is sent
NEVER = 2**31
_OPEN = (TransactionStatus.INTRANS, TransactionStatus.INERROR)


def watch(engine: Engine) -> None:
    """Let the rollbacks of an engine keep plans."""

    @event.listens_for(engine, "rollback")
    def _rollback(connection: Any) -> None:
        if not connection.invalidated:
            server = connection.connection.driver_connection.pgconn
            if server.transaction_status in _OPEN:  # and where this fails, the driver's own comes behind it
                server.exec_(b"ROLLBACK")
