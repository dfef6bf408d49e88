"""Protects the file of an SQLite database: only its owner may read it, and its removal is noticed."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError

from portal import private


def watch(engine: Engine) -> None:
    """Make the file readable by its owner alone, and drop the connections to one that is no longer there.

    SQLite would go on writing into a file that was deleted, and say that all is well; and it would make an empty one in
    the place of the one that was lost.
    """
    path = path_of(engine)
    if path is None:
        return
    seen, name = False, str(path)

    @event.listens_for(engine, "do_connect")
    def _open(_dialect: Any, _record: Any, _args: Any, _kwargs: Any) -> None:
        nonlocal seen
        if seen and not path.exists():
            raise _gone(path)
        try:
            private.make_file(path)
            for journal in ("-wal", "-shm"):
                private.tighten(path.with_name(path.name + journal))
        except OSError as error:
            raise _gone(path, error.strerror or "") from error
        seen = True

    @event.listens_for(engine, "connect")
    def _connect(_connection: Any, record: Any) -> None:
        record.info["file"] = _identity(name)

    @event.listens_for(engine, "checkout")
    def _checkout(_connection: Any, record: Any, _proxy: Any) -> None:
        if _identity(name) != record.info.get("file"):
            raise DisconnectionError("the file of the database is not the one that was opened")


def path_of(engine: Engine) -> Path | None:
    """The file of an engine. None where there is none: a database in memory, or one whose address is a URI."""
    name = engine.url.database
    if engine.dialect.name != "sqlite" or not name or name == ":memory:" or name.startswith("file:"):
        return None
    return Path(name).absolute()


def _identity(name: str) -> tuple[int, int] | None:
    try:
        found = os.stat(name)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _gone(path: Path, why: str = "it was there, and is gone") -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(f"unable to open database file {path}: {why}")
    error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
    return error
