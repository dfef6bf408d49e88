"""Prepares SQLAlchemy engines for many threads and processes: locks, timeouts, and SQLite's one writer."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

from sqlalchemy import Connection, Engine, event
from sqlalchemy.orm import Session

from portal.errors import Busy

from . import kept_plans, lost_connections, sending, sqlite_file


def _limits(local: bool, **seconds: float) -> str:
    """The statement that sets limits which nobody else has set: neither the URL, nor the role, database or server."""
    names = ", ".join(f"('{name}', '{value * 1000:.0f}')" for name, value in seconds.items())
    return (
        f"SELECT set_config(name, value, {str(local).lower()}) FROM (VALUES {names}) AS limits (name, value) "
        "JOIN pg_settings USING (name) WHERE source = 'default'"
    )


def _limit(engine: Engine, **seconds: float) -> None:
    statement = _limits(False, **seconds)

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(statement)
        cursor.close()
        connection.commit()  # a setting made in a transaction goes with it


def prepare_engine(engine: Engine, lock_timeout: float = 5, statement_timeout: float = 60) -> None:
    """Make an engine fit for actions: limits; on SQLite, write-ahead log, durable, foreign keys, explicit BEGIN.

    Args:
        lock_timeout: how many seconds a statement waits for what somebody else has locked.
        statement_timeout: how many seconds a statement may take, on PostgreSQL.
    """
    if engine.dialect.name == "postgresql":
        _limit(
            engine,
            lock_timeout=lock_timeout,
            statement_timeout=statement_timeout,
            idle_in_transaction_session_timeout=5 * statement_timeout,
        )
        lost_connections.watch(engine)
        if engine.dialect.driver == "psycopg":
            kept_plans.watch(engine)
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we emit BEGIN ourselves, see below
        cursor = connection.cursor()
        pragmas = ["foreign_keys=ON", f"busy_timeout={lock_timeout * 1000:.0f}"]
        if "mode=memory" in str(
            engine.url
        ):  # connections share one cache, where a reader would block a writer
            pragmas.append("read_uncommitted=ON")
        else:
            # a longer log: most pages in it are written to the file once, however often they have changed
            pragmas += ["journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=4000"]
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    sqlite_file.watch(engine)
    _take_turns(engine, lock_timeout)


def prepare_guest_engine(engine: Engine, lock_timeout: float = 5, statement_timeout: float = 60) -> None:
    """Give an application's own engine the least that actions need. Its other transactions stay as they are.

    Actions take the write lock at their first line on SQLite, and have limits on PostgreSQL; a file of SQLite gets a
    write-ahead log. May be repeated.

    Args:
        lock_timeout: how many seconds a statement waits for what somebody else has locked.
        statement_timeout: how many seconds a statement of an action may take, on PostgreSQL.
    """
    if engine in _guests:
        return
    _guests.add(engine)
    if engine.dialect.name == "postgresql":
        limits = _limits(True, lock_timeout=lock_timeout, statement_timeout=statement_timeout)

        @event.listens_for(engine, "begin")
        def _begin(connection: Any) -> None:
            if connection.get_execution_options().get("writes"):
                sending.send(connection, limits)

    if engine.dialect.name != "sqlite":
        return

    if engine.url.database not in (None, "", ":memory:") and "mode=memory" not in str(engine.url):

        @event.listens_for(engine, "connect")
        def _connect(connection: Any, _record: Any) -> None:
            connection.execute(f"PRAGMA busy_timeout={lock_timeout * 1000:.0f}")
            connection.execute("PRAGMA journal_mode=WAL")  # without it a reader holds up every commit

        engine.dispose()  # connections that are there already were not told
    _take_turns(engine, lock_timeout, begins=False)


#: the engines of applications that are prepared
_guests: WeakSet[Engine] = WeakSet()


@contextmanager
def glance(session: Session) -> Iterator[Connection]:
    """A connection for one statement that reads, ahead of a transaction that writes or behind it: none is begun for it.

    Within a transaction that is open already, it is that one's.
    """
    bind = session.get_bind()
    if session.in_transaction() or isinstance(bind, Connection):
        yield session.connection()
        return
    session.info["glanced"] = True
    with bind.connect() as connection:
        # SQLite reads so by itself where nobody sends BEGIN; its driver's own ways must stay as they are. And an
        # application's listener may have begun a transaction already.
        stays = bind.dialect.name == "sqlite" or connection.in_transaction()
        level = {} if stays else {"isolation_level": "AUTOCOMMIT"}
        yield connection.execution_options(glances=True, **level)


def _take_turns(engine: Engine, lock_timeout: float, begins: bool = True) -> None:
    """Let transactions that will write take turns; whether others begin by a statement of ours as well."""
    writing = threading.Lock()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # A transaction that will write takes the write lock at its first line: one that upgrades later can
        # find its snapshot stale and fail, however long it is willing to wait.
        options = connection.get_execution_options()
        if not options.get("writes"):
            if begins and not options.get("glances"):
                sending.send(connection, "BEGIN")
            return
        # Threads of one process take turns: SQLite's own waiters sleep up to a tenth of a second, and none is next.
        began = time.monotonic()
        if not writing.acquire(timeout=lock_timeout):
            raise Busy
        connection.info["turn"] = True
        try:
            _begin_immediate(connection, lock_timeout - (time.monotonic() - began))
        except BaseException:
            _pass_on(connection.info)
            raise

    def _begin_immediate(connection: Any, left: float) -> None:
        """Take the write lock, in what is left of the time to wait for it."""
        shortened = left < lock_timeout * 0.9
        if shortened:
            sending.send(connection, f"PRAGMA busy_timeout={max(left, 0) * 1000:.0f}")
        try:
            sending.send(connection, "BEGIN IMMEDIATE")
        finally:
            if shortened:
                sending.send(connection, f"PRAGMA busy_timeout={lock_timeout * 1000:.0f}")

    def _pass_on(info: dict[Any, Any]) -> None:
        if info.pop("turn", False):
            writing.release()

    def _ended(connection: Any) -> None:
        if not connection.invalidated:
            _pass_on(connection.info)

    def _returned(_connection: Any, record: Any, _why: Any) -> None:
        if "turn" in record.info:
            _pass_on(record.info)

    for end in ("commit", "rollback"):
        event.listen(engine, end, _ended)
    for end in ("reset", "invalidate"):
        event.listen(engine, end, _returned)
