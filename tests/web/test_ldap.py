"""People of a directory of LDAP sign in: by the library's own directory for tests."""

from __future__ import annotations

import dataclasses

import ldap3
import pytest

from portal.administration.ldap_directory import LdapDirectory
from portal.models import AuditRow, create_user, db, find_user
from portal.sign_in_settings import read_ldap

BASE = "ou=people,dc=example,dc=com"


@pytest.fixture
def directory(app):
    """The directory of this application; `put` adds or changes somebody in it."""
    settings = read_ldap(
        {
            "LDAP_URL": "ldaps://ldap.example.com", "LDAP_BASE": BASE, "LDAP_BIND_DN": "cn=portal,dc=example,dc=com",
            "LDAP_BIND_PASSWORD": "secret", "LDAP_GROUPS": "memberOf", "LDAP_UNIQUE": "entryUUID",
            "LDAP_ROLES": "finance -> Finance; cn=it,ou=groups,dc=example,dc=com -> Admins", "LDAP_ALLOWED": "staff",
        }
    )  # fmt: skip
    server = ldap3.Server("mock")
    made = LdapDirectory(settings, server, ldap3.MOCK_SYNC)
    store = ldap3.Connection(server, client_strategy=ldap3.MOCK_SYNC).strategy
    store.add_entry("cn=portal,dc=example,dc=com", {"userPassword": "secret", "sn": "portal"})

    def put(uid, password="right one", groups=("staff",), **more):
        dn = f"uid={uid},{BASE}"
        store.remove_entry(dn)
        store.add_entry(
            dn,
            {
                "objectClass": "person", "uid": uid, "cn": uid.title(), "mail": f"{uid}@example.com",
                "userPassword": password, "entryUUID": f"id-{uid}",
                "memberOf": [f"cn={name},ou=groups,dc=example,dc=com" for name in groups], **more,
            },
        )  # fmt: skip

    made.put, made.remove = put, lambda uid: store.remove_entry(f"uid={uid},{BASE}")
    app.extensions["portal_ldap"] = made
    return made


def sign_in(app, username, password="right one"):
    return app.test_client().post("/login", data={"username": username, "password": password})


def person(name):
    db.session.rollback()
    return find_user(db.session(), name)


def test_the_directory_takes_the_password_and_says_who_it_is(app, directory):
    directory.put("alice", groups=("staff", "finance", "it"))
    assert sign_in(app, "alice").location == "/inbox"
    alice = person("alice")
    assert (alice.full_name, alice.email, alice.password_hash) == ("Alice", "alice@example.com", None)
    assert sorted(role.name for role in alice.roles) == ["Admins", "Finance"]
    row = db.session.scalars(db.select(AuditRow).order_by(AuditRow.id.desc())).first()
    assert (row.action, row.detail["way"]) == ("sign-in", "ldap")
    assert sign_in(app, "alice@example.com").location == "/inbox"
    for username, password in (
        ("alice", "wrong"), ("alice", ""), ("alice", "\0"), ("*", "right one"), ("al*", "right one"),
        ("alice)(uid=*", "right one"), ("nobody", "right one"), ("a\0b", "right one"),
    ):  # fmt: skip
        assert sign_in(app, username, password).status_code == 422, (username, password)


def test_groups_let_people_in_and_shut_them_out(app, directory):
    directory.put("bob", groups=())
    assert "may not use the portal" in sign_in(app, "bob").text
    assert person("bob") is None
    directory.put("bob")
    assert sign_in(app, "bob").location == "/inbox"
    directory.put("bob", groups=())
    assert sign_in(app, "bob").status_code == 422
    assert not person("bob").is_active


def test_a_password_that_is_kept_here_is_looked_at_here(app, directory):
    create_user("carol", "correct horse")
    create_user("dave")
    directory.put("carol")
    directory.put("dave")
    assert sign_in(app, "carol").status_code == 422
    assert sign_in(app, "carol", "correct horse").location == "/inbox"
    assert sign_in(app, "dave").location == "/inbox", "they were added ahead, and have no other password"
    page = app.test_client()
    page.post("/login", data={"username": "dave", "password": "right one"})
    assert "your password is not kept here" in page.get("/profile").text


def test_a_directory_that_is_away_is_told_and_keeps_nobody_else_out(app, directory):
    create_user("carol", "correct horse")
    wrong = dataclasses.replace(directory.settings, bind_password="wrong")
    app.extensions["portal_ldap"] = LdapDirectory(wrong, directory._server, ldap3.MOCK_SYNC)
    answer = sign_in(app, "alice")
    assert (answer.status_code, "directory refuses the portal" in answer.text) == (422, True)
    away = dataclasses.replace(directory.settings, url="ldap://127.0.0.1:1")
    app.extensions["portal_ldap"] = LdapDirectory(away)
    assert "does not answer" in sign_in(app, "alice").text
    assert sign_in(app, "carol", "correct horse").location == "/inbox"


def test_who_is_gone_there_is_deactivated_here_by_a_command(app, directory):
    def run(*more):
        return app.test_cli_runner().invoke(args=["people", "sync", *more])

    create_user("carol", "correct horse", is_superuser=True)
    assert "names nobody" in run().output
    for name in ("alice", "bob", "erin"):
        directory.put(name)
    sign_in(app, "alice")
    sign_in(app, "bob")
    directory.remove("alice")
    directory.put("bob", groups=())
    result = run()
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "alice is deactivated.", "bob is deactivated.", "2 people of the directory are not here.",
    ]  # fmt: skip
    assert not person("alice").is_active
    directory.put("alice")
    assert run("--add").output.splitlines()[:2] == ["erin is added.", "alice is reactivated."]
    assert person("carol").is_active, "who is not of the directory stays"
