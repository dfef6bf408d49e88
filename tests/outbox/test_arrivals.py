"""Who has asked for it hears that work has come to their queue: once for a burst, and nobody of their own doing."""

from __future__ import annotations

import datetime as dt

import pytest
from bills import BillFlow

from portal import flow, this
from portal.engine import actions
from portal.models import Outgoing, User, db


class ManyFlow(flow.Flow):
    """Many tasks of one step at once."""

    start = flow.StartHandle(this.begin).Next(this.split)
    split = flow.Split().Next(this.work, task_data_source=lambda a: [{}] * a.process.data["n"])
    work = flow.ManualTask().Permission("bill.can_check").Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()

    def begin(self, activation, n=20):
        activation.process.data["n"] = n


class SeenFlow(flow.Flow):
    """A step for whoever may see the process, and one that who did it may not do."""

    start = flow.StartHandle().Next(this.first)
    first = flow.ManualTask().Assign(username="bob").Next(this.second)
    second = flow.ManualTask().Next(this.third)
    third = flow.ManualTask().Permission("bill.can_check").NotSameAs(this.first).Next(this.end)
    end = flow.End()


@pytest.fixture
def askers(session, people):
    """Everybody has asked for mail about the queue, and for no other."""
    others = dict.fromkeys(("assigned", "due", "late", "failed", "finished"), False)
    for number in people.values():
        session.get_one(User, number).preferences = {"notices": {**others, "queue": True}}
    session.commit()


@pytest.fixture
def noon(time_machine):
    """A moment at the beginning of a burst, which stays."""
    time_machine.move_to(dt.datetime(2026, 6, 1, 12, 0, 1, tzinfo=dt.UTC), tick=False)
    return time_machine


pytestmark = pytest.mark.usefixtures("noon")


def told(rows):
    return sorted(receiver for kind, event, receiver in rows() if (kind, event) == ("mail", "queue"))


@pytest.mark.usefixtures("askers")
def test_those_who_may_take_it_hear_of_new_work_once_each(bill, rows):
    bill()
    assert told(rows) == ["bob", "dave", "erin"]


def test_nobody_hears_of_it_who_has_not_asked(bill, rows):
    bill()
    assert rows() == []


@pytest.mark.usefixtures("askers")
def test_who_gives_a_task_back_is_not_told_and_the_others_are(bill, act, rows, session, noon):
    task = bill().task("check")
    session.execute(db.delete(Outgoing))
    session.commit()
    noon.shift(600)
    act(task, "assign", "bob", to="bob")
    assert told(rows) == []
    act(task, "unassign", "bob")
    assert told(rows) == ["dave", "erin"]


@pytest.mark.usefixtures("askers")
def test_what_somebody_has_at_once_is_nothing_for_the_queue(flow_tester, rows):
    flow_tester(SeenFlow).start()
    assert told(rows) == []


@pytest.mark.usefixtures("askers")
def test_a_step_without_a_permission_is_told_to_who_may_see_it_and_separated_duties_hold(
    flow_tester, rows, noon
):
    run = flow_tester(SeenFlow)
    run.start()
    with run.task("first").activation() as activation:  # by the system: bob's step counts as his all the same
        activation.execute()
    assert told(rows) == ["bob", "erin"]
    noon.shift(600)
    run.task("second").assign("alice").execute()
    assert told(rows) == ["bob", "dave", "erin", "erin"]


@pytest.mark.usefixtures("askers")
def test_who_had_a_task_once_hears_of_steps_for_those_who_see_the_process(flow_tester, rows, session, people):
    run = flow_tester(SeenFlow)
    run.start()
    with run.task("first").activation() as activation:
        activation.reassign(session.get_one(User, people["erin"]))
    with run.task("first").activation() as activation:
        activation.execute()
    assert told(rows) == ["bob", "erin"]


@pytest.mark.usefixtures("askers")
def test_a_flow_can_switch_it_off(bill, rows, monkeypatch):
    monkeypatch.setattr(BillFlow, "process_notices", {"queue": False})
    bill()
    assert told(rows) == []


@pytest.mark.usefixtures("askers")
def test_many_tasks_are_one_row_and_cost_no_more_than_few(flow_tester, rows, count, session, noon):
    flow_tester(ManyFlow)
    costs = []
    for n in (2, 2, 50):
        noon.shift(600)
        with count() as statements:
            ManyFlow.start.run(n=n)
        costs.append(len(statements))
        session.expunge_all()
    assert told(rows) == sorted(["bob", "dave", "erin"] * 3)
    assert costs[2] <= costs[1]


def test_whoever_asks_for_nothing_costs_one_statement(flow_tester, people, count):
    flow_tester(ManyFlow)
    ManyFlow.start.run(n=2)
    with count() as statements:
        ManyFlow.start.run(n=2)
    assert sum("preferences" in each for each in statements) == 1


@pytest.mark.usefixtures("askers")
def test_a_burst_is_told_at_once_and_then_in_one_mail_of_all_that_followed(bill, rows, send, smtp, noon, act):
    first = bill("One")
    send()
    assert sorted(mail["To"] for mail in smtp.received) == [
        f"{who}@example.com" for who in ("bob", "dave", "erin")
    ]
    assert smtp.received[0]["Subject"].startswith("New in the queue: Check")
    followed = [bill(f"No. {number}") for number in range(5)]
    assert told(rows) == sorted(["bob", "dave", "erin"] * 2)
    smtp.received.clear()
    send()
    assert smtp.received == []
    act(followed[0].task("check"), "assign", "bob", to="bob")
    act(first.task("check"), "assign", "bob", to="bob")
    noon.shift(300)
    send()
    assert len(smtp.received) == 3
    text = smtp.received[0].get_body(("plain",)).get_content()
    assert "4 tasks that you may take are new in the queue" in text
    assert "No. 1" in smtp.received[0]["Subject"]


@pytest.mark.usefixtures("askers")
def test_what_was_taken_meanwhile_is_not_told(bill, rows, send, smtp, act):
    task = bill().task("check")
    act(task, "assign", "bob", to="bob")
    send()
    assert smtp.received == []
    assert rows() == []


@pytest.mark.usefixtures("askers")
def test_what_waits_for_the_end_of_a_burst_keeps_no_other_mail_waiting(
    bill, session, people, send, smtp, act
):
    bill()
    session.get_one(User, people["bob"]).preferences = {"notices": {"queue": True}}
    session.commit()
    task = bill().task("check")
    act(task, "assign", "carol", to="bob")
    send()
    assert [mail["Subject"][:5] for mail in smtp.received if mail["To"] == "bob@example.com"][-1] == "To do"


@pytest.mark.usefixtures("askers")
def test_what_a_suspended_process_holds_back_is_not_told(bill, session, people, rows, noon):
    run = bill()
    noon.shift(600)
    before = told(rows)
    actions.suspend(session, run.process.id, people["carol"])
    actions.resume(session, run.process.id, people["carol"])
    assert told(rows) == before
