"""Signing in by mail, a forgotten password, and what a chosen one has to be."""

from __future__ import annotations

import datetime as dt
import re

import pytest
import time_machine

from portal.administration import passwords
from portal.engine import outbox
from portal.models import AuditRow, Outgoing, User, db, find_user
from portal.work import mail

CORRECT, BETTER = "correct horse", "seven green bicycles"


@pytest.fixture
def mails(app):
    """The mails that would leave now, each as (user name, address, subject, text); asked once for each."""

    def read():
        db.session.rollback()
        found = []
        for claimed in outbox.claim(db.session(), "mail"):
            made = mail.compose(db.session(), claimed, "http://localhost")
            outbox.drop(db.session(), claimed)
            if made is not None:
                message = mail.message(made, claimed, "http://localhost")
                found.append((made.user.username, message.to[0], made.subject, made.text))
        return found

    return read


def person(name):
    db.session.rollback()
    return find_user(db.session(), name)


def give_mail(**addresses):
    for name, address in addresses.items():
        person(name).email = address
        db.session.commit()


def sign_in(app, username, password=CORRECT):
    return app.test_client().post("/login", data={"username": username, "password": password}).status_code


def test_one_signs_in_by_the_mail_address_too_unless_two_have_it(app, people):
    give_mail(bob="Bob.Béla@Example.com", carol="both@example.com", dave="BOTH@example.com")
    assert [sign_in(app, each) for each in ("bob", "bob.bÉla@example.com", " BOB.BÉLA@EXAMPLE.COM ")] == [
        303
    ] * 3
    assert [sign_in(app, each) for each in ("both@example.com", "no@example.com", "@", "bob@\0")] == [422] * 4
    person("dave").is_active = False
    db.session.commit()
    assert sign_in(app, "both@example.com") == 303


def test_a_forgotten_password_is_chosen_anew_by_a_link_that_is_good_once_and_for_an_hour(app, people, mails):
    give_mail(bob="bob@example.com")
    client, asked = app.test_client(), []
    for said in ("bob@example.com", "Bob", "nobody@example.com", "dave", "nobody"):  # dave has no address
        answer = client.post("/password", data={"username": said})
        asked.append((answer.status_code, answer.location, client.get(answer.location).text))
    assert len(set(asked)) == 1, "the answer tells nobody who is here"
    assert db.session.scalar(db.select(db.func.count(Outgoing.id))) == 5, "and takes the same time"
    sent = mails()
    assert [(name, to) for name, to, *_ in sent] == [("bob", "bob@example.com")] * 2
    link = re.search(r"http://localhost(/password/\S+)", sent[0][3])[1]
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(minutes=61)):
        assert client.get(link).status_code == 404
    assert client.post(link, data={"password": "short", "again": "short"}).status_code == 422
    assert client.post(link, data={"password": BETTER, "again": BETTER}).location == "/inbox"
    assert [sign_in(app, "bob", each) for each in (CORRECT, BETTER)] == [422, 303]
    assert client.post(link, data={"password": CORRECT, "again": CORRECT}).status_code == 404
    assert [each[2] for each in mails()] == ["Your password was changed"]
    actions = db.session.scalars(db.select(AuditRow.action).order_by(AuditRow.id)).all()
    assert actions[:5] == ["password.asked"] * 5
    assert "password.chosen" in actions


def test_a_link_ends_with_the_mail_address_and_with_the_person(app, people, mails):
    give_mail(bob="bob@example.com")
    client = app.test_client()

    def link():
        client.post("/password", data={"username": "bob"})
        return re.search(r"http://localhost(/password/\S+)", mails()[-1][3])[1]

    first = link()
    assert client.get(first).status_code == 200
    give_mail(bob="other@example.com")
    assert client.get(first).status_code == 404
    second = link()
    client.post("/password", data={"username": "bob"})
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(minutes=90)):
        assert mails() == [], "a mail that comes too late is not sent"
    person("bob").is_active = False
    db.session.commit()
    assert client.get(second).status_code == 404


def test_a_new_mail_address_is_told_to_the_old_one(bob, people, mails):
    data = {"theme": "dark", "after": "list", "timezone": ""}
    assert bob.post("/profile", data={**data, "email": "bob@example.com"}).status_code == 303
    assert mails() == []
    assert bob.post("/profile", data={**data, "email": "new@example.com"}).status_code == 303
    assert [each[1:3] for each in mails()] == [("bob@example.com", "Your email address was changed")]
    row = db.session.scalars(db.select(AuditRow).order_by(AuditRow.id.desc())).first()
    assert (row.action, row.detail) == ("person.changed", {"fields": ["email"]})


def test_a_password_is_long_and_none_that_is_guessed_first():
    alice = User(username="alice.author", full_name="Alice Author", email="a.author@example.com")
    words = passwords.words_of(alice)
    refused = ["short", "elevenchars", "password1234", "aaaaaaaaaaaa", "123456789012", "qwertyuiop12", "1qaz2wsx3edc",
               "alice.author", "AuthorAuthor1", "geheimgeheim", "x" * 201]  # fmt: skip
    assert [each for each in refused if passwords.fault(each, 12, words) is None] == []
    good = [
        "correct horse battery",
        "sommer am see mit anna",
        "xkqzvbwmplrt",
        "ünïcödé wörds täste",
        "gh 12 gh 34 gh",
    ]
    assert [each for each in good if passwords.fault(each, 12, words) is not None] == []
    assert passwords.fault("elevenchars", 8, words) is None


def test_a_colleague_is_invited_by_mail_and_chooses_the_first_password(app, client_of, mails):
    erin = client_of("erin")
    page = erin.get("/admin/add-person").text
    assert re.search(r'<input[^>]*checked[^>]*name="invite"', page)
    data = {"username": "frank", "full_name": "Frank Free", "invite": "y"}
    answer = erin.post("/admin/add-person", data=data)
    assert (answer.status_code, person("frank")) == (422, None)
    assert "An invitation needs an email address." in answer.text
    assert erin.post("/admin/add-person", data={**data, "email": "f@example.com"}).status_code == 303
    assert erin.post("/admin/people/frank/invite").status_code == 303
    first, second = mails()
    assert first[1:3] == ("f@example.com", "You are invited to the portal")
    assert "erin has added you" in first[3]
    links = [re.search(r"http://localhost(/password/\S+)", each[3])[1] for each in (first, second)]
    browser = app.test_client()
    assert browser.post(links[0], data={"password": BETTER, "again": BETTER}).location == "/inbox"
    assert browser.get(links[1]).status_code == 404, "one is enough"
    assert "has a password already" in erin.post("/admin/people/frank/invite", follow_redirects=True).text
    actions = db.session.scalars(
        db.select(AuditRow.action).where(AuditRow.subject_id == str(person("frank").id))
    )
    assert [*actions][:4] == ["person.added", "person.invited", "person.invited", "password.chosen"]


def test_a_link_leads_to_a_page_in_the_language_of_its_receiver(app, client_of, mails):
    data = {
        "username": "frank",
        "full_name": "Frank",
        "invite": "y",
        "email": "f@example.com",
        "language": "de",
    }
    assert client_of("erin").post("/admin/add-person", data=data).status_code == 303
    person("frank").language = "de"
    db.session.commit()
    [mail] = mails()
    link = re.search(r"http://localhost(/password/\S+)", mail[3])[1]
    browser = app.test_client()
    page = browser.get(link, headers={"Accept-Language": "en"}).text
    assert '<html lang="de"' in page
    refused = browser.post(link, data={"password": "short", "again": "short"}).text
    assert '<html lang="de"' in refused


def test_people_are_invited_by_commands(app, people, mails, tmp_path):
    run = app.test_cli_runner().invoke
    assert "needs an email address" in run(args=["people", "add", "gina", "--invite"]).output
    assert person("gina") is None
    assert run(args=["people", "add", "gina", "--email", "g@example.com", "--invite"]).exit_code == 0
    file = tmp_path / "people.csv"
    file.write_text("username,email\nhugo,h@example.com\nida,\nbob,b@example.com\n")
    assert run(args=["people", "import", str(file), "--invite"]).exit_code == 0
    assert run(args=["people", "edit", "gina", "--invite"]).exit_code == 0
    assert sorted(each[0] for each in mails()) == ["gina", "gina", "hugo"]
