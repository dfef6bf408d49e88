"""Pattern 16: Deferred Choice."""

from portal import flow, this


class DeferredChoiceFlow(flow.Flow):
    """Deferred choice

    The first event decides which branch is taken, and the others are withdrawn: `SplitFirst`."""

    start = flow.StartHandle().Next(this.what)
    what = flow.SplitFirst().Next(this.reply).Next(this.cancel_order)
    reply = flow.MessageCatch().Next(this.end)
    cancel_order = flow.MessageCatch().Next(this.refund)
    refund = flow.Handle().Next(this.end)
    end = flow.End()


def test_16_deferred_choice(flow_tester):
    run = flow_tester(DeferredChoiceFlow)
    run.start("start")
    assert run.task("reply").status == run.task("cancel_order").status == "STARTED"
    run.handle("cancel_order")
    assert run.tasks("reply")[0].status == "CANCELED"
    run.handle("refund")
    assert run.path == ["start", "cancel_order", "what", "refund", "end"]
    other = flow_tester(DeferredChoiceFlow)
    other.start("start")
    other.handle("reply")
    assert other.tasks("cancel_order")[0].status == "CANCELED"
    assert other.path == ["start", "reply", "what", "end"]
    assert other.process.status == "DONE"
