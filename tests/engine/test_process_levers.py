"""Withdrawing one's own request, retrying all that failed, and correcting data."""

from __future__ import annotations

import pytest

from portal import flow, jsonstore, this
from portal.engine import actions
from portal.errors import FlowError, PermissionDenied, TransitionNotAllowed
from portal.models import Event, Process, db


class OrderProcess(Process):
    item = jsonstore.StringField("Item", default="")
    count = jsonstore.IntegerField("Count", default=0)


def order_flow(rule):
    class OrderFlow(flow.Flow):
        process_class = OrderProcess
        withdraw = rule
        start = flow.StartHandle().Next(this.pack)
        pack = flow.ManualTask().Next(this.end)
        end = flow.End()

    return OrderFlow


def own(self, process):
    return process.item != "bought"


@pytest.mark.parametrize(
    "rule",
    [True, lambda process: process.item != "bought", own, staticmethod(lambda process: not process.count)],
)
def test_who_started_it_may_take_it_back_while_the_flow_allows(flow_tester, make_user, rule):
    run = flow_tester(order_flow(rule))
    alice, carol = make_user("alice"), make_user("carol", "order.manage")
    run.start(user="alice")
    with pytest.raises(PermissionDenied):
        run.process.withdraw(carol)
    run.process.withdraw(alice, reason="I have one")
    assert (run.process.status, run.tasks("pack")[0].status) == ("CANCELED", "CANCELED")
    rows = db.session.query(Event).filter_by(action="withdraw").all()
    assert {row.user.username for row in rows} == {"alice"}
    assert {row.detail["reason"] for row in rows} == {"I have one"}
    with pytest.raises(TransitionNotAllowed):
        run.process.withdraw(alice)


@pytest.mark.parametrize("rule", [False, lambda process: process.item != "bought", own])
def test_what_the_flow_does_not_allow_is_not_withdrawn(flow_tester, make_user, rule):
    run = flow_tester(order_flow(rule))
    run.start(user="alice")
    run.process.item = "bought"
    db.session.commit()
    for who in (make_user("bob"), None):
        with pytest.raises(TransitionNotAllowed, match="its flow does not allow that now"):
            run.process.withdraw(who)
    assert run.process.status == "NEW"


@pytest.mark.parametrize("rule", [None, "yes", lambda: True, lambda process, user: True])
def test_a_wrong_rule_is_a_fault_of_the_flow(rule):
    with pytest.raises(FlowError, match="withdraw: "):
        order_flow(rule)


def test_a_step_may_be_called_withdraw():
    class WithdrawnFlow(flow.Flow):
        start = flow.StartHandle().Next(this.withdraw)
        withdraw = flow.End()

    assert "withdraw" in WithdrawnFlow.definition.nodes


def test_a_method_that_a_node_calls_is_no_rule(flow_tester):
    class ReturnedFlow(flow.Flow):
        start = flow.StartHandle().Next(this.wait)
        wait = flow.Handle(this.withdraw).Next(this.end)
        end = flow.End()

        def withdraw(self, activation):
            activation.process.data["called"] = True

    run = flow_tester(ReturnedFlow)
    run.start()
    with pytest.raises(TransitionNotAllowed):
        run.process.withdraw()
    assert run.process.data == {}


class ShakyFlow(flow.Flow):
    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.one).Next(this.two)
    one = flow.Function(this.work).Next(this.join)
    two = flow.Function(this.work).Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()

    def work(self, activation):
        if not activation.process.data.get("mended"):
            raise ValueError("it is broken")


class AboveFlow(flow.Flow):
    start = flow.StartHandle().Next(this.call)
    call = flow.Subprocess(ShakyFlow.start).Next(this.end)
    end = flow.End()


def test_all_that_failed_in_it_is_retried_at_once(flow_tester, make_user):
    run = flow_tester(AboveFlow)
    run.start()
    [child] = run.children("call")
    with pytest.raises(PermissionDenied):
        actions.retry(db.session(), run.process, make_user("dave"))
    told = actions.retry(db.session(), run.process, make_user("erin", is_superuser=True), "it may work now")
    assert ([task.status for task in told.fresh], told.refused) == (["ERROR", "ERROR"], [])
    child.process.data["mended"] = True
    db.session.commit()
    actions.retry(db.session(), run.process)
    assert (child.process.status, run.process.status) == ("DONE", "DONE")
    reasons = {row.detail.get("reason") for row in db.session.query(Event).filter_by(action="revive")}
    assert reasons == {"it may work now", None}
    assert [task.status for task in child.tasks("one")] == ["REVIVED", "REVIVED", "DONE"]


def test_where_nothing_failed_nothing_is_retried(flow_tester):
    run = flow_tester(order_flow(True))
    run.start()
    with pytest.raises(TransitionNotAllowed, match="nothing in it has failed"):
        actions.retry(db.session(), run.process)


def test_a_child_in_a_flow_of_others_stays_failed_and_is_told(flow_tester, make_user):
    run = flow_tester(AboveFlow)
    run.start()
    told = actions.retry(db.session(), run.process, make_user("carol", "above.manage"))
    assert told.fresh == []
    assert all("shaky.manage" in line for line in told.refused)
    assert len(told.refused) == 2


def test_corrected_data_is_kept_with_old_and_new(flow_tester, make_user):
    run = flow_tester(order_flow(True))
    run.start()
    carol = make_user("carol", "order.manage")
    with pytest.raises(PermissionDenied), actions.changing_data(db.session(), run.process, make_user("dave")):
        pass
    with actions.changing_data(db.session(), run.process, carol, "she called") as process:
        process.item, process.count = "a" * 600, 0
    [row] = db.session.query(Event).filter_by(action="data")
    assert (row.from_state, row.to_state, row.user.username, row.detail["reason"]) == (
        "NEW",
        "NEW",
        "carol",
        "she called",
    )
    [(name, (old, new))] = [each for each in row.detail["changes"].items() if each[0] == "item"]
    assert (name, old, new[:3], len(new)) == ("item", None, '"aa', 501)
    with actions.changing_data(db.session(), run.process, carol) as process:
        process.count = process.count
    assert db.session.query(Event).filter_by(action="data").count() == 1
    run.process.cancel()
    with pytest.raises(TransitionNotAllowed), actions.changing_data(db.session(), run.process, carol):
        pass
