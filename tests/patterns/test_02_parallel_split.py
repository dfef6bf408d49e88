"""Pattern 2: Parallel Split."""

from portal import flow, this


class ParallelSplitFlow(flow.Flow):
    """Parallel split

    One path divides into several that go on side by side. Each branch of a `Split` has a token of its own."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.bill).Next(this.pack)
    bill = flow.Handle().Next(this.end)
    pack = flow.Handle().Next(this.end)
    end = flow.End()


def test_02_parallel_split(flow_tester):
    run = flow_tester(ParallelSplitFlow)
    run.start("start")
    assert [run.task(name).token for name in ("bill", "pack")] == ["start/2_1", "start/2_2"]
    run.handle("pack")
    run.handle("bill")
    assert run.path == ["start", "split", "pack", "end", "bill", "end"]
    assert run.process.status == "DONE"
