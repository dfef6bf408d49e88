"""Driving a flow in a test: the fixture `flow_tester`."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from flask import Flask

from .driver import Clock, FlowRun, FlowTester, TaskRun

__all__ = ["Clock", "FlowRun", "FlowTester", "TaskRun", "flow_tester", "portal_app"]


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

    moved = Clock()
    token = clock.set(moved)
    try:
        yield FlowTester(portal_app, moved)
    finally:
        clock.reset(token)
        propagating.set(frozenset())
