"""The next task: taken by one alone, and the way on from one to the next."""

import datetime as dt
import re
import threading
from urllib.parse import parse_qs, urlsplit

import pytest

from portal import flow, jsonstore, this, views
from portal.models import Process, Task, User, db
from portal.web.tasks import next_task


@pytest.fixture
def papers(submit, open_task):
    return [open_task(submit(title)).id for title in ("alpha", "beta", "gamma", "delta")]


def taken_by(ids):
    db.session.expire_all()
    return [(task.owner and task.owner.username) for task in (db.session.get_one(Task, each) for each in ids)]


def at(answer):
    """The task whose form an answer leads to, and the list to come back to."""
    parts = urlsplit(answer.location)
    return int(parts.path.split("/")[2]), parse_qs(parts.query).get("next", [""])[0]


def test_the_next_one_is_taken_and_its_form_opened(bob, papers):
    assert at(bob.post("/queue/next")) == (papers[0], "/queue")
    assert at(bob.post("/queue/next?q=gamma", data={"next": "/queue?q=gamma"})) == (
        papers[2],
        "/queue?q=gamma",
    )
    assert taken_by(papers) == ["bob", None, "bob", None]
    for _ in range(2):
        bob.post("/queue/next")
    answer = bob.post("/queue/next")
    assert (answer.status_code, answer.location) == (303, "/queue")
    assert "There is nothing to take in the queue." in bob.get("/queue").text


def test_who_may_take_nothing_gets_nothing(dave, papers):
    assert dave.post("/queue/next").location == "/queue"
    assert taken_by(papers) == [None] * 4


class TestAtOnce:
    """On both databases."""

    @pytest.fixture(params=["sqlite", "postgresql"])
    def database_url(self, request):
        return str(request.getfixturevalue(request.param))

    def test_two_people_never_get_the_same(self, app, people, submit, make_user, open_task):
        ids = [open_task(submit(f"Paper {number}")).id for number in range(10)]
        crowd = [make_user(f"reviewer{number}", "paper.can_review").id for number in range(5)]
        db.session.remove()
        found, begin = [], threading.Barrier(len(crowd))

        def take_all(user_id):
            with app.app_context():
                begin.wait()
                while (task_id := next_task.take_next(db.session(), user_id)) is not None:
                    found.append((task_id, user_id))
                db.session.remove()

        threads = [threading.Thread(target=take_all, args=(user_id,)) for user_id in crowd]
        for each in threads:
            each.start()
        for each in threads:
            each.join(300)
        assert sorted(task_id for task_id, _ in found) == ids
        assert {
            task.id: task.owner_id
            for task in db.session.scalars(db.select(Task).where(Task.id.in_(ids))).unique()
        } == dict(found)
        assert db.session.get_one(User, crowd[0]).name == "reviewer0"


def finish(client, task_id, back="", **data):
    return client.post(f"/tasks/{task_id}/execute", data={"_continue": "1", "next": back, **data})


def test_finish_and_next_goes_on_in_the_queue_one_came_from(bob, papers):
    first, back = at(bob.post("/queue/next?q=Paper"))
    second, back = at(finish(bob, first, "/queue?q=Paper"))
    assert (first, second, back) == (papers[0], papers[1], "/queue?q=Paper")
    assert taken_by(papers) == ["bob", "bob", None, None]


def test_finish_and_next_goes_on_in_the_inbox_one_came_from(bob, papers):
    bob.post("/tasks/assign", data={"task": papers[1:]})
    assert at(finish(bob, papers[1], "/inbox"))[0] == papers[2]
    assert at(finish(bob, papers[2], "/inbox"))[0] == papers[3]
    assert finish(bob, papers[3], "/inbox").location == "/inbox"
    assert taken_by(papers)[0] is None  # the queue was not asked for


@pytest.mark.parametrize("order", ["case", "step", "list"])
def test_a_suspended_process_is_passed_over(bob, carol, papers, order):
    bob.post("/tasks/assign", data={"task": papers[:3]})
    held = db.session.get_one(Task, papers[1]).process_id
    free = db.session.get_one(Task, papers[3]).process_id
    for process_id in (held, free):
        assert carol.post(f"/processes/{process_id}/suspend").status_code == 303
    assert at(finish(bob, papers[0], "/inbox", _order=order))[0] == papers[2]
    assert finish(bob, papers[2], "/inbox", _order=order).location == "/inbox"
    assert bob.post("/queue/next").location == "/queue"
    assert taken_by(papers[3:]) == [None]


@pytest.mark.parametrize(("order", "node"), [("case", "sign"), ("step", "review"), ("list", "review")])
def test_the_same_case_the_same_step_or_the_list_goes_first_and_is_remembered(bob, papers, order, node):
    bob.post("/tasks/assign", data={"task": papers[:1]})
    finish(bob, papers[0], "/queue", accepted="y", _order=order)
    bob.post("/queue/next")
    db.session.expire_all()
    task = (
        db.session.scalars(db.select(Task).where(Task.flow_task == node, Task.status == "ASSIGNED"))
        .unique()
        .first()
    )
    assert task is not None
    assert (
        db.session.scalars(db.select(User).where(User.username == "bob")).one().preferences["order"] == order
    )


def test_who_sends_a_request_reads_who_decides_by_when(alice, paper):
    answer = alice.post("/flows/paper/start/start", data={"title": "On bees", "pages": "3"})
    assert answer.location == "/processes/1"
    page = alice.get(answer.location).text
    assert re.search(
        r"“Submit” is done. Next: Review. bob or erin does it by \w{3} \d+ \w{3}|bob does it by", page
    )


class BookProcess(Process):
    wanted = jsonstore.BooleanField("Wanted")
    approved = jsonstore.BooleanField("Approved", labels=("Approve", "Decline"), default=False)


class BookFlow(flow.Flow):
    process_class = BookProcess
    start = flow.Start(views.CreateProcessView.as_view(fields=["wanted"])).Next(this.answer)
    answer = (
        flow.View(views.UpdateProcessView.as_view(fields=[], decide="approved"))
        .Permission("book.answer")
        .Due(dt.timedelta(days=2))
        .Next(this.end)
    )
    end = flow.End()


def test_only_of_a_step_with_a_decision_is_it_said_that_somebody_decides(register, dave, make_user):
    register(BookFlow)
    make_user("rosa", "book.answer")
    told = dave.get(dave.post("/flows/book/start/start", data={"wanted": "y"}).location).text
    assert re.search(r"Next: Answer. rosa decides by \w{3} \d+ \w{3,4}.", told)
    dave.post("/flows/book/start/start", data={"wanted": "y"}, headers={"Accept-Language": "de"})
    told = dave.get("/requests", headers={"Accept-Language": "de"}).text
    assert "rosa entscheidet bis " in told
    assert ".. " not in re.search(r"rosa entscheidet bis .*", told)[0]
