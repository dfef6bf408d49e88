"""What a list and a story say, and in whose time."""

import datetime as dt
import re

import pytest

from portal import assign, flow, jsonstore, language, this, views
from portal.models import Notice, Process, Task, db
from portal.web.display import deeds
from portal.web.display.icons import initials
from portal.web.display.moments import age, clock_tag, short_span

NOW = dt.datetime(2026, 11, 24, 9, 43, tzinfo=dt.UTC)
ZURICH = {"timezone": "Europe/Zurich"}


def due_in(html):
    return re.sub(r"<[^>]+>", "", re.search(r'<td class="col-due">(.*?)</td>', html, re.DOTALL)[1])


@pytest.mark.usefixtures("noon")
def test_a_list_says_when_something_is_due_in_the_readers_time(bob, people, submit, take):
    task = db.session.get_one(Task, take(submit("Paper")))
    tomorrow = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
    task.due = dt.datetime.combine(tomorrow, dt.time(12), dt.UTC)
    db.session.commit()
    assert due_in(bob.get("/inbox").text) == "Tomorrow 12:00"
    bob.set_cookie("timezone", "Asia/Kolkata")  # of the browser, as long as nobody has chosen one
    assert due_in(bob.get("/inbox").text) == "Tomorrow 17:30"
    people["bob"].preferences = {"timezone": "Asia/Dubai"}
    db.session.commit()
    assert due_in(bob.get("/inbox").text) == "Tomorrow 16:00"


@pytest.mark.parametrize(
    ("hours", "words"), [(0, "just now"), (1, "1 h"), (23, "23 h"), (24, "1 d"), (47, "1 d"), (96, "4 d")]
)
def test_an_age_has_its_largest_unit(app, hours, words):
    with app.test_request_context():
        assert age(hours * 3600) == words


def test_a_clock_says_the_year_of_another_year(app):
    with app.test_request_context():
        assert ">10:43<" in clock_tag(NOW, NOW, ZURICH)
        assert ">Mon 23 Nov, 10:43<" in clock_tag(NOW - dt.timedelta(days=1), NOW, ZURICH)
        assert ">Mon 24 Nov 2025, 10:43<" in clock_tag(NOW - dt.timedelta(days=365), NOW, ZURICH)


def test_a_span_is_said_in_the_readers_language(app):
    with app.test_request_context(headers={"Accept-Language": "de"}):
        app.preprocess_request()
        assert short_span(4 * 86_400) == "4 T"
        assert short_span(7800) == "2 h 10 min"


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Bob Steiner", "BS"), ("Ana Maria da Silva", "AS"), ("bob", "B"), ("", ""), ("  Élodie  ", "É")],
)
def test_initials(name, letters):
    assert initials(name) == letters


class MemoProcess(Process):
    text = jsonstore.StringField("Text")


class MemoFlow(flow.Flow):
    process_class = MemoProcess
    start = (
        flow.Start(views.CreateProcessView.as_view(fields=["text"])).Permission("memo.write").Next(this.read)
    )
    read = (
        flow.View(views.UpdateProcessView.as_view(fields=["text"]))
        .Permission("memo.read")
        .Assign(assign.RoundRobin())
        .Next(this.end)
    )
    end = flow.End()


@pytest.fixture
def ruled(register, make_user):
    """A process in which a rule gave the task to dora; the start was amy's."""
    register(MemoFlow)
    amy = make_user("amy", "memo.write")
    make_user("dora", "memo.read")
    return views.submit(MemoFlow.start, amy, text="Read me")


def test_what_a_rule_does_is_no_deed_of_anybody(ruled, client_of):
    erin = client_of("erin")
    story = erin.get(f"/processes/{ruled.id}").text
    told = re.search(r'<ol class="story">.*?</ol>', story, re.DOTALL)[0]
    assert "started" in told
    assert "by rule" not in told
    assert "by rule" in erin.get(f"/processes/{ruled.id}?tab=events").text
    notice = db.session.scalars(db.select(Notice).where(Notice.event == "assigned")).one()
    assert notice.payload["by"] is None


@pytest.mark.parametrize(
    ("said", "owner"),
    [
        ("Doris Deputy", "dora"),
        ("  doris   DEPUTY ", "dora"),
        ("dora", "dora"),
        ("Twin Brother", None),
        ("Do", None),
    ],
)
def test_a_task_is_assigned_to_who_is_called_so(carol, make_user, submit, open_task, said, owner):
    make_user("dora", "paper.can_review", full_name="Doris Deputy")
    for name in ("tim", "tom"):
        make_user(name, "paper.can_review", full_name="Twin Brother")
    task_id = open_task(submit()).id
    answer = carol.post(f"/tasks/{task_id}/assign", data={"user": said})
    assert answer.status_code == (303 if owner else 422)
    task = db.session.get_one(Task, task_id, populate_existing=True)
    assert (task.owner and task.owner.username) == owner


def test_many_are_snoozed_until_a_moment_that_has_a_name(bob, submit, take):
    ids = [str(take(submit(f"Paper {number}"))) for number in range(2)]
    page = bob.post("/tasks/snooze", data={"task": ids, "_ask": "1"}).text
    assert 'name="until" value="tomorrow"' in page
    assert bob.post("/tasks/snooze", data={"task": ids, "until": "tomorrow"}).status_code == 303
    assert all(db.session.get_one(Task, int(each), populate_existing=True).snoozed_until for each in ids)


def test_a_manager_gives_out_what_nobody_has_taken_yet_and_puts_it_back(carol, bob, submit, open_task, take):
    new, taken = open_task(submit("New")).id, take(submit("Taken"))
    ids = [str(new), str(taken)]
    carol.post("/tasks/reassign", data={"task": ids, "user": "erin"})
    page = carol.get("/tasks").text
    assert "2 tasks assigned." in page
    owner = [db.session.get_one(Task, each, populate_existing=True).owner for each in (new, taken)]
    assert [each.username for each in owner] == ["erin", "erin"]
    carol.post(re.search(r"/undo/\d+", page)[0])
    owner = [db.session.get_one(Task, each, populate_existing=True).owner for each in (new, taken)]
    assert [each and each.username for each in owner] == [None, "bob"]


@pytest.mark.parametrize("action", ["assign", "reassign"])
def test_who_does_not_manage_gives_nothing_out_of_the_queue(bob, submit, open_task, action):
    task_id = open_task(submit()).id
    bob.post(f"/tasks/{action}", data={"task": [str(task_id)], "user": "erin"})
    assert "may assign it to someone else" in bob.get("/queue").text
    assert db.session.get_one(Task, task_id, populate_existing=True).owner is None


@pytest.mark.parametrize(
    ("noted", "told"),
    [
        ("nobody fits: case owner", "niemand passt: wer den Fall hat"),
        ("there is no user 'zoe'", "es gibt keine Person 'zoe'"),
        ("zoe is deactivated", "zoe ist deaktiviert"),
        ("something else", "something else"),
    ],
)
def test_why_a_rule_gave_a_task_to_nobody_is_told_in_the_language_of_the_reader(noted, told):
    with language.use("de"):
        assert deeds.unassigned_words(noted) == told
