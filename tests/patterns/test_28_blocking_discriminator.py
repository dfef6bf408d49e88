"""Pattern 28: Blocking Discriminator."""

from portal import flow, this


class BlockingDiscriminatorFlow(flow.Flow):
    """Blocking discriminator

    The first branch in lets the path go on. When a loop runs the split again, its join waits until every branch of the
    earlier run is in: `Join(count=1, cancel_active=False, blocking=True)`."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.call).Next(this.write)
    call = flow.Handle().Next(this.first)
    write = flow.Handle().Next(this.first)
    first = flow.Join(count=1, cancel_active=False, blocking=True).Next(this.once_more)
    once_more = flow.If(this.is_first_round).Then(this.split).Else(this.end)
    end = flow.End()

    def is_first_round(self, activation):
        first = "again" not in activation.process.data
        activation.process.data["again"] = True
        return first


def test_28_blocking_discriminator(flow_tester):
    run = flow_tester(BlockingDiscriminatorFlow)
    run.start("start")
    run.handle("call")
    assert run.path == ["start", "split", "call", "first", "once_more", "split"]
    run.handle("call")
    assert run.path.count("first") == 1
    early, late = run.tasks("write")
    BlockingDiscriminatorFlow.write.run(task=early.id)
    assert run.path[-5:] == ["call", "write", "first", "once_more", "end"]
    BlockingDiscriminatorFlow.write.run(task=late.id)
    assert run.path.count("first") == 2
    assert run.process.status == "DONE"
