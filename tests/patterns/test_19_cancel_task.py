"""Pattern 19: Cancel Task."""

from portal import flow, this


class CancelTaskFlow(flow.Flow):
    """Cancel task

    A task that has begun is withdrawn, and the process goes on without it. A manager cancels any open task; the flow
    itself does it with a deadline, or with `CancelRegion`. The join no longer waits for it."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.assess).Next(this.photograph)
    assess = flow.ManualTask().Next(this.join)
    photograph = flow.ManualTask().Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()


def test_19_cancel_task(flow_tester):
    run = flow_tester(CancelTaskFlow)
    run.start("start")
    run.task("assess").assign("alice").execute()
    run.task("photograph").assign("bob")
    run.task("photograph").cancel(user="carol")
    assert run.tasks("photograph")[0].status == "CANCELED"
    assert run.path == ["start", "split", "assess", "join", "end"]
    assert run.process.status == "DONE"
