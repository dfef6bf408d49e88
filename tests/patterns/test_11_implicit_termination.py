"""Pattern 11: Implicit Termination."""

from portal import flow, this


class ImplicitTerminationFlow(flow.Flow):
    """Implicit termination

    A process is over when nothing is left to do in it, whichever of its ends was reached last. So it is with `End`."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.news).Next(this.archive)
    news = flow.Handle().Next(this.told)
    archive = flow.Handle().Next(this.kept)
    told = flow.End()
    kept = flow.End()


def test_11_implicit_termination(flow_tester):
    for first, last in ((["archive", "kept"], ["news", "told"]), (["news", "told"], ["archive", "kept"])):
        run = flow_tester(ImplicitTerminationFlow)
        run.start("start")
        run.handle(first[0])
        assert run.process.status == "NEW"
        run.handle(last[0])
        assert run.process.status == "DONE"
        assert run.path == ["start", "split", *first, *last]
