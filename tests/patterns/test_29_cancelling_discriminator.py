"""Pattern 29: Cancelling Discriminator."""

from portal import flow, this


class CancellingDiscriminatorFlow(flow.Flow):
    """Cancelling discriminator

    The first branch in lets the path go on, and the others are cancelled: `Join(count=1)`."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.ask_north).Next(this.ask_south)
    ask_north = flow.ManualTask().Next(this.first)
    ask_south = flow.ManualTask().Next(this.first)
    first = flow.Join(count=1).Next(this.order)
    order = flow.Handle().Next(this.end)
    end = flow.End()


def test_29_cancelling_discriminator(flow_tester):
    run = flow_tester(CancellingDiscriminatorFlow)
    run.start("start")
    run.task("ask_south").assign("alice").execute()
    assert run.tasks("ask_north")[0].status == "CANCELED"
    run.handle("order")
    assert run.path == ["start", "split", "ask_south", "first", "order", "end"]
    assert run.process.status == "DONE"
