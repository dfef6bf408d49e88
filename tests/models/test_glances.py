"""One statement that reads ahead of a transaction that writes begins none of its own."""

from __future__ import annotations

from sqlalchemy import event, text

from portal.models import User, db, glance


def is_in_transaction(connection):
    """Whether the driver has begun a transaction."""
    driver = connection.connection.dbapi_connection
    if connection.dialect.name == "sqlite":
        return driver.in_transaction
    return driver.info.transaction_status != driver.info.transaction_status.IDLE


def test_it_begins_no_transaction(session, make_user):
    make_user("bob")
    session.rollback()
    with glance(session) as connection:
        assert connection.scalar(text("SELECT count(*) FROM portal_user")) == 1
        assert not is_in_transaction(connection)
    assert not session.in_transaction()


def test_the_connection_is_as_before_for_the_next_one(session, make_user):
    session.rollback()
    for _ in range(3):
        with glance(session) as connection:
            connection.execute(text("SELECT 1"))
        make_user(f"bob{_}")  # writes, and commits
        session.add(User(username="nobody"))
        session.flush()
        assert is_in_transaction(session.connection())
        session.rollback()
        with db.engine.connect() as other:
            assert other.scalar(text("SELECT count(*) FROM portal_user WHERE username = 'nobody'")) == 0
            assert is_in_transaction(other)


def test_in_a_transaction_it_is_that_one_s(session):
    session.rollback()
    session.add(User(username="bob"))
    session.flush()
    with glance(session) as connection:
        assert connection is session.connection()
        assert connection.scalar(text("SELECT count(*) FROM portal_user")) == 1
    assert session.in_transaction()
    session.rollback()


def test_an_application_may_ask_each_connection_first(session):
    """As its own way to find out whether it lives; it has begun a transaction then."""
    session.rollback()

    def ask(connection):
        connection.scalar(text("SELECT 1"))

    event.listen(db.engine, "engine_connect", ask)
    try:
        with glance(session) as connection:
            assert connection.scalar(text("SELECT count(*) FROM portal_user")) == 0
    finally:
        event.remove(db.engine, "engine_connect", ask)
    assert not session.in_transaction()
