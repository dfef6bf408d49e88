"""Many tasks of one step, finished with the same answer."""

from __future__ import annotations

import re

import pytest
from sqlalchemy.exc import OperationalError

from portal import flow, jsonstore, queries, this, views
from portal.engine import drafts
from portal.models import Draft, Process, Task, db


class ReceiptProcess(Process):
    what = jsonstore.StringField("What", required=True)
    approved = jsonstore.BooleanField("Approved", labels=("Approve", "Decline"), default=False)
    remark = jsonstore.TextField("Remark", max_length=30)
    amount = jsonstore.IntegerField("Amount", default=7)


def is_no_gold(receipt):
    if receipt.approved and "gold" in receipt.what:
        raise ValueError("Gold is never approved.")
    if "lead" in receipt.what:
        raise ZeroDivisionError("a slip of the author")


class ReceiptFlow(flow.Flow):
    process_class = ReceiptProcess
    process_summary_template = "{{ process.what }}"

    start = flow.Start(views.CreateProcessView.as_view(fields=["what"])).Next(this.check)
    check = (
        flow.View(
            views.UpdateProcessView.as_view(
                fields=["remark"], decide="approved", require={False: ["remark"]}, check=is_no_gold
            )
        )
        .Assign(username="bob")
        .Next(this.file)
    )
    file = flow.ManualTask().Assign(username="bob").Next(this.book)
    book = (
        flow.View(views.UpdateProcessView.as_view(fields=["amount", "remark"]))
        .Assign(username="bob")
        .Next(this.end)
    )
    end = flow.End()


@pytest.fixture
def receipts(register, people, open_task):
    """Three receipts that bob checks: the ids of their tasks."""
    register(ReceiptFlow)
    made = [
        views.submit(ReceiptFlow.start, people["alice"], what=what) for what in ("a pen", "a book", "a lamp")
    ]
    return [open_task(process.id, "check").id for process in made]


def states(ids):
    db.session.expire_all()
    return [db.session.get_one(Task, each).status for each in ids]


def receipt_of(task_id):
    db.session.expire_all()
    return db.session.get_one(Task, task_id).process


def step_of(page):
    return re.search(r'name="_step" value="([^"]*)"', page)[1]


def finish(client, ids, **data):
    return client.post(
        "/tasks/execute", data={"task": ids, "list": "inbox", "_step": "receipt check", **data}
    )


def test_it_is_asked_once_and_nothing_is_done_by_asking(bob, receipts):
    assert 'formaction="/tasks/unassign"' in bob.get("/inbox").text
    page = bob.post("/tasks/execute", data={"task": receipts, "_ask": "1", "answer": "true"}).text
    assert "Finish: 3 tasks" in page
    assert step_of(page) == "receipt check"
    assert re.findall(r'name="answer" value="(\w+)">(?:<svg.*?</svg> )?(\w+)', page) == [
        ("true", "Approve"),
        ("false", "Decline"),
    ]
    assert "(required for “Decline”)" in page
    assert states(receipts) == ["ASSIGNED"] * 3


def test_all_are_answered_alike(bob, receipts, open_task):
    answer = finish(bob, receipts, answer="true", next="/inbox?group=step")
    assert (answer.status_code, answer.location) == (303, "/inbox?group=step")
    assert "Approve: 3 tasks done." in bob.get("/inbox").text
    assert states(receipts) == ["DONE"] * 3
    assert all(receipt_of(each).approved for each in receipts)
    filed = [open_task(receipt_of(each).id, "file").id for each in receipts]
    page = bob.post("/tasks/execute", data={"task": filed, "_ask": "1"}).text
    assert "Mark as done" in page
    finish(bob, filed, _step=step_of(page), answer="done")
    assert states(filed) == ["DONE"] * 3


def test_asking_about_many_of_ones_own_costs_what_one_costs(bob, receipts, count):
    for ids in (receipts[:1], receipts):  # the first time makes what is made once
        bob.post("/tasks/execute", data={"task": ids, "_ask": "1"})
    sent = []
    for ids in (receipts[:1], receipts):
        with count() as statements:
            assert bob.post("/tasks/execute", data={"task": ids, "_ask": "1"}).status_code == 200
        sent.append(len(statements))
    assert sent[0] == sent[1], sent


def test_a_remark_is_given_to_each_and_required_where_the_form_requires_it(bob, receipts):
    answer = finish(bob, receipts, answer="false")
    assert answer.status_code == 422
    assert "Remark: This field is required for “Decline”." in answer.text
    assert states(receipts) == ["ASSIGNED"] * 3
    finish(bob, receipts, answer="false", **{"text-remark": " Too late "})
    assert [(receipt_of(each).approved, receipt_of(each).remark) for each in receipts] == [
        (False, "Too late")
    ] * 3


def test_what_was_remarked_before_stays_where_nothing_is_typed(bob, receipts):
    receipt_of(receipts[0]).remark = "From alice"
    db.session.commit()
    finish(bob, receipts, answer="true")
    assert [receipt_of(each).remark for each in receipts[:2]] == ["From alice", None]


def test_the_rules_of_the_form_count_for_each(bob, receipts):
    receipt_of(receipts[1]).what = "a gold pen"
    db.session.commit()
    finish(bob, receipts, answer="true")
    page = bob.get("/inbox").text
    assert "2 tasks done." in page
    assert "Gold is never approved." in page
    assert states(receipts) == ["DONE", "ASSIGNED", "DONE"]
    assert receipt_of(receipts[1]).approved is False
    finish(bob, receipts[1:2], answer="false", **{"text-remark": "x" * 31})
    assert states(receipts)[1] == "ASSIGNED"


def test_a_form_with_more_to_fill_in_is_opened_one_by_one(bob, receipts, open_task):
    finish(bob, receipts, answer="true")
    filed = [open_task(receipt_of(each).id, "file").id for each in receipts]
    finish(bob, filed, _step="receipt file", answer="done")
    booked = [open_task(receipt_of(each).id, "book").id for each in receipts]
    for data in ({"_ask": "1"}, {"answer": "done", "_step": "receipt book"}):
        page = bob.post("/tasks/execute", data={"task": booked, **data}).text
        assert "Open the tasks one by one." in page
    assert states(booked) == ["ASSIGNED"] * 3


def test_tasks_of_two_steps_are_not_answered_alike(bob, receipts, open_task):
    finish(bob, receipts[:1], answer="true")
    mixed = [*receipts[1:], open_task(receipt_of(receipts[0]).id, "file").id]
    page = bob.post("/tasks/execute", data={"task": mixed, "_ask": "1"}).text
    assert "Choose tasks of one step" in page
    finish(bob, mixed, answer="true")
    assert states(mixed) == ["DONE", "DONE", "ASSIGNED"]
    assert "It is another step" in bob.get("/inbox").text
    assert finish(bob, mixed[-1:], answer="true").status_code == 422, (
        "the step is another one than was asked about"
    )


def test_nobody_answers_for_somebody_else(bob, alice, carol, client_of, receipts):
    for client in (alice, carol, client_of("erin")):
        finish(client, receipts, answer="true")
    assert states(receipts) == ["ASSIGNED"] * 3
    finish(bob, receipts, answer="true")
    finish(bob, receipts, answer="false", **{"text-remark": "Twice"})
    assert all(receipt_of(each).approved for each in receipts), "a second answer finds nothing to answer"


def test_all_that_match_a_filter_and_nothing_else(bob, receipts):
    answer = bob.post(
        "/tasks/execute?q=pen", data={"all": "1", "list": "inbox", "_step": "receipt check", "answer": "true"}
    )
    assert answer.status_code == 303
    assert states(receipts) == ["DONE", "ASSIGNED", "ASSIGNED"]
    bob.post(
        "/tasks/execute?due=zebra",
        data={"all": "1", "list": "inbox", "_step": "receipt check", "answer": "true"},
    )
    assert states(receipts)[1:] == ["ASSIGNED", "ASSIGNED"], "a filter that cannot be read is no filter"


def test_the_draft_of_each_goes(bob, people, receipts):
    bob.post(f"/tasks/{receipts[0]}/draft", data={"remark": "Half"})
    assert drafts.read(db.session(), people["bob"].id, drafts.form_of(receipts[0])) is not None
    finish(bob, receipts, answer="true")
    assert db.session.scalars(db.select(Draft)).all() == []


def test_all_of_an_inbox_that_is_not_filtered(bob, receipts):
    page = bob.post("/tasks/execute", data={"all": "1", "list": "inbox", "_ask": "1"}).text
    assert "Finish: 3 tasks" in page
    bob.post("/tasks/execute", data={"all": "1", "list": "inbox", "_step": "receipt check", "answer": "true"})
    assert states(receipts) == ["DONE"] * 3


@pytest.mark.parametrize("answer", ["maybe", "True\0", "1", "done"])
def test_an_answer_that_is_none(bob, receipts, answer):
    assert finish(bob, receipts, answer=answer).status_code == 422
    assert states(receipts) == ["ASSIGNED"] * 3


def test_only_what_was_asked_about_is_answered(bob, people, receipts, open_task):
    """What has come to the inbox since then was seen by nobody."""
    page = bob.post("/tasks/execute", data={"all": "1", "list": "inbox", "_ask": "1"}).text
    late = views.submit(ReceiptFlow.start, people["alice"], what="a yacht")
    form = page[page.index('<form method="post" action="/tasks/execute') :].partition("</form>")[0]
    sent = [*re.findall(r'<input[^>]* name="(\w+)" value="([^"]*)"', form), ("answer", "true")]
    data = {name: [text for each, text in sent if each == name] for name, _ in sent}
    assert bob.post("/tasks/execute", data=data).status_code == 303
    assert states([*receipts, open_task(late.id, "check").id]) == ["DONE"] * 3 + ["ASSIGNED"]


def test_one_that_fails_leaves_the_others_done_and_is_told(bob, receipts, caplog):
    receipt_of(receipts[1]).what = "a lead pen"
    db.session.commit()
    assert finish(bob, receipts, answer="true").status_code == 303
    page = bob.get("/inbox").text
    assert "2 tasks done." in page
    assert "Something went wrong" in page
    assert states(receipts) == ["DONE", "ASSIGNED", "DONE"]
    assert "a slip of the author" in caplog.text


def test_tasks_that_are_not_there_are_not_told_of_a_form(bob, carol, receipts):
    for client, ids in ((carol, receipts), (bob, ["999999", "x"])):
        answer = client.post("/tasks/execute", data={"task": ids, "_ask": "1"})
        assert (answer.status_code, answer.location) == (303, "/inbox")


def test_nothing_of_a_suspended_process_is_finished(bob, receipts):
    receipt_of(receipts[0]).suspend()
    finish(bob, receipts, answer="true")
    assert states(receipts) == ["ASSIGNED", "DONE", "DONE"]
    assert "suspended" in bob.get("/inbox").text


def test_a_database_that_is_away_for_a_moment_is_no_refusal(bob, receipts, monkeypatch):
    """Nothing is committed yet: the request is served again."""
    chosen, calls = queries.chosen, []

    def away(session, ids):
        calls.append(ids)
        if len(calls) == 2:
            raise OperationalError(None, None, Exception("the server is away"))
        return chosen(session, ids)

    monkeypatch.setattr(queries, "chosen", away)
    finish(bob, receipts, answer="true")
    assert states(receipts) == ["DONE"] * 3
    assert "refused" not in bob.get("/inbox").text
