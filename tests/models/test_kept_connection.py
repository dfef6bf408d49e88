"""A session finds its connection once in a transaction, and each new transaction has one of its own."""

from __future__ import annotations

import gc
import weakref

import pytest
from sqlalchemy import text

from portal.models import db

COUNT = text("SELECT count(*) FROM portal_user")
RENAME = text("UPDATE portal_user SET full_name = 'Changed'")


@pytest.mark.parametrize("end", ["commit", "rollback", "close", "reset"])
@pytest.mark.parametrize("bound", [False, True])
def test_the_next_transaction_is_the_session_s_own(app, make_user, end, bound):
    """Also on a connection that somebody else has opened, and that stays open behind the session."""
    make_user("bob")
    db.session.remove()
    with db.engine.connect() as opened:
        session = db.session.session_factory(**({"bind": opened} if bound else {}))
        first = session.connection()
        assert session.connection() is first
        first.execute(COUNT)
        getattr(session, end)()
        connection = session.connection()
        assert session.connection() is connection
        connection.execute(RENAME)
        session.rollback()
        changed = text("SELECT count(*) FROM portal_user WHERE full_name = 'Changed'")
        assert session.connection().scalar(changed) == 0
        session.close()


def test_a_savepoint_is_set_on_it(app, make_user):
    make_user("bob")
    session = db.session()
    session.rollback()
    session.connection()
    savepoint = session.begin_nested()
    session.connection().execute(RENAME)
    savepoint.rollback()
    assert not session.connection().scalar(
        text("SELECT count(*) FROM portal_user WHERE full_name = 'Changed'")
    )


def test_a_session_that_was_closed_waits_for_no_collection(app):
    gc.collect()
    gc.disable()
    try:
        session = db.session.session_factory()
        session.connection().execute(COUNT)
        session.close()
        seen = weakref.ref(session)
        del session
        assert seen() is None
    finally:
        gc.enable()
