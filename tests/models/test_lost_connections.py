"""A connection of the pool is asked whether it lives where there is a reason to ask."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from portal.models import db, lost_connections


@pytest.fixture
def database_url(postgresql):
    return postgresql


@pytest.fixture
def pings(session, monkeypatch):
    session.rollback()
    db.engine.dispose()  # its pool gives the connections of other tests in turn
    asked, ping = [], db.engine.dialect.do_ping
    monkeypatch.setattr(db.engine.dialect, "do_ping", lambda each: (asked.append(each), ping(each)))
    return asked


def backend():
    with db.engine.connect() as connection:
        return connection.scalar(text("SELECT pg_backend_pid()"))


def test_one_that_was_just_used_is_not_asked(pings):
    assert backend() == backend() == backend()
    assert pings == []


def test_one_that_was_idle_for_long_is(pings, monkeypatch):
    first = backend()
    monkeypatch.setattr(lost_connections, "SILENCE", 0.0)
    assert backend() == first
    assert len(pings) == 1


@pytest.mark.parametrize("idle", [5.0, 0.0])
def test_one_that_the_server_has_ended_is_replaced(pings, monkeypatch, idle):
    monkeypatch.setattr(lost_connections, "SILENCE", idle)
    with db.engine.connect() as other:
        first = backend()
        other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": first})
        pings.clear()
        assert backend() != first
        assert len(pings) == 1
