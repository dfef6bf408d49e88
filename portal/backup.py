"""Copies the database as it is at one moment, while people work."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine

from portal.errors import PortalError


def backup(engine: Engine, target: Path) -> None:
    """Copy the whole database into a new file.

    Of SQLite it is a database that can be used as it is; of PostgreSQL, what `pg_restore` takes. Only its owner can
    read it.

    Raises:
        PortalError: the file is there already, or cannot be made; or the tool that is needed is not there.
    """
    if target.exists():
        raise PortalError(f"{target} is there already; a backup is never written over another one")
    makers = {"sqlite": _sqlite, "postgresql": _postgresql}
    make = makers.get(engine.dialect.name)
    if make is None:
        raise PortalError(
            f"use the tools of {engine.dialect.name}: the portal can back up {' and '.join(makers)}"
        )
    unfinished = target.with_name(target.name + ".part")
    try:
        unfinished.unlink(missing_ok=True)
        # it holds what people wrote, and their hashes
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise PortalError(f"{target} cannot be written: {error.strerror}") from error
    try:
        make(engine, unfinished)
        unfinished.rename(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _sqlite(engine: Engine, target: Path) -> None:
    """SQLite's online backup: readers and writers go on, and the copy is of one moment."""
    connection = engine.raw_connection()
    try:
        source = connection.driver_connection
        assert isinstance(source, sqlite3.Connection)
        with closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
    finally:
        connection.close()


def _postgresql(engine: Engine, target: Path) -> None:
    tool = shutil.which("pg_dump")
    if tool is None:
        raise PortalError("pg_dump is not installed here: it comes with PostgreSQL's client programs")
    # The password must not stand in the list of processes.
    url = engine.url.set(drivername="postgresql")
    environment = os.environ | ({"PGPASSWORD": str(url.password)} if url.password else {})
    public = url.set(password=None).render_as_string()
    made = subprocess.run(
        [tool, "--format=custom", f"--file={target}", f"--dbname={public}"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if made.returncode != 0:
        raise PortalError(f"pg_dump failed: {made.stderr.strip()}")
