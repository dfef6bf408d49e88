"""An application on each database, and people to act in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from brokers import broker  # noqa: F401  a fixture
from jinja2 import BytecodeCache, FileSystemBytecodeCache
from postgresql import new_database, shared_server
from sqlalchemy import event

from portal import create_app
from portal.models import User, create_user, db, init_db
from portal.testing.database import empty_database

#: what opens and closes a transaction, and is no statement of ours
FRAME = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Any]:
    server = shared_server()
    yield server
    server.cleanup()


@pytest.fixture(scope="session")
def postgresql(postgresql_server: Any) -> str:
    """The URL of a PostgreSQL database of this worker's own."""
    return new_database(postgresql_server, os.environ.get("PYTEST_XDIST_WORKER", "master"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Any) -> str:
    """A test that asks for it runs once on each database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'portal.sqlite'}"
    return str(request.getfixturevalue("postgresql"))


#: the first engine of each kind
_first: dict[str, Any] = {}


def share_compiled(engine: Any) -> None:
    """Give every engine of one kind one cache: each would compile the same SQL anew, a third of the suite's time."""
    first = _first.setdefault(engine.dialect.name, engine)
    engine.dialect = engine.pool._dialect = first.dialect  # the cache is kept by the dialect
    engine._compiled_cache = first._compiled_cache


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> BytecodeCache:
    """Every application would compile the templates of its pages anew: a fifth of the suite's time."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture
def app(database_url: str, compiled: BytecodeCache) -> Iterator[Any]:
    """An application without flows on an empty database; its context is open during the test."""
    made = create_app(
        {
            "DATABASE_URL": database_url,
            "FLOWS": [],
            "SCHEDULER": "off",
            "TESTING": True,
            "WTF_CSRF_ENABLED": False,
        }
    )
    made.jinja_env.bytecode_cache = compiled
    with made.app_context():
        share_compiled(db.engine)
        empty_database()
        try:
            yield made
        finally:
            db.session.remove()
            db.engine.dispose()


@pytest.fixture
def flow_tester(flow_tester: Any) -> Any:
    share_compiled(db.engine)
    return flow_tester


@pytest.fixture
def register(app: Any) -> Callable[[Any], Any]:
    """Make a flow known to the application; usable as a decorator."""

    def add(flow_class: Any) -> Any:
        app.extensions["portal_flows"].register(flow_class)
        init_db()
        return flow_class

    return add


@pytest.fixture
def session(app: Any) -> Any:
    return db.session()


@pytest.fixture
def make_user(app: Any) -> Callable[..., User]:
    """Make a person: `make_user("alice", "leave.can_approve", is_superuser=False)`."""

    def make(username: str = "alice", *permissions: str, **kwargs: Any) -> User:
        return create_user(username, permissions=permissions, **kwargs)

    return make


class Statements(list[str]):
    """The SQL that was sent."""

    def __str__(self) -> str:
        return "\n".join(f"{number}. {' '.join(sql.split())[:200]}" for number, sql in enumerate(self, 1))


@pytest.fixture
def count(app: Any) -> Callable[[], Any]:
    """`with count() as statements:` notes each SQL statement that is sent in the block."""

    @contextmanager
    def counting() -> Iterator[Statements]:
        statements = Statements()

        def note(_connection: Any, _cursor: Any, sql: str, *_rest: Any) -> None:
            if not sql.lstrip().upper().startswith(FRAME):
                statements.append(sql)

        event.listen(db.engine, "before_cursor_execute", note)
        try:
            yield statements
        finally:
            event.remove(db.engine, "before_cursor_execute", note)

    return counting
