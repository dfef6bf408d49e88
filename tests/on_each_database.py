"""The fixtures of tests that run on each database; of folders, in the tester's own application."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A test that asks for it runs once on each database."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture(autouse=True)
def _on_each_database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_TEST_DATABASE_URL", database_url)
    monkeypatch.setenv("PORTAL_FLOWS", ",")  # none but those of the test


@pytest.fixture
def app(_on_each_database: None, flow_tester: Any) -> Any:
    """The tester's own application, so that one test can use both."""
    return flow_tester.app
