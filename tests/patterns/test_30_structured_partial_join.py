"""Pattern 30: Structured Partial Join."""

from portal import flow, this


class PartialJoinFlow(flow.Flow):
    """Structured partial join

    Two of three branches let the path go on; the third one finishes its work, and nothing starts twice."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.anna).Next(this.ben).Next(this.cleo)
    anna = flow.Handle().Next(this.two)
    ben = flow.Handle().Next(this.two)
    cleo = flow.Handle().Next(this.two)
    two = flow.Join(count=2, cancel_active=False).Next(this.decide)
    decide = flow.Handle().Next(this.end)
    end = flow.End()


def test_30_structured_partial_join(flow_tester):
    run = flow_tester(PartialJoinFlow)
    run.start("start")
    run.handle("cleo")
    assert run.tasks("decide") == []
    run.handle("anna")
    run.handle("decide")
    assert run.process.status == "NEW"
    run.handle("ben")
    assert run.path == ["start", "split", "cleo", "anna", "two", "decide", "end", "ben"]
    assert run.process.status == "DONE"
