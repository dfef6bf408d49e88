"""Pattern 3: Synchronization."""

from portal import flow, this


class SynchronizationFlow(flow.Flow):
    """Synchronization

    Several branches become one again when all of them are in. A `Join` waits for every branch of its split."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.bill).Next(this.pack)
    bill = flow.Handle().Next(this.both)
    pack = flow.Handle().Next(this.both)
    both = flow.Join().Next(this.send)
    send = flow.Handle().Next(this.end)
    end = flow.End()


def test_03_synchronization(flow_tester):
    run = flow_tester(SynchronizationFlow)
    run.start("start")
    run.handle("pack")
    assert run.task("both").status == "STARTED"
    assert run.tasks("send") == []
    run.handle("bill")
    assert len(run.tasks("both")) == len(run.tasks("send")) == 1
    run.handle("send")
    assert run.path == ["start", "split", "pack", "bill", "both", "send", "end"]
    assert run.process.status == "DONE"
