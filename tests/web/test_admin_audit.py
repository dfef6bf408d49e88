"""The audit and retention, as administrators see them."""

from __future__ import annotations

import datetime as dt
import json
import re

import pytest

from portal import storage
from portal.administration import retention
from portal.engine import actions, audit
from portal.flow import Retention
from portal.models import AuditRow, Comment, Event, Process, Task, db, utcnow


@pytest.fixture
def erin(client_of):
    return client_of("erin")


def audited():
    db.session.rollback()
    return [row.action for row in db.session.scalars(db.select(AuditRow).order_by(AuditRow.id))]


def test_signing_in_and_out_is_kept(app, people):
    client = app.test_client()
    client.post("/login", data={"username": "dave", "password": "wrong"})
    client.post("/login", data={"username": "nobody", "password": "wrong"})
    client.post("/login", data={"username": "dave", "password": "correct horse"})
    client.post("/logout")
    rows = db.session.scalars(db.select(AuditRow).order_by(AuditRow.id)).all()
    dave = people["dave"].id
    assert [(row.action, row.user_id, row.subject_id) for row in rows] == [
        ("sign-in.failed", None, str(dave)), ("sign-in.failed", None, ""), ("sign-in", dave, str(dave)),
        ("sign-out", dave, str(dave)),
    ]  # fmt: skip
    assert list(audit.faults(db.session())) == []


def test_the_page_filters_and_pages(erin, submit, take):
    task = take(submit())
    erin.post(f"/tasks/{task}/skip", data={"reason": "x"})
    process_id = db.session.get(Task, task).process_id
    page = erin.get("/admin/audit").text
    assert "Skipped a step" in page
    assert "Signed in" in page
    for query in ("action=skip", f"process={process_id}", "person=erin&action=skip"):
        page = erin.get(f"/admin/audit?{query}").text
        assert f'href="/processes/{process_id}"' in page
        assert ">Signed in<" not in re.sub(r"<option.*?</option>", "", page)
    assert "No matches" in erin.get("/admin/audit?person=dave").text
    assert "No matches" in erin.get("/admin/audit?until=2000-01-01").text
    answer = erin.get("/admin/audit?format=csv&action=skip")
    assert answer.text.splitlines()[1].split(",")[2:4] == ["erin", "skip"]
    assert audited()[-1] == "export"


def test_old_and_new_values_come_from_the_history(erin, people, submit):
    process_id = submit("Old title")
    with actions.changing_data(db.session(), process_id, people["erin"]) as process:
        process.title = "New title"
    assert "title: Old title → New title" in erin.get("/admin/audit?action=data").text


def test_who_opened_what_is_kept_where_a_flow_says_so(erin, paper, submit, take, monkeypatch):
    process_id = submit()
    task_id = take(process_id)
    erin.get(f"/processes/{process_id}")
    assert "read" not in audited()
    monkeypatch.setattr(paper, "audit_reads", True)
    assert erin.get(f"/processes/{process_id}").status_code == 200
    assert erin.get(f"/tasks/{task_id}").status_code == 200
    assert audited()[-2:] == ["read", "read"]


# -- retention ------------------------------------------------------------------------------------------------


@pytest.fixture
def over(submit, people):
    """Three cancelled papers, the first over for 40 days, and one in progress."""
    ids = [submit(f"Paper {number}") for number in range(4)]
    for days, number in zip((40, 20, 1), ids, strict=False):
        actions.cancel_process(db.session(), number)
        db.session.get_one(Process, number).finished = utcnow() - dt.timedelta(days=days)
        db.session.add(Comment(process_id=number, author_id=people["bob"].id, text="Hm", created=utcnow()))
        db.session.commit()
    return ids


@pytest.fixture
def rule(paper, monkeypatch):
    """Give the flow a rule for what has been over for ten days."""

    def give(then, outcome=("CANCELED",)):
        monkeypatch.setattr(paper, "retention", [Retention(dt.timedelta(days=10), then, outcome)])

    return give


def there():
    db.session.expire_all()
    return list(db.session.scalars(db.select(Process.id).order_by(Process.id)))


def test_what_is_over_for_long_is_deleted(erin, over, rule):
    rule("delete")
    page = erin.get("/admin/retention").text
    assert "2 processes fall under them now." in page
    assert there() == over, "looking changes nothing"
    erin.post("/admin/retention")
    assert there() == over[2:]
    assert db.session.scalars(db.select(Task.id).where(Task.process_id.in_(over[:2]))).all() == []
    row = db.session.scalars(db.select(AuditRow).where(AuditRow.action == "delete")).one()
    assert row.detail["processes"] == over[:2]
    erin.post("/admin/retention")
    assert there() == over[2:]


def test_what_is_archived_can_be_read_from_its_file(over, rule):
    rule("archive")
    (done,) = retention.run(db.session(), None, dry=False)
    assert (done.count, there()) == (2, over[2:])
    with storage.current()._system.open(done.files[0]) as file:
        lines = [json.loads(line) for line in file]
    assert [each["process"]["data"]["title"] for each in lines] == ["Paper 0", "Paper 1"]
    assert [task["flow_task"] for task in lines[0]["tasks"]] == ["start", "review"]
    assert lines[0]["comments"][0]["text"] == "Hm"


def test_what_is_anonymised_keeps_its_history_without_persons(over, rule):
    rule("anonymise")
    before = db.session.scalar(db.select(db.func.count(Event.id)))
    (done,) = retention.run(db.session(), None, dry=False)
    assert done.count == 2
    process = db.session.get_one(Process, over[0], populate_existing=True)
    assert (dict(process.data), process.created_by_id) == ({}, None)
    assert {task.owner_id for task in process.tasks} == {None}
    assert db.session.scalar(db.select(db.func.count(Event.id))) == before
    events = db.session.scalars(db.select(Event).where(Event.process_id == over[0])).unique().all()
    assert {event.user_id for event in events} == {None}
    assert db.session.scalars(db.select(Comment.process_id)).all() == [over[2]]
    assert retention.run(db.session(), None, dry=True)[0].count == 0, "it is done once"


def test_the_outcome_decides_too(over, rule):
    rule("delete", outcome=("DONE",))
    assert retention.run(db.session(), None, dry=False)[0].count == 0


def test_a_legal_hold_keeps_a_process(erin, over, rule):
    rule("delete")
    assert erin.post("/admin/retention/hold", data={"process": over[0]}).status_code == 422, (
        "without a reason"
    )
    assert erin.post("/admin/retention/hold", data={"process": "99", "reason": "x"}).status_code == 422
    erin.post("/admin/retention/hold", data={"process": f"#{over[0]}", "reason": "Court"})
    assert "Court" in erin.get("/admin/retention").text
    assert erin.post("/admin/retention/hold", data={"process": over[0], "reason": "x"}).status_code == 409
    erin.post("/admin/retention")
    assert there() == [over[0], *over[2:]]
    erin.post("/admin/retention/hold", data={"process": over[0], "reason": "Over", "release": "1"})
    erin.post("/admin/retention")
    assert there() == over[2:]
    assert [name for name in audited() if name in ("hold", "release", "delete")] == [
        "hold",
        "delete",
        "release",
        "delete",
    ]


def test_a_setting_takes_the_place_of_the_flows_own(app, over, rule):
    import dataclasses

    from portal.flow.retention import parse

    rule("delete")
    settings = app.extensions["portal"]
    app.extensions["portal"] = dataclasses.replace(settings, retention=parse("paper: keep"))
    assert retention.run(db.session(), None, dry=True) == []
    app.extensions["portal"] = dataclasses.replace(
        settings, retention=parse("paper: delete after 30 days if CANCELED")
    )
    assert retention.run(db.session(), None, dry=True)[0].count == 1


@pytest.mark.parametrize(
    "text",
    ["paper", "paper: burn after 3 days", "paper: delete after 0 days", "x: delete after 3 days if LOST"],
)
def test_a_setting_that_means_nothing_is_refused(text):
    from portal.flow.retention import parse

    with pytest.raises(ValueError, match=r"rule|after|outcome"):
        parse(text)
