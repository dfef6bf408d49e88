"""Who is told what: rows in the transaction of their cause."""

import datetime as dt
import threading

import pytest
from bills import BillFlow

from portal import flow, this
from portal.engine import actions, transaction
from portal.engine.queue import reminders, timers
from portal.engine.versions import migration
from portal.errors import TransitionNotAllowed
from portal.models import Outgoing, User, db


def prefer(session, people, name, **notices):
    session.get_one(User, people[name]).preferences = {"notices": notices}
    session.commit()


def test_one_is_told_of_a_task_that_another_person_gives(bill, act, rows):
    task = bill().task("check")
    act(task, "assign", "carol", to="bob")
    act(task, "reassign", "carol", to="dave")
    assert rows() == [("mail", "assigned", "bob"), ("mail", "assigned", "dave")]


def test_one_is_not_told_of_what_one_takes_oneself(bill, act, rows):
    act(bill().task("check"), "assign", "bob", to="bob")
    assert rows() == []


def test_a_rule_tells_its_assignee(flow_tester, people, rows):
    class RuleFlow(flow.Flow):
        start = flow.StartHandle().Next(this.do)
        do = flow.ManualTask().Assign(username="bob").Next(this.end)
        end = flow.End()

    flow_tester(RuleFlow).start()
    assert rows() == [("mail", "assigned", "bob")]


def test_only_the_last_owner_of_one_action_is_told(bill, session, people, rows):
    task = bill().task("check")
    with actions.activation(session, task.id) as activation:
        activation.assign(session.get_one(User, people["bob"]))
        activation.reassign(session.get_one(User, people["dave"]))
    assert rows() == [("mail", "assigned", "dave")]


def test_what_is_over_within_the_action_is_no_news(bill, session, people, rows):
    task = bill().task("check")
    with actions.activation(session, task.id) as activation:
        activation.assign(session.get_one(User, people["bob"]))
        activation.execute()
    assert rows() == [("mail", "finished", "alice")]


def test_the_requester_is_told_of_the_end(bill, rows):
    bill().task("check").assign("bob").execute(paid=True)
    assert rows() == [("mail", "finished", "alice")]


def test_the_requester_is_told_when_somebody_cancels(bill, session, people, rows):
    actions.cancel_process(session, bill().process.id, people["carol"])
    assert rows() == [("mail", "finished", "alice")]


def test_who_ends_it_oneself_is_not_told(bill, session, people, rows):
    actions.cancel_process(session, bill().process.id, people["erin"])
    session.get_one(User, people["alice"]).is_superuser = True
    session.commit()
    actions.cancel_process(session, bill().process.id, people["alice"])
    assert rows() == [("mail", "finished", "alice")]


def test_managers_are_told_of_a_failure(bill, rows):
    bill("<bad>").task("check").assign("bob").execute()
    assert rows() == [("mail", "failed", "carol")]


def test_a_role_makes_a_manager_too(bill, make_user, session, rows):
    frank = make_user("frank", roles=["Accounting"], email="frank@example.com")
    [role] = frank.roles
    role.permissions.append("bill.manage")
    session.commit()
    bill("<bad>").task("check").assign("bob").execute()
    assert rows() == [("mail", "failed", "carol"), ("mail", "failed", "frank")]


def test_without_a_manager_superusers_are_told(bill, session, people, rows):
    session.get_one(User, people["carol"]).permissions = []
    session.commit()
    bill("<bad>").task("check").assign("bob").execute()
    assert rows() == [("mail", "failed", "erin")]


def test_a_process_that_fails_tells_its_requester(flow_tester, people, session, rows):
    class FallFlow(flow.Flow):
        start = flow.StartHandle().Next(this.end)
        end = flow.ErrorEnd("fallen")

    flow_tester(FallFlow).start(user="alice")
    assert rows() == []  # alice did it herself
    FallFlow.start.run(_user=None)
    assert rows() == []  # nobody asked for it


def test_a_child_does_not_tell_its_end(flow_tester, people, make_user, act, rows):
    class ChildFlow(flow.Flow):
        start = flow.StartHandle().Next(this.do)
        do = flow.ManualTask().Assign(username="bob").Next(this.end)
        end = flow.End()

    class ParentFlow(flow.Flow):
        start = flow.StartHandle().Next(this.child)
        child = flow.Subprocess(ChildFlow.start).Next(this.end)
        end = flow.End()

    flow_tester(ChildFlow)
    run = flow_tester(ParentFlow)
    run.start(user="alice")
    child = run.children("child")[0]
    child.task("do").execute()
    assert rows() == [("mail", "assigned", "bob"), ("mail", "finished", "alice")]


@pytest.mark.parametrize("change", ["no address", "inactive", "switched off", "switched off by the flow"])
def test_who_wants_no_mail_gets_none(bill, act, session, people, rows, monkeypatch, change):
    bob = session.get_one(User, people["bob"])
    if change == "no address":
        bob.email = None
    elif change == "inactive":
        bob.is_active = False
    elif change == "switched off":
        bob.preferences = {"notices": {"assigned": False}}
    else:
        monkeypatch.setattr(BillFlow, "process_notices", {"assigned": False})
    session.commit()
    task = bill().task("check")
    act(task, "assign", None, to="bob")
    assert rows() == []


def test_the_owner_is_reminded_once_before_the_due_moment_and_once_after(
    bill, act, flow_tester, rows, session
):
    run = bill()
    act(run.task("check"), "assign", "bob", to="bob")
    run.advance(days=2.9)
    assert rows() == []
    run.advance(days=0.2)
    assert rows() == [("mail", "due", "bob")]
    run.advance(days=0.5)
    assert timers.turn(session) == 0
    run.advance(days=1)
    run.advance(days=9)
    assert rows() == [("mail", "due", "bob"), ("mail", "late", "bob")]


def test_a_short_time_is_reminded_of_half_way(bill, act, session, people, rows):
    run = bill()
    task = run.task("check")
    with actions.activation(session, task.id, people["bob"]) as activation:
        activation.assign(session.get_one(User, people["bob"]))
        activation.task.due = activation.task.created + dt.timedelta(hours=2)
    run.advance(minutes=59)
    assert rows() == []
    run.advance(minutes=2)
    assert rows() == [("mail", "due", "bob")]


def test_the_queue_is_told_only_to_who_asks_for_it(bill, session, people, rows):
    prefer(session, people, "dave", queue=True)
    prefer(session, people, "alice", queue=True)  # she may not take it
    run = bill()
    run.advance(days=5)
    assert rows() == [("mail", "queue", "dave"), ("mail", "due", "dave"), ("mail", "late", "dave")]


@pytest.mark.parametrize("how", ["done", "suspended"])
def test_nobody_is_reminded_of_what_is_done_or_suspended(bill, act, session, people, rows, how):
    prefer(session, people, "alice", finished=False)
    run = bill()
    task = run.task("check").assign("bob")
    if how == "done":
        task.execute()
    else:
        actions.suspend(session, run.process.id, people["carol"])
    run.advance(days=9)
    assert rows() == []
    if how == "suspended":
        actions.resume(session, run.process.id, people["carol"])
        run.advance(minutes=1)
        assert rows() == [("mail", "late", "bob")]


def test_what_is_rolled_back_leaves_nothing(bill, session, people, rows):
    task = bill().task("check")
    bob = session.get_one(User, people["bob"])
    with pytest.raises(TransitionNotAllowed), actions.activation(session, task.id) as activation:
        activation.assign(bob) or session.flush() or activation.unassign() or activation.reassign(bob)
    assert rows() == []


def test_what_a_failed_function_began_is_told_to_nobody(flow_tester, people, rows):
    class InnerFlow(flow.Flow):
        start = flow.StartHandle().Next(this.do)
        do = flow.ManualTask().Assign(username="bob").Next(this.end)
        end = flow.End()

    class OuterFlow(flow.Flow):
        start = flow.StartHandle().Next(this.call)
        call = flow.Function(this.begin).Next(this.end)
        end = flow.End()

        def begin(self, activation):
            InnerFlow.start.run()
            raise ValueError("too early")

    flow_tester(InnerFlow)
    flow_tester(OuterFlow).start()
    assert rows() == [("mail", "failed", "erin")]


def test_hooks_are_told_of_everything(hooked, bill, act, rows):
    act(bill().task("check"), "assign", "bob", to="bob")
    assert rows() == [("hook", "assigned", "hook")]


def test_a_flow_has_hooks_of_its_own(bill, act, session, monkeypatch):
    monkeypatch.setattr(BillFlow, "process_webhooks", ["https://one.example/a", "https://two.example/b"])
    act(bill().task("check"), "assign", "bob", to="bob")
    assert list(db.session.scalars(db.select(Outgoing.url))) == BillFlow.process_webhooks


def test_two_clocks_remind_once(bill, act, session, app, flow_tester, rows):
    for _ in range(5):
        act(bill().task("check"), "assign", "bob", to="bob")
    flow_tester.clock.offset += dt.timedelta(days=5)
    session.rollback()

    def turn():
        transaction.clock.set(flow_tester.clock)
        with app.app_context():
            for _ in range(5):
                reminders.turn(db.session(), limit=2)

    threads = [threading.Thread(target=turn) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows() == [("mail", "late", "bob")] * 5


def test_a_migration_tells_the_owner_nothing(flow_tester, people, rows, session):
    def declared(name, task):
        nodes = {
            "start": flow.StartHandle().Next(getattr(this, name)), name: task.Next(this.end), "end": flow.End()
        }  # fmt: skip
        return type(flow.Flow)("MovingFlow", (flow.Flow,), nodes)

    flow_tester(declared("do", flow.ManualTask().Assign(username="bob"))).start()
    newer = declared("perform", flow.ManualTask())
    flow_tester(newer)
    assert len(migration.move(session, newer, {"do": "perform"})) == 1
    assert rows() == [("mail", "assigned", "bob")]
