"""`.OnMessage` and `.OnSignal`: events on the border of a task that wait for news with a name."""

from __future__ import annotations

import pytest

from portal import flow, this
from portal.errors import FlowError, TransitionNotAllowed
from portal.models import Event, SignalSubscription, db
from tests.audit import faults


def make(**words):
    body = {
        "start": flow.StartHandle().Next(this.pack),
        "pack": flow.ManualTask()
        .OnMessage("cancelled", this.refund, **words)
        .OnSignal("strike", this.wait, **words)
        .Next(this.end),
        "refund": flow.ManualTask().Next(this.end),
        "wait": flow.ManualTask().Next(this.end),
        "end": flow.End(),
    }
    return type(flow.Flow)("OrderFlow", (flow.Flow,), body)


OrderFlow = make()
BesideFlow = make(interrupting=False)


def started(flow_tester, flow_class):
    run = flow_tester(flow_class)
    run.start()
    return run


def statuses(run):
    return {task.flow_task: task.status for task in run.process.tasks}


def test_a_message_interrupts(flow_tester):
    run = started(flow_tester, OrderFlow)
    OrderFlow.send("cancelled", process=run.process, why="too late", amount=3)
    assert statuses(run) == {
        "start": "DONE",
        "pack": "CANCELED",
        "pack__message": "DONE",
        "pack__signal": "CANCELED",
        "refund": "NEW",
    }
    [event] = run.tasks("pack__message")
    assert event.data == {"why": "too late", "amount": 3}
    assert run.task("refund").previous[0].id == event.id
    assert run.path == ["start", "pack__message"]
    row = db.session.query(Event).filter_by(task_id=event.id, to_state="DONE").one()
    assert row.action == "message"
    assert faults(db.session()) == []


def test_a_signal_interrupts_in_every_process(flow_tester):
    first, second = started(flow_tester, OrderFlow), started(flow_tester, OrderFlow)
    flow.throw_signal("strike")
    for run in (first, second):
        assert statuses(run)["pack"] == "CANCELED"
        assert run.task("wait").status == "NEW"
    assert faults(db.session()) == []


def test_what_does_not_interrupt_comes_each_time(flow_tester):
    run = started(flow_tester, BesideFlow)
    for number in (1, 2):
        BesideFlow.send("cancelled", process=run.process.id, number=number)
        flow.throw_signal("strike")
    assert [task.status for task in run.tasks("refund")] == ["NEW", "NEW"]
    assert [task.status for task in run.tasks("wait")] == ["NEW", "NEW"]
    assert [task.data.get("number") for task in run.tasks("pack__message")] == [1, 2, None]
    run.task("pack").assign("alice").execute()
    assert [task.status for task in run.tasks("pack__message")] == ["DONE", "DONE", "CANCELED"]
    assert [task.status for task in run.tasks("pack__signal")] == ["DONE", "DONE", "CANCELED"]
    assert faults(db.session()) == []


def test_nothing_hears_what_is_over(flow_tester):
    run = started(flow_tester, OrderFlow)
    run.task("pack").assign("alice").execute()
    flow.throw_signal("strike")
    assert run.process.status == "DONE"
    with pytest.raises(TransitionNotAllowed, match="«cancelled»; it waits for: none"):
        OrderFlow.send("cancelled", process=run.process)


def test_a_suspended_process_hears_signals_when_it_goes_on(flow_tester):
    run = started(flow_tester, OrderFlow)
    run.process.suspend()
    flow.throw_signal("strike")
    with pytest.raises(TransitionNotAllowed, match="suspended"):
        OrderFlow.send("cancelled", process=run.process)
    assert statuses(run)["pack"] == "NEW"
    run.process.resume()
    run.jobs()
    assert statuses(run)["pack"] == "CANCELED"


def test_a_revived_host_listens_again(flow_tester):
    run = started(flow_tester, OrderFlow)
    run.task("pack").cancel()
    [cancelled] = run.tasks("pack")
    cancelled.revive()
    flow.throw_signal("strike")
    assert [task.status for task in run.tasks("pack")] == ["REVIVED", "CANCELED"]
    assert run.task("wait").status == "NEW"


def test_a_message_that_nobody_declares(flow_tester):
    run = started(flow_tester, OrderFlow)
    with pytest.raises(
        TransitionNotAllowed, match="waits for no message «canceled»; its messages are: «cancelled»"
    ):
        OrderFlow.send("canceled", process=run.process)
    with pytest.raises(TypeError, match="needs process="):
        OrderFlow.send("cancelled")


def test_a_message_reaches_a_catch_by_its_name(flow_tester):
    class CatchFlow(flow.Flow):
        start = flow.StartHandle().Next(this.paid)
        paid = flow.MessageCatch(this.book).Next(this.end)
        end = flow.End()

        def book(self, activation, amount):
            activation.process.data["amount"] = amount

    run = started(flow_tester, CatchFlow)
    CatchFlow.send("paid", process=run.process, amount=5)
    assert (run.process.status, run.process.data) == ("DONE", {"amount": 5})


def test_two_at_once_and_the_task_is_interrupted_once(flow_tester, at_once):
    run = started(flow_tester, OrderFlow)
    key = run.process.id
    results = at_once(*[lambda: OrderFlow.send("cancelled", process=key)] * 2)
    assert sorted(type(each).__name__ for each in results) == ["NoneType", "TransitionNotAllowed"]
    assert len(run.tasks("refund")) == 1
    assert faults(db.session()) == []


def test_a_throw_finds_its_events_by_an_index(flow_tester):
    started(flow_tester, OrderFlow)
    assert [row.name for row in db.session.query(SignalSubscription)] == ["strike"]


@pytest.mark.parametrize("word", ["OnMessage", "OnSignal"])
def test_a_name_is_a_text(word):
    with pytest.raises(FlowError, match=rf"{word}\(\) takes the name"):

        class WrongFlow(flow.Flow):
            start = flow.StartHandle().Next(this.work)
            work = getattr(flow.ManualTask(), word)(7, this.end).Next(this.end)
            end = flow.End()
