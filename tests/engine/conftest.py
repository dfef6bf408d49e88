"""Every test of the engine runs on each database, driven by the public tester or by programs."""

from __future__ import annotations

import threading
from contextvars import copy_context

import pytest
from on_each_database import _on_each_database, app

from portal.models import db

__all__ = ["_on_each_database", "app"]


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
