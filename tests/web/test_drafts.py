"""What was typed is kept until its form is accepted, and start forms start once."""

from __future__ import annotations

import datetime as dt
import re
import threading

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError
from werkzeug.test import encode_multipart
from wtforms import Form, PasswordField, StringField

from portal import flow, jsonstore, this, views
from portal.engine import drafts
from portal.engine.queue import timers
from portal.models import Draft, ParkedForm, Process, StartKey, Task, db, utcnow
from portal.web.drafts import kept

START = "/flows/paper/start/start"
WORDS = {"title": "On bees, and much more", "pages": "abc"}


class ThingProcess(Process):
    name = jsonstore.StringField("Name", required=True)
    count = jsonstore.IntegerField("Count")
    sure = jsonstore.BooleanField("Sure", default=True)
    colour = jsonstore.ChoiceField("Colour", choices=[("r", "Red"), ("b", "Blue")])
    note = jsonstore.TextField("Note", max_length=10)


class ThingFlow(flow.Flow):
    process_class = ThingProcess
    start = flow.Start(views.CreateProcessView.as_view(fields=["name"])).Next(this.edit)
    edit = (
        flow.View(views.UpdateProcessView.as_view(fields=["name", "count", "sure", "colour", "note"]))
        .Permission(auto_create=True)
        .OnTimeout(dt.timedelta(hours=1), this.late)
        .Next(this.end)
    )
    late = flow.ManualTask().Next(this.end)
    end = flow.End()


class ChosenProcess(Process):
    colour = jsonstore.ChoiceField("Colour", choices=[("r", "Crimson"), ("b", "Blue")])


class ChosenFlow(flow.Flow):
    process_class = ChosenProcess
    start = (
        flow.Start(views.CreateProcessView.as_view(fields=["colour"]))
        .Permission(auto_create=True)
        .Next(this.end)
    )
    end = flow.End()


@pytest.fixture
def thing(register, people, client_of):
    """A task of bob's, his browser, and the task's address."""
    register(ThingFlow)
    for who in ("bob", "dave"):
        people[who].permissions = [*people[who].permissions, "thing.can_edit"]
    db.session.commit()
    process = views.submit(ThingFlow.start, people["bob"], name="A")
    task = process.tasks[1]
    bob = client_of("bob")
    bob.post(f"/tasks/{task.id}/assign")
    return task.id, bob, f"/tasks/{task.id}/execute"


def draft_of(user, place):
    db.session.rollback()
    return drafts.read(db.session(), user.id, place)


def hidden(page):
    return dict(re.findall(r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page))


def processes():
    db.session.rollback()
    return db.session.scalar(db.select(db.func.count(Process.id)))


# -- refusals


def test_a_refused_form_is_there_again_as_it_was_typed(alice, people):
    assert alice.post(START, data=WORDS).status_code == 422
    page = alice.get(START).text
    assert 'value="On bees, and much more"' in page
    assert 'value="abc"' in page, "what is no number is what was typed"
    assert "restored" in page
    assert "Discard draft" in page
    assert "invalid-feedback" not in page, "nothing was sent yet"


def test_a_draft_goes_when_the_form_is_accepted(alice, people):
    alice.post(START, data=WORDS)
    assert alice.post(START, data={"title": "T", "pages": "1"}).status_code == 303
    assert draft_of(people["alice"], START) is None
    assert "restored" not in alice.get(START).text


def test_a_tick_that_was_taken_away_and_a_choice_come_back(thing):
    _, bob, address = thing
    typed = {"name": "B", "count": "many", "colour": "b", "note": "longer than ten"}
    assert bob.post(address, data=typed).status_code == 422
    page = bob.get(address).text
    assert 'value="many"' in page
    assert "longer than ten" in page
    assert re.search(r'<option selected value="b">', page) or re.search(
        r'value="b"[^>]*(checked|selected)', page
    )
    assert not re.search(r'name="sure"[^>]*checked', page)


def lose_by_giving_back(bob, task_id, client_of):
    bob.post(f"/tasks/{task_id}/unassign")


def lose_by_take_over(bob, task_id, client_of):
    bob.post(f"/tasks/{task_id}/reassign", data={"user": "dave"})


def lose_by_deadline(bob, task_id, client_of):
    later = utcnow() + dt.timedelta(hours=2)
    token = timers.clock.set(lambda: later)
    try:
        for each in timers.claim_due(db.session(), later, 20):
            timers.fire_claimed(db.session(), each)
    finally:
        timers.clock.reset(token)


def lose_by_cancel(bob, task_id, client_of):
    client_of("erin").post(f"/tasks/{task_id}/cancel")


@pytest.mark.parametrize(
    ("lose", "code"),
    [(lose_by_giving_back, 409), (lose_by_take_over, 403), (lose_by_deadline, 409), (lose_by_cancel, 409)],
)
def test_what_is_typed_into_a_task_that_is_gone_is_on_the_page_and_a_draft(
    thing, people, client_of, lose, code
):
    task_id, bob, address = thing
    lose(bob, task_id, client_of)
    answer = bob.post(address, data={"name": "B", "count": "", "colour": "b", "note": "<mine>"})
    assert answer.status_code == code
    assert "What you typed" in answer.text
    assert "&lt;mine&gt;" in answer.text
    assert "<dt>Colour</dt><dd>Blue</dd>" in answer.text
    assert dict(draft_of(people["bob"], address).typed)["note"] == "<mine>"
    again = bob.get(address)
    assert (again.status_code, "&lt;mine&gt;" in again.text) == (code, True), "it can be copied later too"


@pytest.mark.parametrize("seen", [True, False])
def test_an_input_that_came_behind_the_draft_shows_what_is_stored(thing, people, seen):
    task_id, bob, address = thing
    process = db.session.get_one(Task, task_id).process
    process.sure, process.count = True, 7
    db.session.commit()
    known = " ".join(each for each in hidden(bob.get(address).text)["_seen"].split() if "sure" not in each)
    typed = [["name", "Typed"], ["count", ""], ["colour", ""], *([["_seen", known]] if seen else [])]
    drafts.save(db.session(), people["bob"].id, address, task_id, typed)
    page = bob.get(address).text
    assert 'value="Typed"' in page
    tick = re.search('<input[^>]*name="sure"[^>]*>', page)[0]
    assert ("checked" in tick) is seen, (
        "a draft that says what it saw has not seen this, and took no tick away"
    )
    assert "sure:" in hidden(page)["_seen"], "from now on it is known what they see"
    assert 'value="7"' not in page, "what was emptied stays empty"


def test_nobody_else_reads_a_draft(thing, people, client_of):
    task_id, bob, address = thing
    bob.post(f"/tasks/{task_id}/draft", data={"note": "private words"})
    lose_by_take_over(bob, task_id, client_of)
    for who in ("dave", "erin", "carol"):
        assert "private words" not in client_of(who).get(address).text


def test_a_broken_view_keeps_what_was_typed(app, client_of, people, register):
    def broken(activation):
        raise RuntimeError("broken")

    class BreakingFlow(flow.Flow):
        start = flow.Start(views.CreateProcessView.as_view(fields=[])).Next(this.work)
        work = flow.View(broken).Next(this.end)
        end = flow.End()

    register(BreakingFlow)
    process = views.submit(BreakingFlow.start, people["erin"])
    erin = client_of("erin")
    address = f"/tasks/{process.tasks[1].id}/execute"
    erin.post(address.replace("execute", "assign"))
    app.config["PROPAGATE_EXCEPTIONS"] = False
    answer = erin.post(address, data={"story": "long story", "new_password": "s3cret"})
    assert answer.status_code == 500
    assert "long story" in answer.text
    assert "s3cret" not in answer.text
    assert draft_of(people["erin"], address).typed == [["story", "long story"]]


def test_a_form_with_too_large_a_body_keeps_its_texts(app, alice, people):
    app.config["MAX_CONTENT_LENGTH"] = 1000
    answer = alice.post(START, data={"title": "x" * 5000})
    assert answer.status_code == 413
    assert "x" * 5000 in answer.text
    assert draft_of(people["alice"], START) is not None


@pytest.mark.parametrize("who", ["alice", "nobody"])
def test_of_a_form_of_countless_fields_nothing_is_read(app, client_of, monkeypatch, who):
    """To take apart millions of fields would take a gigabyte, and a server's thread for a minute."""
    monkeypatch.setattr("portal.web.limits.MOST_FIELDS", 5000)
    browser = client_of("alice") if who == "alice" else app.test_client()
    sent = {"data": "title=T&" + "a&" * 5001, "content_type": "application/x-www-form-urlencoded"}
    answer = browser.post(START, **sent)
    assert answer.status_code == 413
    assert "What you typed" not in answer.text
    assert browser.post("/tasks/assign", **sent).status_code == 413


def test_of_who_is_not_signed_in_less_is_read(app, people, monkeypatch):
    monkeypatch.setattr("portal.web.limits.STRANGERS_BYTES", 1_000_000)
    app.config["MAX_CONTENT_LENGTH"] = 500_000
    title = "x" * 900_000
    answer = app.test_client().post(START, data={"title": title})
    assert answer.status_code == 413
    assert title in answer.text
    answer = app.test_client().post(START, data={"title": title * 2})
    assert answer.status_code == 413
    assert "xxx" not in answer.text


def test_what_is_too_long_for_a_draft_is_said(app, alice, people, monkeypatch):
    monkeypatch.setattr("portal.web.drafts.kept.LARGEST", 100)
    answer = alice.post("/flows/paper/start/start/draft", data={"title": "x" * 200})
    assert answer.status_code == 413
    assert "too long" in answer.json["text"]
    assert draft_of(people["alice"], START) is None


def test_password_inputs_of_a_form_are_not_kept(register, people, client_of):
    class Secretive(Form):
        name = StringField("Name")
        code = PasswordField("Code")

        def validate(self, *args, **kwargs):
            return False

    class SecretFlow(flow.Flow):
        start = flow.Start(views.CreateProcessView.as_view(form_class=Secretive)).Next(this.end)
        end = flow.End()

    register(SecretFlow)
    dave, address = client_of("dave"), "/flows/secret/start/start"
    dave.post(address, data={"name": "n", "code": "1234"})
    assert draft_of(people["dave"], address).typed == [["name", "n"]]
    dave.post("/logout")
    dave.post(address, data={"name": "n2", "code": "1234"})
    assert db.session.scalars(select(ParkedForm)).one().typed == [["name", "n2"]]


# -- by script


def test_the_script_saves_and_another_machine_has_it(alice, client_of, people):
    saved = alice.post(f"{START}/draft", data={"title": "Half a ti", "_start": "k", "csrf_token": "x"})
    assert saved.status_code == 200
    assert saved.json["saved"]
    assert draft_of(people["alice"], START).typed == [["title", "Half a ti"]]
    alice.post("/logout")
    assert "Half a ti" in client_of("alice").get(START).text


def test_a_draft_is_discarded_without_a_script(alice, people):
    alice.post(f"{START}/draft", data={"title": "Half a ti"})
    answer = alice.post(f"{START}/draft", data={"discard": "1"})
    assert (answer.status_code, answer.location) == (303, START)
    assert draft_of(people["alice"], START) is None


def test_a_save_that_comes_behind_its_form_is_no_draft(alice, thing, people):
    key = hidden(alice.get(START).text)["_start"]
    alice.post(START, data={"title": "T", "pages": "1", "_start": key})
    assert alice.post(f"{START}/draft", data={"title": "T", "_start": key}).status_code == 409
    assert draft_of(people["alice"], START) is None
    task_id, bob, address = thing
    assert bob.post(address, data={"name": "B"}).status_code == 303
    assert bob.post(f"/tasks/{task_id}/draft", data={"name": "B"}).status_code == 409


def test_a_save_that_its_form_overtakes_leaves_no_draft(alice, thing, people, client_of, monkeypatch):
    task_id, bob, address = thing
    form = {"title": "T", "pages": "1", "_start": hidden(alice.get(START).text)["_start"]}
    again = {"alice": client_of("alice"), "bob": client_of("bob")}
    keep = kept.keep

    def overtaken_by(who, place, data):
        """The form is accepted while its draft is on the way."""

        def late():
            accepted = threading.Thread(target=lambda: again[who].post(place, data=data))
            db.session.rollback()
            accepted.start()
            accepted.join()
            return keep()

        monkeypatch.setattr(kept, "keep", late)

    overtaken_by("alice", START, form)
    assert alice.post(f"{START}/draft", data=form).status_code == 409
    assert draft_of(people["alice"], START) is None
    overtaken_by("bob", address, {"name": "B"})
    assert bob.post(f"/tasks/{task_id}/draft", data={"name": "B"}).status_code == 409
    assert draft_of(people["bob"], address) is None


@pytest.mark.parametrize(
    "address", ["/tasks/999/draft", "/flows/none/start/start/draft", f"/tasks/{2**64}/draft"]
)
def test_there_is_no_draft_of_what_is_not_there(alice, address):
    assert alice.post(address, data={"x": "y"}).status_code == 404


def test_there_is_no_draft_of_what_one_may_not_see(dave, submit, open_task):
    assert dave.post(f"/tasks/{open_task(submit()).id}/draft", data={"x": "y"}).status_code == 403
    assert dave.post(f"{START}/draft", data={"x": "y"}).status_code == 403


# -- without a session


def test_a_form_sent_without_a_session_is_there_after_signing_in(alice, people):
    alice.post("/logout")
    answer = alice.post(START, data=WORDS)
    assert answer.status_code == 303
    assert answer.location == "/login?next=%2Fflows%2Fpaper%2Fstart%2Fstart"
    onward = alice.post(answer.location, data={"username": "alice", "password": "correct horse"})
    assert onward.location == START
    assert "On bees, and much more" in alice.get(START).text
    assert db.session.scalar(db.select(db.func.count()).select_from(ParkedForm)) == 0


def sign_in(browser, who):
    return browser.post("/login", data={"username": who, "password": "correct horse"})


def test_of_many_rows_sent_without_a_session_nothing_is_lost(app, alice, people):
    alice.post("/logout")
    rows = {f"row-{number}": f"text {number}" for number in range(1300)}
    boundary, body = encode_multipart({**rows, **WORDS})
    sent = {"data": body, "content_type": f"multipart/form-data; boundary={boundary}"}
    assert alice.post(START, **sent).status_code == 303
    sign_in(alice, "alice")
    typed = dict(draft_of(people["alice"], START).typed)
    assert len(typed) == 1302
    assert typed["row-1299"] == "text 1299"


def test_another_person_at_that_browser_does_not_get_it(alice, people):
    alice.post("/logout")
    alice.post(START, data=WORDS)
    sign_in(alice, "erin")
    assert "On bees" not in alice.get(START).text
    alice.post("/logout")
    sign_in(alice, "alice")
    assert "On bees" in alice.get(START).text


def test_a_session_that_was_ended_elsewhere_is_known_too(alice, people):
    people["alice"].set_password("correct horse")
    db.session.commit()
    answer = alice.post(START, data=WORDS)
    assert answer.status_code == 303
    assert db.session.scalars(select(ParkedForm)).one().user_id == people["alice"].id


def test_another_browser_does_not_get_it_and_who_is_not_known_is_whoever_signs_in_first(app, people):
    first, second = app.test_client(), app.test_client()
    first.post(START, data=WORDS)
    sign_in(second, "alice")
    assert "On bees" not in second.get(START).text
    sign_in(first, "alice")
    assert "On bees" in first.get(START).text


def test_a_newer_draft_is_not_overwritten(alice, client_of, people):
    alice.post("/logout")
    alice.post(START, data=WORDS)
    client_of("alice").post(f"{START}/draft", data={"title": "Newer"})
    sign_in(alice, "alice")
    assert "Newer" in alice.get(START).text


def test_forms_without_a_session_are_few_and_small(app, people, monkeypatch):
    monkeypatch.setattr(drafts, "PARKED_IN_ALL", 3)
    monkeypatch.setattr(drafts, "PARKED_OF_BROWSER", 2)
    browser = app.test_client()
    for number in range(1, 5):
        browser.post(f"/tasks/{number}/execute", data={"x": str(number)})
    assert sorted(row.task_id for row in db.session.scalars(select(ParkedForm))) == [3, 4]
    for _ in range(3):
        app.test_client().post("/tasks/9/execute", data={"x": "9"})
    assert len(db.session.scalars(select(ParkedForm)).all()) == 3
    monkeypatch.setattr("portal.web.drafts.parked.LARGEST", 10)
    answer = browser.post("/tasks/1/execute", data={"x": "words and words"})
    assert answer.status_code == 401
    assert "words and words" in answer.text


def test_strangers_do_not_push_out_what_is_known_to_be_somebodys(app, alice, people, monkeypatch):
    monkeypatch.setattr(drafts, "PARKED_IN_ALL", 3)
    alice.post("/logout")
    alice.post(START, data=WORDS)
    for number in range(1, 6):
        app.test_client().post(f"/tasks/{number}/execute", data={"x": "y"})
    sign_in(alice, "alice")
    assert "On bees" in alice.get(START).text


def test_who_may_not_start_is_not_told_what_the_form_has_to_choose_from(app, register, people, client_of):
    address = "/flows/chosen/start/start"
    register(ChosenFlow)
    sent = {"colour": "r", "name": "N"}
    for browser in (app.test_client(), client_of("dave")):
        answer = browser.post(address, data=sent, headers={"Origin": "https://elsewhere.example"})
        assert answer.status_code in (401, 403)
        assert "Crimson" not in answer.text
        assert "<dd>r</dd>" in answer.text, "what was typed is there to be copied"


def test_another_site_plants_nothing(app, people):
    browser = app.test_client()
    browser.post(START, data=WORDS, headers={"Sec-Fetch-Site": "cross-site"})
    browser.post(START, data=WORDS, headers={"Origin": "https://elsewhere.example"})
    assert db.session.scalars(select(ParkedForm)).all() == []


def test_old_drafts_are_forgotten(alice, thing, people):
    task_id, bob, _ = thing
    alice.post(f"{START}/draft", data={"title": "x"})
    bob.post(f"/tasks/{task_id}/draft", data={"name": "x"})
    lose_by_giving_back(bob, task_id, None)
    assert drafts.prune(db.session()) == 0
    task = db.session.get_one(Task, task_id)
    task.finished = utcnow()
    db.session.commit()
    left = {dt.timedelta(days=31): 1, dt.timedelta(days=181): 0}
    for after, count in left.items():
        later = utcnow() + after
        token = timers.clock.set(lambda later=later: later)
        drafts.prune(db.session())
        timers.clock.reset(token)
        assert len(db.session.scalars(select(Draft)).all()) == count


# -- start once


def test_one_start_form_is_one_process(alice, people):
    key = hidden(alice.get(START).text)["_start"]
    data = {"title": "T", "pages": "1", "_start": key}
    assert alice.post(START, data=data).status_code == 303
    again = alice.post(START, data=data)
    process = db.session.scalars(select(Process)).one()
    assert (again.status_code, again.location) == (303, f"/processes/{process.id}")
    assert "sent before" in alice.get(again.location).text
    assert draft_of(people["alice"], START) is None


def test_a_new_page_is_a_new_key_and_a_form_that_is_shown_again_keeps_it(alice):
    first, second = (hidden(alice.get(START).text)["_start"] for _ in range(2))
    assert first != second
    assert hidden(alice.post(START, data={"title": "", "_start": first}).text)["_start"] == first


def test_a_form_without_a_key_starts_each_time(alice):
    for _ in range(2):
        assert alice.post(START, data={"title": "T", "pages": "1"}).status_code == 303
    assert processes() == 2


def test_another_text_with_the_same_key_is_kept_as_a_draft(alice, people):
    key = hidden(alice.get(START).text)["_start"]
    alice.post(START, data={"title": "T", "pages": "1", "_start": key})
    answer = alice.post(START, data={"title": "Another", "pages": "1", "_start": key})
    assert answer.location.startswith("/processes/")
    assert processes() == 1
    assert "changed nothing" in alice.get(answer.location).text
    assert "Another" in alice.get(START).text


def test_keys_are_a_persons_own(alice, client_of):
    data = {"title": "T", "pages": "1", "_start": "same"}
    alice.post(START, data=data)
    client_of("erin").post(START, data=data)
    assert processes() == 2


def test_a_start_that_fails_may_be_sent_again_with_its_key(app, alice):
    app.config["PROPAGATE_EXCEPTIONS"] = False

    def fail(*_):
        raise RuntimeError("killed")

    data = {"title": "T", "pages": "1", "_start": "k"}
    event.listen(db.session(), "before_commit", fail)
    try:
        assert alice.post(START, data=data).status_code == 500
    finally:
        event.remove(db.session(), "before_commit", fail)
    assert processes() == 0
    assert db.session.scalars(select(StartKey)).all() == []
    assert alice.post(START, data=data).status_code == 303
    assert processes() == 1


def test_two_threads_start_one_process(app, alice, client_of):
    browsers, answers = [alice, client_of("alice")], []
    gate = threading.Barrier(2)

    def send(browser):
        gate.wait()
        answers.append(browser.post(START, data={"title": "T", "pages": "1", "_start": "both"}).status_code)

    threads = [threading.Thread(target=send, args=(browser,)) for browser in browsers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [303, 303]
    assert processes() == 1


# -- behind the commit


@pytest.mark.parametrize("address", ["start", "task"])
def test_what_is_done_is_not_told_as_undone(app, thing, alice, monkeypatch, caplog, address):
    def fail(*_):
        raise RuntimeError("no next page")

    app.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setattr("portal.web.tasks.completion.what_comes_next", fail)
    _, bob, form = thing
    browser = alice if address == "start" else bob
    answer = browser.post(
        START if address == "start" else form, data={"title": "T", "pages": "1", "name": "B"}
    )
    assert (answer.status_code, answer.location) == (303, "/inbox")
    assert "is done." in browser.get("/inbox").text
    assert "no next page" in caplog.text


def test_a_listener_that_fails_behind_a_commit_undoes_nothing(submit, caplog):
    from portal.engine import transaction

    def fail(*_):
        raise RuntimeError("deaf")

    transaction.observe(fail)
    try:
        assert submit() is not None
    finally:
        transaction._observers.remove(fail)
    assert "deaf" in caplog.text


# -- while the database is away


@pytest.mark.parametrize("address", ["start", "task"])
def test_a_page_without_a_database_shows_what_was_typed(thing, alice, address):
    _, bob, form = thing
    browser, path = (alice, START) if address == "start" else (bob, form)

    def away(connection, *_):
        driver = connection.dialect.dbapi
        raise OperationalError(None, None, driver.OperationalError("it does not answer"))

    event.listen(db.engine, "before_cursor_execute", away)
    try:
        answer = browser.post(path, data={"title": "On <bees>", "name": "On <bees>", "_start": "hidden key"})
    finally:
        event.remove(db.engine, "before_cursor_execute", away)
    assert answer.status_code == 503
    assert "On &lt;bees&gt;" in answer.text
    assert "What you typed" in answer.text
    assert str(kept.NOT_KEPT) in answer.text
    assert "hidden key" not in answer.text
    assert "Traceback" not in answer.text
