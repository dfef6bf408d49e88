"""Races, ends of the whole process, and signals."""

import datetime as dt

import pytest

from portal import act, flow, this
from portal.errors import TransitionNotAllowed
from portal.models import Process


class RaceFlow(flow.Flow):
    start = flow.StartHandle().Next(this.race)
    race = flow.SplitFirst().Next(this.answer).Next(this.give_up)
    answer = flow.Handle().Next(this.thank)
    thank = flow.Handle().Next(this.end)
    give_up = flow.Timer(dt.timedelta(days=1)).Next(this.end)
    end = flow.End()


def test_the_first_branch_to_finish_a_task_wins(flow_tester):
    run = flow_tester(RaceFlow)
    run.start("start")
    assert run.task("race").status == "STARTED"
    run.handle("answer")
    assert run.tasks("give_up")[0].status == "CANCELED"
    assert run.tasks("race")[0].status == "DONE"
    assert run.process.status == "NEW"
    run.handle("thank")
    assert run.path == ["start", "answer", "race", "thank", "end"]


def test_the_timer_can_win(flow_tester):
    run = flow_tester(RaceFlow)
    run.start("start")
    run.advance(days=2)
    assert run.process.status == "DONE"
    assert run.tasks("answer")[0].status == "CANCELED"


class EndsFlow(flow.Flow):
    start = flow.StartHandle(this.begin).Next(this.split)
    split = flow.Split().Next(this.wait).Next(this.go)
    wait = flow.Handle().Next(this.end)
    go = flow.Handle().Next(this.how)
    how = flow.If(act.process.data["well"]).Then(this.stop).Else(this.fail)
    end = flow.End()
    stop = flow.TerminateEnd()
    fail = flow.ErrorEnd("broken")

    def begin(self, activation, well):
        activation.process.data["well"] = well


def test_a_terminate_end_ends_everything(flow_tester):
    run = flow_tester(EndsFlow)
    run.start("start", well=True)
    run.handle("go")
    assert run.process.status == "DONE"
    assert run.tasks("wait")[0].status == "CANCELED"


def test_an_error_end_fails_the_process(flow_tester):
    run = flow_tester(EndsFlow)
    run.start("start", well=False)
    run.handle("go")
    assert run.process.status == "FAILED"
    assert run.process.data["_error"] == "broken"
    assert run.tasks("wait")[0].status == "CANCELED"


class ListenFlow(flow.Flow):
    process_class = Process
    start = flow.StartHandle().Next(this.listen)
    listen = flow.SignalCatch("news").Next(this.end)
    end = flow.End()


class TellFlow(flow.Flow):
    start = flow.StartHandle().Next(this.tell)
    tell = flow.SignalThrow("news").Next(this.end)
    end = flow.End()


class BothFlow(flow.Flow):
    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.listen).Next(this.tell)
    listen = flow.SignalCatch("news").Next(this.join)
    tell = flow.SignalThrow("news").Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()


def test_one_throw_releases_every_armed_catch(flow_tester):
    listeners = [flow_tester(ListenFlow) for _ in range(3)]
    for each in listeners:
        each.start("start")
    teller = flow_tester(TellFlow)
    teller.start("start")
    assert [each.process.status for each in listeners] == ["DONE"] * 3
    late = flow_tester(ListenFlow)
    late.start("start")
    assert late.task("listen").status == "STARTED"


def test_a_catch_armed_before_the_throw_in_the_same_action_hears_it(flow_tester):
    run = flow_tester(BothFlow)
    run.start("start")
    assert run.process.status == "DONE"


def test_a_suspended_process_hears_the_signal_after_it_is_resumed(flow_tester):
    run = flow_tester(ListenFlow)
    run.start("start")
    run.process.suspend()
    flow_tester(TellFlow).start("start")
    assert run.task("listen").status == "STARTED"
    run.process.resume()
    run.advance(seconds=1)
    assert run.process.status == "DONE"


class TwinFlow(flow.Flow):
    """Has a node of the same name as another flow."""

    start = flow.StartHandle().Next(this.paid)
    paid = flow.Handle().Next(this.noted)
    noted = flow.MessageCatch().Next(this.end)
    end = flow.End()


class OtherTwinFlow(TwinFlow):
    """An heir: its processes are of its parent's kind too."""


class StrangerFlow(flow.Flow):
    start = flow.StartHandle().Next(this.paid)
    paid = flow.Handle().Next(this.noted)
    noted = flow.MessageCatch().Next(this.end)
    end = flow.End()


def test_a_handle_takes_processes_of_its_own_flow_alone(flow_tester):
    flow_tester(StrangerFlow)
    run = flow_tester(OtherTwinFlow)
    run.start("start")
    for name in ("paid", "noted"):
        node = getattr(StrangerFlow, name)
        with pytest.raises(TransitionNotAllowed, match="other_twin"):
            node.run(process=run.process)
        with pytest.raises(TransitionNotAllowed, match="other_twin"):
            node.run(task=run.task(name).task)
        getattr(TwinFlow, name).run(process=run.process)
    assert run.process.status == "DONE"
