"""Levers on many tasks and processes: all that match, refusals folded, and what is put back within ten minutes."""

import datetime as dt
import re

import pytest

from portal.models import BulkUndo, Event, Process, Task, db
from portal.web import selection
from portal.work import operations


@pytest.fixture
def papers(submit, open_task):
    return [open_task(submit(title)).id for title in ("alpha", "beta", "gamma")]


def read(ids, name):
    db.session.expire_all()
    return [getattr(db.session.get_one(Task, each), name) for each in ids]


def owners(ids):
    return [owner and owner.username for owner in read(ids, "owner")]


def undo_of(page):
    return re.search(r'action="(/undo/\d+)"', page)[1]


def test_a_manager_changes_many_with_a_reason_and_puts_them_back(client_of, papers):
    erin = client_of("erin")
    due = read(papers, "due")
    answer = erin.post(
        "/tasks/due", data={"task": papers, "due": "2100-01-01T10:00", "reason": "the fair", "next": "/queue"}
    )
    assert answer.location == "/queue"
    assert read(papers, "due") == [dt.datetime(2100, 1, 1, 10, tzinfo=dt.UTC)] * 3
    assert {e.detail["reason"] for e in db.session.query(Event).filter_by(action="due")} == {"the fair"}
    page = erin.get("/queue").text
    assert "3 tasks changed." in page
    assert erin.post(undo_of(page), data={"next": "/queue"}).location == "/queue"
    assert read(papers, "due") == due
    assert "3 tasks are as they were." in erin.get("/queue").text
    assert erin.post(undo_of(page)).status_code == 303
    assert "This cannot be undone any more." in erin.get("/queue").text


def test_only_what_nobody_has_changed_since_is_put_back(bob, client_of, papers):
    bob.post("/tasks/assign", data={"task": papers})
    page = bob.get("/queue").text
    bob.post(f"/tasks/{papers[0]}/unassign")
    bob.post(undo_of(page))
    assert owners(papers) == [None] * 3
    assert "somebody has changed it since" in bob.get("/inbox").text


def test_an_undo_is_its_authors_and_ends(bob, client_of, papers):
    bob.post("/tasks/assign", data={"task": papers})
    address = undo_of(bob.get("/queue").text)
    client_of("erin").post(address)
    assert owners(papers) == ["bob"] * 3
    kept = db.session.query(BulkUndo).one()
    kept.created -= dt.timedelta(minutes=11)
    db.session.commit()
    bob.post(address)
    assert owners(papers) == ["bob"] * 3


@pytest.mark.parametrize("where", ["query", "form"])
def test_all_that_match_the_lists_own_filters(bob, papers, where):
    filters = {"q": "beta"}
    sent = {"all": "1", "list": "queue"}
    if where == "query":
        bob.post("/tasks/assign", query_string=filters, data=sent)
    else:
        bob.post("/tasks/assign", data=sent | filters)
    assert owners(papers) == [None, "bob", None]
    bob.post("/tasks/assign", data=sent)
    assert owners(papers) == ["bob"] * 3
    bob.post("/tasks/unassign", data={"all": "1", "list": "inbox"})
    assert owners(papers) == [None] * 3


def test_more_than_are_done_at_once_are_told(bob, papers, monkeypatch):
    monkeypatch.setattr(selection, "MOST", 2)
    bob.post("/tasks/assign", data={"task": papers})
    assert sum(owner is not None for owner in owners(papers)) == 2
    assert "More are left than are done at once." in bob.get("/queue").text
    monkeypatch.setattr(selection, "SECONDS", -1)
    bob.post("/tasks/unassign", data={"task": papers})
    assert sum(owner is not None for owner in owners(papers)) == 2


def test_more_tasks_than_a_request_does_are_left_to_the_workers(
    bob, client_of, submit, open_task, monkeypatch
):
    papers = [open_task(submit(f"Bees {n}")).id for n in range(4)]
    wasps = open_task(submit("Wasps")).id
    monkeypatch.setattr(selection, "MOST", 2)
    erin = client_of("erin")

    def done(client, action, data, query="flow=paper&q=bees"):
        assert (
            client.post(f"/tasks/{action}?{query}", data={"all": "1", "_ask": "1", **data}).status_code == 200
        )
        answer = client.post(f"/tasks/{action}?{query}", data={"all": "1", "reason": "Why not", **data})
        assert "/admin/operations/" in answer.location
        while operations.turn(db.session()):
            pass
        return client.get(answer.location).text

    page = done(erin, "priority", {"list": "tasks", "priority": "3"})
    assert "Change the priority of 4 tasks" in page
    assert read([*papers, wasps], "priority") == [3, 3, 3, 3, 0]
    done(erin, "due", {"list": "tasks", "due": "2100-01-01T10:00"})
    assert set(read(papers, "due")) == {dt.datetime(2100, 1, 1, 10, tzinfo=dt.UTC)}
    done(bob, "assign", {"list": "queue"})
    assert owners([*papers, wasps]) == ["bob"] * 4 + [None]
    page = done(erin, "reassign", {"list": "tasks", "user": "carol"})
    assert "Assign 4 tasks" in page
    assert page.count("does not hold the permission") == 4
    done(bob, "unassign", {"list": "inbox"})
    assert owners(papers) == [None] * 4
    done(erin, "reassign", {"list": "tasks", "user": "bob"})
    assert owners(papers) == ["bob"] * 4
    reasons = {event.detail.get("reason") for event in db.session.query(Event).filter_by(action="unassign")}
    assert reasons == {"Why not"}


def test_what_is_lacking_is_asked_for_with_the_choice_kept(client_of, papers):
    erin = client_of("erin")
    page = erin.post("/tasks/priority", data={"task": papers, "_ask": "1"})
    assert (page.status_code, page.text.count('name="task"'), 'name="priority"' in page.text) == (
        200,
        3,
        True,
    )
    page = erin.post("/tasks/priority", data={"task": papers, "priority": "much", "reason": "kept"})
    assert (page.status_code, "kept" in page.text) == (422, True)
    page = erin.post("/tasks/cancel?q=gamma", data={"all": "1", "list": "queue", "_ask": "1"})
    assert "1 task" in page.text
    assert 'action="/tasks/cancel?q=gamma"' in page.text
    assert 'name="all" value="1"' in page.text
    assert read(papers, "status") == ["NEW"] * 3


@pytest.mark.parametrize(
    ("action", "status"),
    [("cancel", "CANCELED"), ("skip", "DONE"), ("revive", "REVIVED"), ("snooze", "ASSIGNED")],
)
def test_each_lever_in_bulk(client_of, papers, action, status):
    erin = client_of("erin")
    if action == "revive":
        erin.post("/tasks/cancel", data={"task": papers})
    if action == "snooze":
        erin.post("/tasks/assign", data={"task": papers})
    assert (
        erin.post(f"/tasks/{action}", data={"task": papers, "until": "2100-01-01", "reason": "x"}).status_code
        == 303
    )
    assert read(papers, "status") == [status] * 3


def test_who_manages_nothing_is_refused_line_by_line(bob, papers):
    bob.post("/tasks/skip", data={"task": papers})
    page = bob.get("/queue").text
    assert "3 were refused." in page
    assert page.count("Refused: #") == 3
    assert read(papers, "status") == ["NEW"] * 3


def test_many_refusals_fit_into_the_message(bob):
    bob.post("/tasks/assign", data={"task": [str(number) for number in range(1000, 1400)]})
    page = bob.get("/queue").text
    assert "400 were refused." in page
    assert "And 388 more." in page


def test_processes_in_bulk(client_of, carol, alice, papers):
    ids = [db.session.get_one(Task, each).process_id for each in papers]

    def states():
        db.session.expire_all()
        return [db.session.get_one(Process, each).status for each in ids]

    carol.post("/processes/suspend", data={"process": [*ids, "999", "x"], "reason": "audit"})
    assert states() == ["SUSPENDED"] * 3
    page = carol.get("/processes").text
    assert "3 processes suspended." in page
    assert "2 were refused." in page
    assert {e.detail["reason"] for e in db.session.query(Event).filter_by(action="suspend")} == {"audit"}
    carol.post("/processes/resume?q=beta", data={"all": "1"})
    assert states() == ["SUSPENDED", "NEW", "SUSPENDED"]
    alice.post("/processes/cancel", data={"process": ids})
    assert "CANCELED" not in states()
    client_of("erin").post("/processes/cancel", data={"all": "1"})
    assert states() == ["CANCELED"] * 3
    carol.post("/processes/retry", data={"process": ids})
    assert carol.get("/processes").text.count(" Paper review: cannot retry process ") == 3
    carol.post("/processes/withdraw", data={})
    assert "Nothing was selected." in carol.get("/processes").text


def test_processes_are_ticked_and_asked_about_first(carol, alice, bob, submit):
    one, two = submit("alpha"), submit("beta")
    assert 'name="process"' not in bob.get("/processes").text
    assert 'formaction="/processes/withdraw?mine=1"' in alice.get("/processes?mine=1").text
    assert 'formaction="/processes/cancel?q=alpha"' in carol.get("/processes?q=alpha&columns=state").text
    page = carol.post("/processes/cancel", data={"process": [one, two], "_ask": "1"}).text
    assert "Cancel process: 2 processes" in page
    assert f'name="process" value="{two}" checked' in page
    page = carol.post("/processes/cancel?q=alpha", data={"all": "1", "_ask": "1"}).text
    assert "Cancel process: 1 process" in page
    assert 'action="/processes/cancel?q=alpha"' in page
    assert carol.post("/processes/cancel", data={"process": one, "reason": "x" * 3000}).status_code == 422
    db.session.expire_all()
    assert db.session.get(Process, one).status == "NEW"


def test_more_processes_than_a_request_does_are_left_to_the_workers(client_of, submit, monkeypatch, app):
    from portal.models import Operation
    from portal.work import operations as work

    numbers = [submit(f"Bees {n}") for n in range(4)]
    other = submit("Wasps")
    monkeypatch.setattr(selection, "MOST", 2)
    carol = client_of("carol")
    answer = carol.post("/processes/cancel?q=bees&flow=paper", data={"all": "1", "reason": "No bees"})
    assert answer.status_code == 303
    assert "/admin/operations/" in answer.location
    while work.turn(db.session()):
        pass
    db.session.expire_all()
    assert {db.session.get(Process, number).status for number in numbers} == {"CANCELED"}
    assert db.session.get(Process, other).status == "NEW"
    operation = db.session.scalars(db.select(Operation)).one()
    assert (operation.done, operation.refused, operation.total) == (4, 0, 4)
    assert "Cancel 4 processes" in carol.get(answer.location).text


def test_what_workers_refuse_is_told_in_the_language_of_who_has_asked(
    client_of, submit, open_task, monkeypatch
):
    for n in range(3):
        open_task(submit(f"Bees {n}"))
    client_of("bob").post("/tasks/assign?flow=paper", data={"all": "1", "list": "queue"})
    monkeypatch.setattr(selection, "MOST", 2)
    erin = client_of("erin")
    german = {"Accept-Language": "de"}
    data = {"all": "1", "list": "tasks", "user": "carol", "reason": "Messe"}
    answer = erin.post("/tasks/reassign?flow=paper", data=data, headers=german)
    while operations.turn(db.session()):
        pass
    page = erin.get(answer.location, headers=german).text
    assert page.count("hat nicht die Berechtigung") == 3
    assert "does not hold" not in page
