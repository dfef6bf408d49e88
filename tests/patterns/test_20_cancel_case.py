"""Pattern 20: Cancel Case."""

from portal import flow, this


class CreditCheckFlow(flow.Flow):
    """Credit check"""

    start = flow.StartHandle().Next(this.ask)
    ask = flow.Handle().Next(this.end)
    end = flow.End()


class CancelCaseFlow(flow.Flow):
    """Cancel case

    The whole process is withdrawn, with everything open in it and below it: `process.cancel()`, or a manager's
    button."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.check).Next(this.below)
    check = flow.ManualTask().Next(this.end)
    below = flow.Subprocess(CreditCheckFlow.start).Next(this.end)
    end = flow.End()


def test_20_cancel_case(flow_tester):
    flow_tester(CreditCheckFlow)
    run = flow_tester(CancelCaseFlow)
    run.start("start")
    run.process.cancel()
    assert run.process.status == "CANCELED"
    assert run.tasks("check")[0].status == run.tasks("below")[0].status == "CANCELED"
    assert run.children("below")[0].process.status == "CANCELED"
    assert run.path == ["start", "split"]
