"""Every test of the engine runs on each database, driven by the public tester or by programs."""

from __future__ import annotations

import threading
from contextvars import copy_context
from typing import Any

import pytest

from portal.models import db


@pytest.fixture(autouse=True)
def _on_each_database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_TEST_DATABASE_URL", database_url)
    monkeypatch.setenv("PORTAL_FLOWS", ",")  # none but those of the test


@pytest.fixture
def app(_on_each_database: None, flow_tester: Any) -> Any:
    """The tester's own application, so that one test can use both."""
    return flow_tester.app


@pytest.fixture
def at_once(app):
    """Call functions at the same moment, each in a thread with its own session; what they return or raise."""

    def call(*functions):
        barrier = threading.Barrier(len(functions))
        results = [None] * len(functions)

        def work(index, function):
            with app.app_context():
                barrier.wait(300)
                try:
                    results[index] = function()
                except Exception as error:
                    results[index] = error

        # Each in a context of its own, in which the test's clock holds.
        threads = [
            threading.Thread(target=copy_context().run, args=(work, *pair)) for pair in enumerate(functions)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(300)
        db.session.rollback()
        db.session.expire_all()
        return results

    db.session.rollback()
    return call
