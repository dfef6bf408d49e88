"""Signing in and out."""

import re

import pytest

from portal.engine.wishes import DEFAULTS
from portal.models import User, db

CORRECT = "correct horse"


def test_everything_asks_to_sign_in_and_leads_back(app, people):
    answer = app.test_client().get("/processes?flow=paper&q=a%20b")
    assert answer.status_code in (302, 303)
    assert answer.location == "/login?next=%2Fprocesses%3Fflow%3Dpaper%26q%3Da%2520b"


def test_signing_in_leads_to_the_inbox_or_on(app, people):
    client = app.test_client()
    answer = client.post("/login", data={"username": "bob", "password": CORRECT})
    assert (answer.status_code, answer.location) == (303, "/inbox")
    answer = client.post("/login", data={"username": "bob", "password": CORRECT, "next": "/queue?q=x"})
    assert answer.location == "/queue?q=x"


@pytest.mark.parametrize(
    "address",
    [
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "javascript:alert(1)",
        " /inbox",
        "evil.example",
        "///evil.example",
        "/%0a\x00/evil",
        "",
    ],
)
def test_a_bad_next_leads_to_the_inbox(app, people, address):
    answer = app.test_client().post("/login", data={"username": "bob", "password": CORRECT, "next": address})
    assert answer.location == "/inbox"


@pytest.mark.parametrize(
    ("username", "password"),
    [("bob", "wrong"), ("nobody", CORRECT), ("bob", ""), ("", ""), ("b\0b", CORRECT)],
)
def test_a_wrong_password_is_422_and_keeps_the_name(app, people, username, password):
    answer = app.test_client().post("/login", data={"username": username, "password": password})
    assert answer.status_code == 422
    assert "There is a problem" in answer.text
    if username == "bob":
        assert 'value="bob"' in answer.text
    assert 'value="correct horse"' not in answer.text


def test_unknown_and_known_names_are_refused_in_the_same_words(app, people):
    client = app.test_client()
    texts = {
        client.post("/login", data={"username": name, "password": "wrong"}).text.replace(name, "…")
        for name in ("bob", "nob")
    }
    assert len(texts) == 1


def test_someone_inactive_is_out_at_once(bob, people):
    people["bob"].is_active = False
    db.session.commit()
    assert bob.get("/inbox").status_code == 303
    assert bob.post("/login", data={"username": "bob", "password": CORRECT}).status_code == 422


def test_signing_out_needs_a_post(bob):
    assert bob.get("/logout").status_code == 405
    assert bob.get("/inbox").status_code == 200
    assert bob.post("/logout").location == "/login"
    assert bob.get("/inbox").status_code == 303


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(app, people):
    answer = app.test_client().post("/login", data={"username": "bob", "password": CORRECT})
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_tries_are_throttled_outside_of_tests(tmp_path):
    from portal import create_app
    from portal.models import init_db

    url = f"sqlite:///{tmp_path / 'throttled.sqlite'}"
    app = create_app(
        {"DATABASE_URL": url, "FLOWS": [], "SCHEDULER": "off", "WTF_CSRF_ENABLED": False, "SECRET_KEY": "x"}
    )
    with app.app_context():
        init_db()
        client = app.test_client()
        codes = [
            client.post("/login", data={"username": "bob", "password": "x"}).status_code for _ in range(11)
        ]
        db.engine.dispose()
    assert codes[0] == 422
    assert codes[-1] == 429


def test_a_profile_is_kept(bob, people):
    answer = bob.post(
        "/profile",
        data={
            "full_name": "Bob Reviewer", "theme": "dark", "after": "next", "timezone": "Europe/Berlin",
            "email": " bob@example.com", "notices-late": "y", "notices-queue": "y",
        },
    )  # fmt: skip
    assert (answer.status_code, answer.location) == (303, "/profile")
    page = bob.get("/profile").text
    assert 'data-bs-theme="dark"' in page
    assert "data-single-keys" not in page
    assert "Bob Reviewer" in page
    assert people["bob"].preferences == {
        "theme": "dark", "after": "next", "keys": False, "timezone": "Europe/Berlin",
        "follow": False, "digest": False, "queue_flows": [], "notices_portal": dict.fromkeys(DEFAULTS, False),
        "notices": {**dict.fromkeys(DEFAULTS, False), "late": True, "queue": True},
    }  # fmt: skip
    assert people["bob"].email == "bob@example.com"
    assert re.search(r'<input[^>]*checked[^>]*name="notices-queue"', page)
    assert not re.search(r'<input[^>]*checked[^>]*name="notices-due"', page)


def test_someone_who_has_chosen_nothing_is_told_of_all_but_the_queue(bob):
    page = bob.get("/profile").text
    assert re.findall(r'<input[^>]*checked[^>]*name="notices-(\w+)"', page) == [
        "assigned", "mention", "comment", "due", "late", "finished", "failed"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "address",
    ["bob", "bob@", "a b@example.com", "b@example.com\r\nBcc: e@example.com", "x" * 250 + "@a.example"],
)
def test_what_is_no_mail_address_is_422_and_kept_in_the_form(bob, people, address):
    data = {"theme": "dark", "after": "list", "timezone": "", "email": address}
    answer = bob.post("/profile", data=data)
    assert answer.status_code == 422
    assert "alice@example.com" in answer.text or "254" in answer.text
    assert people["bob"].email is None


def test_a_profile_that_is_not_valid_comes_back_whole(bob):
    answer = bob.post(
        "/profile", data={"full_name": "Bobby", "theme": "pink", "after": "list", "timezone": ""}
    )
    assert answer.status_code == 422
    assert 'value="Bobby"' in answer.text


def test_a_new_password_ends_other_sessions(client_of):
    here, elsewhere = client_of("bob"), client_of("bob")
    data = {"current": CORRECT, "password": "battery staple", "again": "battery staple"}
    assert here.post("/profile", data=data).status_code == 303
    assert here.get("/inbox").status_code == 200
    assert elsewhere.get("/inbox").status_code == 303
    assert db.session.scalar(db.select(User).where(User.username == "bob")).check_password("battery staple")


@pytest.mark.parametrize(
    "data",
    [
        {"current": "wrong", "password": "battery staple", "again": "battery staple"},
        {"current": CORRECT, "password": "short", "again": "short"},
        {"current": CORRECT, "password": "battery staple", "again": "battery stable"},
    ],
)
def test_a_password_is_not_changed_by_mistake(bob, data):
    assert bob.post("/profile", data=data).status_code == 422
    assert bob.get("/inbox").status_code == 200


@pytest.mark.parametrize(
    ("address", "onward"), [("/tasks/1/execute", "/tasks/1/execute"), ("/tasks/assign", "/inbox")]
)
def test_a_post_of_a_stranger_leads_to_a_page_afterwards(app, people, address, onward):
    from urllib.parse import quote

    answer = app.test_client().post(address)
    assert (answer.status_code, answer.location) == (303, f"/login?next={quote(onward, safe='')}")
