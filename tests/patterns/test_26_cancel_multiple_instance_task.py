"""Pattern 26: Cancel Multiple Instance Task."""

import datetime as dt

from portal import flow, this


class TrialFlow(flow.Flow):
    """Trial"""

    start = flow.StartHandle().Next(this.measure)
    measure = flow.Handle().Next(this.end)
    end = flow.End()


class CancelInstancesFlow(flow.Flow):
    """Cancel multiple instance task

    All instances of a step that are still open are withdrawn at once; those that are done stay done. An interrupting
    boundary event on an `NSubprocess` cancels its children."""

    start = flow.StartHandle().Next(this.trials)
    trials = (
        flow.NSubprocess(TrialFlow.start, ["A", "B", "C"])
        .OnTimeout(dt.timedelta(days=30), this.give_up)
        .Next(this.publish)
    )
    give_up = flow.Handle().Next(this.end)
    publish = flow.Handle().Next(this.end)
    end = flow.End()


def test_26_cancel_multiple_instance_task(flow_tester):
    flow_tester(TrialFlow)
    run = flow_tester(CancelInstancesFlow)
    run.start("start")
    run.children("trials")[1].handle("measure")
    run.advance(days=31)
    assert [child.process.status for child in run.children("trials")] == ["CANCELED", "DONE", "CANCELED"]
    assert run.tasks("trials")[0].status == "CANCELED"
    assert run.tasks("publish") == []
    run.handle("give_up")
    assert run.path == ["start", "trials__timeout", "give_up", "end"]
    assert run.process.status == "DONE"
