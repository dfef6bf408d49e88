"""Wrong passwords slow down who sends them, and lock nobody else out."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
import time_machine

from portal import create_app
from portal.models import SignInAttempt, create_user, db, init_db
from portal.web.accounts.throttle import network

RIGHT = "correct horse"


@pytest.fixture
def make_app(tmp_path):
    """Applications on one database, as the processes of a server have one each."""
    made = []

    def make(**more):
        app = create_app(
            {
                "DATABASE_URL": f"sqlite:///{tmp_path / 'throttled.sqlite'}", "FLOWS": [], "SCHEDULER": "off",
                "DATABASE_LOCK_TIMEOUT": 60,  # twenty write at once, on a machine that may be busy
                "TESTING": True, "THROTTLE": "on", "WTF_CSRF_ENABLED": False, "SECRET_KEY": "x" * 32, **more,
            }
        )  # fmt: skip
        with app.app_context():
            init_db()
        made.append(app)
        return app

    yield make
    for app in made:
        with app.app_context():
            db.engine.dispose()


@pytest.fixture
def app(make_app):
    app = make_app()
    with app.app_context():
        create_user("bob", RIGHT)
        db.session.remove()
    return app


def sign_in(where, password, username="bob", address="192.0.2.1"):
    """The answer to somebody who signs in with a browser, or with a new one of an application."""
    client = where.test_client() if hasattr(where, "test_client") else where
    data = {"username": username, "password": password}
    return client.post("/login", data=data, environ_base={"REMOTE_ADDR": address})


def codes(app, number, password="wrong", **more):
    return [sign_in(app, password, **more).status_code for _ in range(number)]


def test_ten_wrong_passwords_and_then_none_is_looked_at_for_a_quarter_of_an_hour(app):
    now = dt.datetime.now(dt.UTC)
    assert codes(app, 11) == [422] * 10 + [429]
    refused = sign_in(app, RIGHT)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 900
    assert "Too many attempts. Wait 15 minutes" in refused.text
    assert 'value="bob"' in refused.text
    with time_machine.travel(now + dt.timedelta(minutes=16)):
        assert sign_in(app, RIGHT).status_code == 303


def test_the_name_counts_however_it_is_typed(app):
    assert codes(app, 10, username=" BOB ") == [422] * 10
    assert codes(app, 1) == [429]


def test_a_name_that_nobody_bears_is_slowed_in_the_same_way(app):
    assert codes(app, 11, username="nobody") == [422] * 10 + [429]


def test_nobody_is_locked_out_by_who_fails_elsewhere(app):
    codes(app, 30, address="203.0.113.9")
    assert sign_in(app, RIGHT).status_code == 303


def test_an_office_behind_one_router_gets_in(app):
    with app.app_context():
        for number in range(30):
            create_user(f"person{number}", RIGHT)
    codes(app, 10)
    for number in range(30):
        assert sign_in(app, "mistyped", f"person{number}").status_code == 422
        assert sign_in(app, RIGHT, f"person{number}").status_code == 303


def test_the_right_password_forgets_what_was_mistyped(app):
    for _ in range(3):
        assert codes(app, 9) == [422] * 9
        assert sign_in(app, RIGHT).status_code == 303


def test_many_names_from_one_address_are_slowed(app):
    assert [sign_in(app, "wrong", f"name{n}").status_code for n in range(201)] == [422] * 200 + [429]
    assert sign_in(app, "wrong", "name", "192.0.2.2").status_code == 422


def test_many_addresses_against_one_name_are_slowed_but_not_the_browser_of_that_person(app):
    known = app.test_client()
    assert sign_in(known, RIGHT).status_code == 303
    known.post("/logout")
    spread = [sign_in(app, "wrong", address=f"203.0.113.{n}").status_code for n in range(101)]
    assert spread == [422] * 100 + [429]
    assert sign_in(app, RIGHT, address="198.51.100.1").status_code == 429
    assert sign_in(known, "mistyped").status_code == 422
    assert sign_in(known, RIGHT).status_code == 303


def test_a_known_browser_is_slowed_too_and_is_no_key_to_another_name(app):
    known = app.test_client()
    sign_in(known, RIGHT)
    assert codes(known, 11) == [422] * 10 + [429]
    with app.app_context():
        create_user("ann", RIGHT)
    assert codes(known, 11, username="ann") == [422] * 10 + [429]
    assert codes(app, 1, username="ann") == [429]  # counted by its address, as any other browser there


def test_processes_count_together(make_app, app):
    other = make_app()
    assert codes(app, 5) + codes(other, 6) == [422] * 10 + [429]


def test_of_many_at_the_same_moment_no_more_get_through_than_may(app):
    barrier, answers = threading.Barrier(20), []

    def guess():
        barrier.wait(300)
        answers.append(sign_in(app, "wrong").status_code)

    threads = [threading.Thread(target=guess) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert sorted(answers) == [422] * 10 + [429] * 10


def test_what_no_longer_counts_is_removed_and_no_name_is_kept(app):
    now = dt.datetime.now(dt.UTC)
    codes(app, 3, username="my password")
    with app.app_context():
        row = db.session.scalars(db.select(SignInAttempt)).first()
        assert "my password" not in str(vars(row))
    with time_machine.travel(now + dt.timedelta(minutes=16)):
        sign_in(app, "wrong")
    with app.app_context():
        assert db.session.scalar(db.select(db.func.count(SignInAttempt.id))) == 1


def test_the_current_password_of_a_profile_is_throttled_too(app):
    bob = app.test_client()
    sign_in(bob, RIGHT)
    data = {"current": "wrong", "password": "battery staple", "again": "battery staple"}
    answers = [bob.post("/profile", data=data) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [422] * 10 + [429]
    assert "Too many attempts" in answers[-1].text
    assert bob.post("/profile", data={**data, "current": RIGHT}).status_code == 429
    assert sign_in(app, RIGHT).status_code == 303


@pytest.mark.parametrize(
    ("address", "counts_as"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1:2:3:4", "2001:db8::/64"),
        ("2001:db8::9:9:9:9", "2001:db8::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("unix:", "unix:"),
    ],
)
def test_what_one_sender_can_choose_from_counts_as_one_address(address, counts_as):
    assert network(address) == counts_as


def test_nothing_is_throttled_in_tests_unless_it_is_asked_for(make_app):
    assert codes(make_app(THROTTLE="off"), 15) == [422] * 15
    assert (
        not create_app({"FLOWS": [], "TESTING": True, "DATABASE_URL": "sqlite://"})
        .extensions["portal"]
        .throttle
    )
