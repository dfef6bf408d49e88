"""Driving a flow in a test: the fixture `flow_tester`."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from .driver import Clock, FlowRun, FlowTester, TaskRun

__all__ = ["Clock", "FlowRun", "FlowTester", "TaskRun", "flow_tester"]


@pytest.fixture
def flow_tester() -> Iterator[FlowTester]:
    """Drives flows in an application on a database of its own: in memory, or `PORTAL_TEST_DATABASE_URL`."""
    from portal import create_app
    from portal.engine.interpreter.step import propagating
    from portal.engine.transaction import clock
    from portal.models import db, init_db

    from .database import empty_database

    url = os.environ.get("PORTAL_TEST_DATABASE_URL") or "sqlite://"
    app = create_app({"DATABASE_URL": url, "TESTING": True, "WTF_CSRF_ENABLED": False, "SCHEDULER": "off"})
    moved = Clock()
    token = clock.set(moved)
    with app.app_context():
        if os.environ.get("PORTAL_TEST_DATABASE_URL"):
            empty_database()
        else:
            init_db()
        try:
            yield FlowTester(app, moved)
        finally:
            db.session.remove()
            clock.reset(token)
            propagating.set(frozenset())
            held = app.extensions.get("portal_memory")
            if held is not None:
                held.close()
            for engine in db.engines.values():
                engine.dispose()
