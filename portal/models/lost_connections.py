"""Finds out, before a connection of the pool is used, whether its server has left it meanwhile.

To ask the server costs a statement and its answer, each time. A server that ends says so on every connection, where it
can be seen without asking; only one that was not heard of for a while is asked.
"""

from __future__ import annotations

import select
import time
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError

#: seconds after which a way between may have dropped a connection silently
SILENCE = 10.0


def watch(engine: Engine) -> None:
    """Let an engine hand out connections that are alive."""

    @event.listens_for(engine, "checkin")
    def _checkin(_connection: Any, record: Any) -> None:
        record.info["heard"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _checkout(connection: Any, record: Any, _proxy: Any) -> None:
        heard = record.info.get("heard")
        if heard is None:  # it is new
            return
        try:
            if time.monotonic() - heard > SILENCE or _speaks(connection):
                engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error


def _speaks(connection: Any) -> bool:
    """Whether something has come that nobody has asked for, such as the end of the connection."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
