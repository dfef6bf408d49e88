"""One application on each database serves the whole of a file: a test makes processes of its own, no tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from portal import create_app
from portal.engine.transaction import clock
from portal.models import db
from portal.testing import Clock, FlowTester
from portal.testing.database import empty_database


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def tester(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowTester]:
    """Drives flows on a database; flows are registered by being passed to it."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('model') / 'portal.sqlite'}"
    else:
        url = request.getfixturevalue("postgresql")
    settings: dict[str, Any] = {"DATABASE_URL": url, "FLOWS": [], "SCHEDULER": "off", "TESTING": True}
    app = create_app(settings)
    moved = Clock()
    token = clock.set(moved)
    with app.app_context():
        empty_database()
        try:
            yield FlowTester(app, moved)
        finally:
            db.session.remove()
            clock.reset(token)
            db.engine.dispose()
