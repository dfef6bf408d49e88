"""People sign in to a provider of OpenID Connect: a real one, on this machine."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import time

import pytest
import requests
import time_machine

from portal import create_app
from portal.administration import leaving
from portal.models import AuditRow, Role, User, create_user, db, find_user, init_db
from portal.web.writing import writing

BACK = "http://localhost/login/sso/back"


@pytest.fixture(scope="module")
def made(provider, tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('sso') / 'portal.sqlite'}"
    app = create_app(
        {
            "DATABASE_URL": url, "FLOWS": [], "SCHEDULER": "off", "TESTING": True, "WTF_CSRF_ENABLED": False,
            "OIDC_ISSUER": provider, "OIDC_CLIENT_ID": "portal", "OIDC_CLIENT_SECRET": "secret",
            "OIDC_TITLE": "Company account", "OIDC_ROLES_CLAIM": "realm_access.roles",
            "OIDC_ROLES": "finance-team -> Finance; it -> Administrators",
        }
    )  # fmt: skip
    with app.app_context():
        init_db()
    return app


@pytest.fixture
def app(made):
    from portal.testing.database import empty_database

    kept = made.extensions["portal"]
    with made.app_context():
        empty_database()
        yield made
        made.extensions["portal"] = kept
        db.session.remove()
        db.engine.dispose()


def directory(app, **changes):
    """Change what the settings say of the people of the provider."""
    settings = app.extensions["portal"]
    people = dataclasses.replace(settings.open_id.people, **changes)
    app.extensions["portal"] = dataclasses.replace(
        settings, open_id=dataclasses.replace(settings.open_id, people=people)
    )


def sign_in(app, provider, sub, onward="", **claims):
    """The browser of somebody who has signed in to the provider, and the last answer."""
    requests.put(f"{provider}/users/{sub}", json=claims, timeout=60).raise_for_status()
    client = app.test_client()
    asked = client.get("/login/sso", query_string={"next": onward})
    assert asked.location.startswith(f"{provider}/oauth2/authorize?")
    assert "code_challenge_method=S256" in asked.location
    given = requests.post(asked.location, data={"sub": sub}, allow_redirects=False, timeout=60)
    assert given.headers["Location"].startswith(BACK)
    return client, client.get(given.headers["Location"].removeprefix("http://localhost"))


def person(name):
    db.session.rollback()
    return find_user(db.session(), name)


def roles(name):
    return sorted(role.name for role in person(name).roles)


def audited():
    db.session.rollback()
    return [row.action for row in db.session.scalars(db.select(AuditRow).order_by(AuditRow.id))]


def groups(*names):
    return {"realm_access": {"roles": list(names)}}


def test_somebody_new_is_added_with_name_mail_and_roles_which_follow(app, provider):
    assert "Sign in with Company account" in app.test_client().get("/login").text
    claims = {"preferred_username": "alice", "name": "Alice Author", "email": "alice@example.com"}
    client, answer = sign_in(app, provider, "a-1", "/queue", **claims, **groups("finance-team", "other"))
    assert (answer.status_code, answer.location) == (303, "/queue")
    assert client.get("/inbox").status_code == 200
    alice = person("alice")
    assert (alice.full_name, alice.email, alice.password_hash) == ("Alice Author", "alice@example.com", None)
    assert roles("alice") == ["Finance"]
    assert sorted(audited()) == ["person.added", "person.changed", "person.linked", "person.roles", "sign-in"]
    alice.roles.append(Role(name="Readers", permissions=[]))
    db.session.commit()
    sign_in(
        app, provider, "a-1", **{**claims, "preferred_username": "other", "name": "Alice B."}, **groups("it")
    )
    assert (person("alice").full_name, person("other")) == ("Alice B.", None), "the subject says who it is"
    assert roles("alice") == ["Administrators", "Readers"], (
        "only the roles that are named in the settings follow"
    )


def test_whom_the_groups_do_not_let_in_is_deactivated_and_comes_back(app, provider):
    directory(app, allowed=("staff",))
    claims = {"preferred_username": "alice"}
    client, answer = sign_in(app, provider, "a-2", **claims, **groups("staff"))
    assert client.get("/inbox").status_code == 200
    other, answer = sign_in(app, provider, "a-2", **claims, **groups())
    assert answer.location == "/login"
    assert "may not use the portal" in other.get("/login").text
    assert (person("alice").is_active, client.get("/inbox").status_code) == (False, 303)
    assert sign_in(app, provider, "a-2", **claims, **groups("staff"))[1].location == "/inbox"
    assert person("alice").is_active
    assert {"person.deactivated", "person.reactivated", "sign-in.failed"} <= set(audited())
    sign_in(app, provider, "a-2", **claims, **groups())
    with writing() as session:
        leaving.reactivate(session, person("alice"), None)
    leaving.deactivate(db.session(), person("alice").id, None)
    assert sign_in(app, provider, "a-2", **claims, **groups("staff"))[1].location == "/login"
    assert sign_in(app, provider, "a-3", preferred_username="eve", **groups())[1].location == "/login"
    assert person("eve") is None


def test_nobody_becomes_somebody_who_is_here_unless_the_settings_say_how(app, provider):
    create_user("bob", "correct horse", email="bob@example.com", is_superuser=True)
    claims = {"preferred_username": "bob", "email": "bob@example.com"}
    client, answer = sign_in(app, provider, "b-1", **claims)
    assert (answer.location, client.get("/inbox").status_code) == ("/login", 303)
    directory(app, link="email")
    assert sign_in(app, provider, "b-1", **claims)[1].location == "/login", "the address is not verified"
    assert sign_in(app, provider, "b-1", **claims, email_verified=True)[1].location == "/inbox"
    directory(app, link="off", provision=False)
    assert sign_in(app, provider, "b-1", **claims)[1].location == "/inbox"
    assert sign_in(app, provider, "c-1", preferred_username="carl")[1].location == "/login"
    assert db.session.scalars(db.select(User.username)).all() == ["bob"]


def test_the_session_is_as_short_as_the_settings_say(app, provider):
    client, _answer = sign_in(app, provider, "d-1", preferred_username="dora")
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(hours=11)):
        assert client.get("/inbox").status_code == 200
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(hours=13)):
        db.session.rollback()
        assert client.get("/inbox").status_code == 303


@pytest.mark.parametrize(
    "query", ["", "code=x", "code=x&state=y", "error=access_denied&error_description=no"]
)
def test_an_answer_that_nobody_has_asked_for_signs_nobody_in(app, query):
    client = app.test_client()
    answer = client.get(f"/login/sso/back?{query}")
    assert (answer.status_code, answer.location) == (303, "/login")
    assert "did not work" in client.get("/login").text
    assert audited() == ["sign-in.failed"]


def test_the_code_of_another_browser_signs_nobody_in(app, provider):
    requests.put(f"{provider}/users/e-1", json={"preferred_username": "eve"}, timeout=60).raise_for_status()
    asked = app.test_client().get("/login/sso")
    given = requests.post(asked.location, data={"sub": "e-1"}, allow_redirects=False, timeout=60)
    victim = app.test_client()
    victim.get("/login/sso")
    assert victim.get(given.headers["Location"].removeprefix("http://localhost")).location == "/login"
    assert victim.get("/inbox").status_code == 303


def test_who_signs_in_elsewhere_gets_no_link_for_a_password(app, provider):
    sign_in(app, provider, "f-1", preferred_username="frank", email="f@example.com")
    app.test_client().post("/password", data={"username": "frank"})
    from portal.models import Outgoing

    assert db.session.scalars(db.select(Outgoing.user_id)).all() == [None]


def test_the_provider_ends_the_sessions_of_somebody(app, provider):
    from joserfc import jwt
    from joserfc.jwk import KeySet, RSAKey

    client, _answer = sign_in(app, provider, "g-1", preferred_username="gina")
    key = RSAKey.generate_key(2048, {"kid": "k"})
    oauth = app.extensions["portal_open_id"]
    kept = oauth.server_metadata.get("jwks")
    event = "http://schemas.openid.net/event/backchannel-logout"
    claims = {
        "iss": provider,
        "aud": "portal",
        "iat": int(time.time()),
        "jti": "1",
        "events": {event: {}},
        "sub": "g-1",
    }
    tell = app.test_client()

    def told(signed_by=key, **changes):
        token = jwt.encode({"alg": "RS256", "kid": "k"}, {**claims, **changes}, signed_by)
        return tell.post("/login/sso/logout", data={"logout_token": token}).status_code

    oauth.server_metadata["jwks"] = KeySet([key]).as_dict()
    try:
        other = RSAKey.generate_key(2048, {"kid": "k"})
        wrong = [{"iss": "http://x"}, {"aud": "x"}, {"iat": 1}, {"events": {}}, {"nonce": "n"}, {"sub": None}]
        assert [told(**each) for each in wrong] == [400] * 6
        assert [told(other), tell.post("/login/sso/logout").status_code] == [400, 400]
        assert client.get("/inbox").status_code == 200
        db.session.rollback()
        assert told() == 200
        db.session.rollback()
        assert client.get("/inbox").status_code == 303
        assert audited()[-1] == "session.ended"
    finally:
        oauth.server_metadata["jwks"] = kept


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"OIDC_ISSUER": "http://id.example.com", "OIDC_CLIENT_ID": "x"}, "begins with https://"),
        ({"OIDC_ISSUER": "https://id.example.com"}, "PORTAL_OIDC_CLIENT_ID is missing"),
        ({"OIDC_CLIENT_ID": "x"}, "PORTAL_OIDC_CLIENT_ID: there is no such setting"),
        ({"OIDC_ISSUER": "https://id.example.com", "OIDC_CLIENT_ID": "x", "OIDC_LINKS": "x"}, "PORTAL_OIDC_LINKS"),
        ({"OIDC_ISSUER": "https://id.example.com", "OIDC_CLIENT_ID": "x", "OIDC_ROLES": "a=b"}, "group -> role"),
        ({"OIDC_ISSUER": "https://id.example.com", "OIDC_CLIENT_ID": "x", "OIDC_ALLOWED": "a"}, "OIDC_ROLES_CLAIM"),
        ({"LDAP_URL": "ldap://ldap.example.com", "LDAP_BASE": "dc=x"}, "passwords would be sent as they are"),
        ({"REMOTE_USER_HEADER": "X-User"}, "PORTAL_TRUSTED_PROXIES"),
    ],
)  # fmt: skip
def test_wrong_settings_are_told(settings, told):
    base = {"TESTING": True, "DATABASE_URL": "sqlite://", "FLOWS": [], "SCHEDULER": "off"}
    with pytest.raises(ValueError, match=re.escape(told)):
        create_app({**base, **settings})
