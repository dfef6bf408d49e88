"""Pattern 32: Cancelling Partial Join."""

from portal import flow, this


class CancellingPartialJoinFlow(flow.Flow):
    """Cancelling partial join

    Two of three branches let the path go on, and the third is cancelled: `Join(count=2)`."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.anna).Next(this.ben).Next(this.cleo)
    anna = flow.ManualTask().Next(this.two)
    ben = flow.ManualTask().Next(this.two)
    cleo = flow.ManualTask().Next(this.two)
    two = flow.Join(count=2).Next(this.decide)
    decide = flow.Handle().Next(this.end)
    end = flow.End()


def test_32_cancelling_partial_join(flow_tester):
    run = flow_tester(CancellingPartialJoinFlow)
    run.start("start")
    run.task("ben").assign("ben").execute()
    run.task("anna").assign("anna").execute()
    assert run.tasks("cleo")[0].status == "CANCELED"
    run.handle("decide")
    assert run.path == ["start", "split", "ben", "anna", "two", "decide", "end"]
    assert run.process.status == "DONE"
