"""Sessions end where they should, wherever their cookie is."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re

import pytest
import time_machine
from itsdangerous import BadSignature
from sqlalchemy import event, text

from portal import create_app
from portal.engine import writes
from portal.models import User, UserSession, db

PASSWORD = "correct horse"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def copied(app, client):
    """Another browser with the cookie of this one."""
    other = app.test_client()
    other.set_cookie("portal_session", client.get_cookie("portal_session").value)
    return other


def is_signed_in(client):
    db.session.rollback()  # as between two requests: what the last one read is over
    return client.get("/inbox").status_code == 200


def test_signing_out_ends_the_session_wherever_its_cookie_went(app, bob):
    thief = copied(app, bob)
    assert is_signed_in(thief)
    bob.post("/logout")
    assert not is_signed_in(thief)
    assert db.session.scalars(db.select(UserSession)).all() == []


@pytest.mark.parametrize("what", ["password", "is_active"])
def test_a_new_password_and_deactivation_end_all_sessions(app, bob, people, what):
    thief = copied(app, bob)
    if what == "password":
        people["bob"].set_password("another long password")
    else:
        people["bob"].is_active = False
    db.session.commit()
    assert not is_signed_in(bob)
    assert not is_signed_in(thief)


def test_to_sign_in_again_with_the_same_browser_ends_what_was_before(app, bob):
    before = copied(app, bob)
    bob.post("/login", data={"username": "bob", "password": PASSWORD})
    assert is_signed_in(bob)
    assert not is_signed_in(before)


def test_the_database_holds_nothing_that_opens_a_session(app, bob):
    with bob.session_transaction() as cookie:
        token = cookie["_user_id"]
    row = db.session.scalars(db.select(UserSession)).one()
    assert token not in {str(value) for value in vars(row).values()}


def test_a_session_ends_when_it_lies_idle_and_when_it_is_old(bob):
    begun = dt.datetime.now(dt.UTC)
    for days in (5, 10, 15, 20, 25):
        with time_machine.travel(begun + dt.timedelta(days=days)):
            assert is_signed_in(bob), days
    with time_machine.travel(begun + dt.timedelta(days=29, hours=23)):
        assert is_signed_in(bob)
    with time_machine.travel(begun + dt.timedelta(days=30, seconds=1)):
        assert not is_signed_in(bob)


def test_seven_idle_days_end_a_session(bob):
    begun = dt.datetime.now(dt.UTC)
    with time_machine.travel(begun + dt.timedelta(days=7, minutes=1)):
        assert not is_signed_in(bob)


def test_how_long_a_session_lasts_is_a_setting(app, people):
    settings = app.extensions["portal"]
    short = dataclasses.replace(
        settings, session_idle=dt.timedelta(hours=1), session_lifetime=dt.timedelta(hours=2)
    )
    app.extensions["portal"] = short
    begun = dt.datetime.now(dt.UTC)
    client = app.test_client()
    client.post("/login", data={"username": "bob", "password": PASSWORD})
    for minutes, signed_in in ((50, True), (100, True), (119, True), (121, False)):
        with time_machine.travel(begun + dt.timedelta(minutes=minutes)):
            assert is_signed_in(client) is signed_in, minutes


def test_what_has_ended_leaves_no_row(client_of):
    client_of("bob")
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(days=8)):
        client_of("dave")
    assert db.session.scalar(db.select(db.func.count(UserSession.id))) == 1


def test_a_page_costs_no_statement_more_and_writes_once_a_minute_at_most(bob, count):
    bob.get("/inbox")
    with count() as statements:
        bob.get("/inbox")
    assert sum("user_session" in each for each in statements) == 1, str(statements)
    assert not any(each.startswith(("UPDATE", "INSERT", "DELETE")) for each in statements)
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(minutes=2)), count() as statements:
        for _ in range(2):
            bob.get("/inbox")
            db.session.rollback()
    assert [each.split()[1] for each in statements if each.startswith("UPDATE")] == ["portal_user_session"]


def test_who_it_is_is_read_once_for_a_form_too(bob, count):
    with count() as statements:
        bob.post("/tasks/assign", data={"x": "y"})
    assert sum("FROM portal_user JOIN portal_user_session" in each for each in statements) == 1


def test_a_database_that_is_locked_keeps_no_page_from_being_read(app, bob):
    bob.get("/inbox")
    db.session.remove()
    waits = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: waits.append(args[2]))
    with db.engine.connect().execution_options(writes=True) as other:
        other.execute(text("DELETE FROM portal_sign_in_attempt"))
        with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(minutes=2)):
            assert bob.get("/inbox").status_code == 200
        other.rollback()
    assert "PRAGMA busy_timeout=5000" in waits  # the connection waits again as it did


def test_the_profile_lists_sessions_and_ends_one_or_all_others(app, bob, client_of):
    client_of("dave")
    others = []
    for _ in range(3):
        other = app.test_client()
        other.post(
            "/login", data={"username": "bob", "password": PASSWORD}, headers={"User-Agent": FIREFOX},
            environ_base={"REMOTE_ADDR": "192.0.2.7"},
        )  # fmt: skip
        others.append(other)
    page = bob.get("/profile").text
    assert page.count("Firefox on Linux</strong>") == 3
    assert page.count("192.0.2.7") == 3
    assert page.count("(this browser)") == 1
    numbers = re.findall(r'name="session" value="(\d+)"', page)
    assert len(numbers) == 3  # neither this one nor dave's
    bob.post("/profile/sessions", data={"session": numbers[0]})
    assert [is_signed_in(each) for each in others] == [True, True, False]
    bob.post("/profile/sessions", data={"others": "1"})
    assert [is_signed_in(each) for each in (*others, bob)] == [False, False, False, True]


@pytest.mark.parametrize("number", ["", "x", "-1", "9" * 30, "\0"])
def test_nobody_ends_the_session_of_another(bob, dave, number):
    mine = db.session.scalars(db.select(UserSession.id).order_by(UserSession.id)).all()[0]
    for each in (mine, number):
        assert dave.post("/profile/sessions", data={"session": each}).status_code == 303
    assert is_signed_in(bob)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (None, "portal_session"),
        ("https://portal.example.com", "portal_session"),
        ("https://portal.example.com:443/", "portal_session"),
        ("http://portal.example.com", "portal_session"),
        ("https://portal.example.com:8443", "portal_session_8443"),
        ("https://portal.example.com/test", "portal_session_test"),
        ("https://portal.example.com:8443/a/b", "portal_session_8443_a_b"),
    ],
)
def test_portals_on_one_host_have_cookies_of_their_own(url, name):
    base = {} if url is None else {"BASE_URL": url}
    app = create_app({"FLOWS": [], "SCHEDULER": "off", "TESTING": True, "DATABASE_URL": "sqlite://", **base})
    assert app.config["SESSION_COOKIE_NAME"] == name
    with app.app_context():
        app.extensions["portal_memory"].close()
        db.engine.dispose()


def test_a_cookie_is_signed_by_the_key_of_today(app):
    """The signer is kept, and made anew where the keys are others."""
    interface, kept = app.session_interface, app.secret_key
    try:
        before = interface.get_signing_serializer(app)
        assert interface.get_signing_serializer(app) is before
        app.secret_key = "tomorrow's"
        with pytest.raises(BadSignature):
            interface.get_signing_serializer(app).loads(before.dumps({"a": 1}))
        app.config["SECRET_KEY_FALLBACKS"] = [kept]
        assert interface.get_signing_serializer(app).loads(before.dumps({"a": 1})) == {"a": 1}
    finally:
        app.secret_key, app.config["SECRET_KEY_FALLBACKS"] = kept, None


def test_who_writes_reads_people_again_when_the_writing_begins(client_of, people, monkeypatch):
    """The person of a request is read ahead of its transaction: what others write between is not written over."""
    bob = people["bob"].id
    client = client_of("bob")
    begin = writes.begin
    db.session.rollback()  # as between two requests

    def late(session):
        with db.engine.begin() as other:
            other.execute(db.update(User).where(User.id == bob).values(preferences={"order": "step"}))
        return begin(session)

    with monkeypatch.context() as patched:
        patched.setattr(writes, "begin", late)
        assert (
            client.post("/profile", data={"language": "", "timezone": "", "theme": "dark"}).status_code == 303
        )
    kept = db.session.get_one(User, bob, populate_existing=True).preferences
    assert (kept["theme"], kept.get("order")) == ("dark", "step")
