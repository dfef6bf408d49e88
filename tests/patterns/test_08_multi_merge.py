"""Pattern 8: Multi-Merge."""

from portal import flow, this


class MultiMergeFlow(flow.Flow):
    """Multi-merge

    Branches come together without waiting, and what follows runs once for each of them. Lead them to one node that is
    no `Join`."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.foundation).Next(this.permit)
    foundation = flow.Handle().Next(this.file)
    permit = flow.Handle().Next(this.file)
    file = flow.Function(lambda activation: None).Next(this.end)
    end = flow.End()


def test_08_multi_merge(flow_tester):
    run = flow_tester(MultiMergeFlow)
    run.start("start")
    run.handle("permit")
    run.handle("foundation")
    assert run.path == ["start", "split", "permit", "file", "end", "foundation", "file", "end"]
    assert run.path.count("file") == 2
