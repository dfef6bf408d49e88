"""Pattern 43: Explicit Termination."""

from portal import flow, this


class ExplicitTerminationFlow(flow.Flow):
    """Explicit termination

    The process ends when a certain node is reached, and what is open is cancelled: `TerminateEnd`."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.search).Next(this.found)
    search = flow.ManualTask().Next(this.end)
    found = flow.Handle().Next(this.stop)
    stop = flow.TerminateEnd()
    end = flow.End()


def test_43_explicit_termination(flow_tester):
    run = flow_tester(ExplicitTerminationFlow)
    run.start("start")
    run.handle("found")
    assert run.tasks("search")[0].status == "CANCELED"
    assert run.path == ["start", "split", "found", "stop"]
    assert run.process.status == "DONE"
