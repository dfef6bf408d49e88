"""A loop in which nothing waits ends by its condition, or as an incident: it must not keep the lock for ever."""

from __future__ import annotations

from portal import act, flow, jsonstore, this
from portal.engine.interpreter import step
from portal.models import Process, db


class RoundProcess(Process):
    rounds = jsonstore.IntegerField(default=0)
    wanted = jsonstore.IntegerField()


class RoundFlow(flow.Flow):
    process_class = RoundProcess

    start = flow.StartHandle(this.begin).Next(this.turn)
    turn = flow.Function(this.count).Next(this.again)
    again = flow.If(act.process.rounds < act.process.wanted).Then(this.turn).Else(this.end)
    end = flow.End()

    def begin(self, activation, wanted):
        activation.process.wanted = wanted
        return activation.process

    def count(self, activation):
        activation.process.rounds += 1


def test_a_loop_may_go_round_often(flow_tester, monkeypatch):
    monkeypatch.setattr(step, "VISITS", 20)
    run = flow_tester(RoundFlow)
    run.start(wanted=20)
    assert (run.process.status, run.process.rounds) == ("DONE", 20)


def test_one_that_does_not_end_becomes_an_incident_that_can_be_mended(flow_tester, monkeypatch):
    monkeypatch.setattr(step, "VISITS", 20)
    run = flow_tester(RoundFlow)
    run.start(wanted=10**9)
    stuck = run.task("turn")
    assert (stuck.status, run.process.rounds) == ("ERROR", 20)
    assert "the token came here 20 times in one action" in stuck.data["_exception"]["message"]
    run.process.wanted = 25
    db.session.commit()
    stuck.revive()
    assert (run.process.status, run.process.rounds) == ("DONE", 25)


def test_each_branch_goes_round_by_itself(flow_tester, monkeypatch):
    monkeypatch.setattr(step, "VISITS", 3)

    class WideFlow(flow.Flow):
        start = flow.StartHandle().Next(this.split)
        split = flow.Split().Next(
            this.look, task_data_source=lambda activation: [{"n": n} for n in range(10)]
        )
        look = flow.Function(lambda activation: None).Next(this.join)
        join = flow.Join().Next(this.end)
        end = flow.End()

    run = flow_tester(WideFlow)
    run.start()
    assert run.process.status == "DONE"
