"""What pytest calls: the fixture, the reasons in the report of a test that failed, and `--flow-coverage`."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask

if TYPE_CHECKING:
    from .tester import FlowTester

_COVERAGE = pytest.StashKey[Any]()
_OUTPUT = "portal_flow_coverage"


@pytest.fixture
def portal_app() -> Iterator[Flask]:
    """The application in which flows are driven, its context open: on a database of its own, in memory or
    `PORTAL_TEST_DATABASE_URL`. An application around the portal gives its own, in a fixture of this name."""
    from portal import create_app
    from portal.models import db, init_db

    from .database import empty_database

    url = os.environ.get("PORTAL_TEST_DATABASE_URL") or "sqlite://"
    app = create_app({"DATABASE_URL": url, "TESTING": True, "WTF_CSRF_ENABLED": False, "SCHEDULER": "off"})
    with app.app_context():
        if os.environ.get("PORTAL_TEST_DATABASE_URL"):
            empty_database()
        else:
            init_db()
        try:
            yield app
        finally:
            db.session.remove()
            held = app.extensions.get("portal_memory")
            if held is not None:
                held.close()
            for engine in db.engines.values():
                engine.dispose()


@pytest.fixture
def flow_tester(portal_app: Flask) -> Iterator[FlowTester]:
    """Drives flows in the application that `portal_app` gives."""
    from portal.engine.interpreter.step import propagating
    from portal.engine.transaction import clock

    from .tester import Clock, FlowTester

    moved = Clock()
    token = clock.set(moved)
    try:
        yield FlowTester(portal_app, moved)
    finally:
        clock.reset(token)
        propagating.set(frozenset())


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("portal")
    group.addoption(
        "--flow-coverage", nargs="?", const="flow-coverage", metavar="FOLDER",
        help="tell which ways of the flows no test has taken, with a picture of each flow in FOLDER "
        "(flow-coverage)",
    )  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    # the session writes by it what is not the author's, and nothing has taken its place: nobody's test has to mind it
    config.addinivalue_line(
        "filterwarnings",
        "ignore:The `objects` parameter of `Session.flush`:sqlalchemy.exc.SADeprecationWarning",
    )
    if config.getoption("--flow-coverage"):
        from .coverage import Coverage

        config.stash[_COVERAGE] = Coverage()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say beside a failure why the processes of the test wait."""
    report = yield
    tester = _tester_of(item)
    if tester is not None and call.when == "call" and report.failed and tester.runs:
        try:
            report.sections.append(("Flows", tester.explain()))
        except Exception as error:  # the database may be what has failed
            report.sections.append(("Flows", f"cannot be told: {error!r}"))
    return report


@pytest.hookimpl(tryfirst=True)  # while the fixture stands
def pytest_runtest_teardown(item: pytest.Item) -> None:
    coverage = item.config.stash.get(_COVERAGE, None)
    tester = _tester_of(item)
    if coverage is not None and tester is not None:
        coverage.note(tester.app)


def _tester_of(item: pytest.Item) -> FlowTester | None:
    found = getattr(item, "funcargs", {}).get("flow_tester")
    if found is None:
        return None
    from .tester import FlowTester

    return found if isinstance(found, FlowTester) else None


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of pytest-xdist hands over what it has noted."""
    coverage = session.config.stash.get(_COVERAGE, None)
    handed: Any = getattr(session.config, "workeroutput", None)
    if coverage is not None and handed is not None:
        handed[_OUTPUT] = coverage.plain()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    coverage = node.config.stash.get(_COVERAGE, None)
    if coverage is not None:
        coverage.add(getattr(node, "workeroutput", {}).get(_OUTPUT, []))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    coverage = config.stash.get(_COVERAGE, None)
    if coverage is None or hasattr(config, "workeroutput"):
        return
    folder = Path(config.getoption("--flow-coverage"))
    terminalreporter.section("flow coverage")
    for line in coverage.table():
        terminalreporter.write_line(line)
    terminalreporter.write_line(f"pictures: {len(coverage.draw(folder))} in {folder}")
