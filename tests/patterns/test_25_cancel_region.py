"""Pattern 25: Cancel Region."""

from portal import flow, this


class CancelRegionFlow(flow.Flow):
    """Cancel region

    Everything open in a part of the process is withdrawn, and the rest goes on: `CancelRegion` with the nodes of the
    part."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.interview).Next(this.hearing).Next(this.confess).Next(this.feed)
    interview = flow.ManualTask().Next(this.write_up)
    write_up = flow.ManualTask().Next(this.over)
    hearing = flow.ManualTask().Next(this.over)
    confess = flow.Handle().Next(this.drop)
    drop = flow.CancelRegion(this.interview, this.write_up, this.hearing).Next(this.over)
    feed = flow.ManualTask().Next(this.over)
    over = flow.Join().Next(this.end)
    end = flow.End()


def test_25_cancel_region(flow_tester):
    run = flow_tester(CancelRegionFlow)
    run.start("start")
    run.task("interview").assign("alice").execute()
    run.handle("confess")
    assert run.tasks("write_up")[0].status == run.tasks("hearing")[0].status == "CANCELED"
    run.task("feed").assign("alice").execute()
    assert run.path == ["start", "split", "interview", "confess", "drop", "feed", "over", "end"]
    assert run.process.status == "DONE"
