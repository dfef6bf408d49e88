"""Pattern 31: Blocking Partial Join."""

from portal import act, flow, this


class BlockingPartialJoinFlow(flow.Flow):
    """Blocking partial join

    As the partial join; and when a loop runs the split again, its join waits until every branch of the earlier run is
    in."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.anna).Next(this.ben).Next(this.cleo)
    anna = flow.Handle().Next(this.two)
    ben = flow.Handle().Next(this.two)
    cleo = flow.Handle().Next(this.two)
    two = flow.Join(count=2, cancel_active=False, blocking=True).Next(this.decide)
    decide = flow.Handle(lambda activation, good: activation.process.data.update(good=good)).Next(this.good)
    good = flow.If(act.process.data["good"]).Then(this.end).Else(this.split)
    end = flow.End()


def test_31_blocking_partial_join(flow_tester):
    run = flow_tester(BlockingPartialJoinFlow)
    run.start("start")
    run.handle("anna")
    run.handle("ben")
    run.handle("decide", good=False)
    run.handle("anna")
    run.handle("ben")
    assert run.tasks("decide")[1:] == []
    early, late = run.tasks("cleo")
    BlockingPartialJoinFlow.cleo.run(task=early.id)
    run.handle("decide", good=True)
    BlockingPartialJoinFlow.cleo.run(task=late.id)
    first = ["split", "anna", "ben", "two", "decide", "good"]
    second = ["split", "anna", "ben", "cleo", "two", "decide", "good"]
    assert run.path == ["start", *first, *second, "end", "cleo"]
    assert run.process.status == "DONE"
