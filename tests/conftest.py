"""An application on each database, and people to act in it."""

from __future__ import annotations

import datetime as dt
import gc
import os
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import on_each_database
import pytest
from applications import Applications, keep_compiled, spare_the_disk
from brokers import broker  # noqa: F401  a fixture
from commands import command_here  # noqa: F401  a fixture
from postgresql import new_database, shared_server
from providers import provider  # noqa: F401  a fixture
from sqlalchemy import event

from portal.engine import batches
from portal.engine.transaction import clock
from portal.models import User, create_user, db, init_db
from portal.testing import Clock, FlowTester

# The workers, and the many programs that tests start, read what was compiled once; else each compiles all of it anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

pytest_plugins = ["pytester"]
#: what opens and closes a transaction, and is no statement of ours
FRAME = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")
#: the folders and files that take long: `slow`, as single tests elsewhere are marked
SLOW = (
    "browser",
    "celery/test_brokers.py",
    "chaos/test_chaos.py",
    "deploy",
    "guide/test_celery.py",
    "model/test_engine_model.py",
    "schema/test_own_tables.py",
    "types/test_checkers.py",
    "work/test_workers.py",
)
#: what the databases do differently: locks, plans, types, and the schema. Here each test runs on both in every run;
#: of the others that do, PostgreSQL's turn is `slow`.
ON_BOTH = (
    *(f"engine/test_{name}.py" for name in (
        "batched_queue", "batches", "budgets", "claim_plans", "claims", "concurrency", "frozen", "races", "statements",
    )),
    "models",
    "schema",
    "work",
)  # fmt: skip
#: what takes longest, and most of that waits for servers and browsers. One worker begins with it, while the others
#: compute: begun late, its last test would run alone at the end.
FIRST = (
    "browser", "celery/test_brokers.py", "chaos/test_chaos.py", "deploy", "flows/test_demo.py", "test_packages.py",
    "types",
)  # fmt: skip


@pytest.hookimpl(tryfirst=True)  # ahead of `-m "not slow"`
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    tests = Path(__file__).parent
    slow, on_both, first = (tuple(str(tests / name) for name in names) for names in (SLOW, ON_BOTH, FIRST))
    items.sort(key=lambda item: not str(item.path).startswith(first))
    there = {item.nodeid for item in items}
    for item in items:
        again = "[postgresql" in item.nodeid and item.nodeid.replace("[postgresql", "[sqlite") in there
        if str(item.path).startswith(slow) or (again and not str(item.path).startswith(on_both)):
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """What is imported and collected stays: the collector would look through it again and again for nothing."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """Look through what was imported and collected, which stays, no more, and seldom through what tests leave."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Any]:
    server = shared_server()
    yield server
    server.cleanup()


@pytest.fixture(scope="session")
def postgresql(postgresql_server: Any) -> str:
    """The URL of a PostgreSQL database of this worker's own."""
    return new_database(postgresql_server, os.environ.get("PYTEST_XDIST_WORKER", "master"))


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of an SQLite database of this worker's own."""
    return f"sqlite:///{tmp_path_factory.mktemp('sqlite') / 'portal.sqlite'}"


database_url = on_each_database.database_url


@pytest.fixture(scope="session", autouse=True)
def _spared(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What a run does once or not at all, whoever makes applications."""
    base = tmp_path_factory.getbasetemp()
    templates = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "templates"
    templates.mkdir(exist_ok=True)
    keep_compiled(templates)
    spare_the_disk()


@pytest.fixture(scope="session", autouse=True)
def _patience() -> Iterator[None]:
    """What a busy machine takes meanwhile ends no batch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "LONGEST", 300.0)
        yield


@pytest.fixture(scope="session")
def applications() -> Iterator[Applications]:
    """The applications that the tests of this worker share."""
    made = Applications()
    yield made
    made.close()


@pytest.fixture
def app(database_url: str, applications: Applications) -> Iterator[Any]:
    """An application without flows on an empty database; its context is open during the test."""
    with applications.lend(DATABASE_URL=database_url, FLOWS=[]) as made:
        yield made


@pytest.fixture
def flow_tester(applications: Applications) -> Iterator[FlowTester]:
    """The public fixture of this name, in an application that tests share."""
    url = os.environ.get("PORTAL_TEST_DATABASE_URL") or "sqlite://"
    moved = Clock()
    token = clock.set(moved)
    try:
        with applications.lend(DATABASE_URL=url) as made:
            yield FlowTester(made, moved)
    finally:
        clock.reset(token)


@pytest.fixture
def register(app: Any) -> Callable[[Any], Any]:
    """Make a flow known to the application; usable as a decorator."""

    def add(flow_class: Any) -> Any:
        app.extensions["portal_flows"].register(flow_class)
        init_db()
        return flow_class

    return add


@pytest.fixture
def still(time_machine: Any) -> None:
    """The clock stands, but for what the test moves it: a machine that is busy takes its time."""
    time_machine.move_to(dt.datetime.now(dt.UTC), tick=False)


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
