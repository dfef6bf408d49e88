"""Pattern 39: Critical Section."""

from portal import flow, this


class CashFlow(flow.Flow):
    """At the till"""

    start = flow.StartHandle().Next(this.count)
    count = flow.Handle().Next(this.lock_up)
    lock_up = flow.Handle().Next(this.end)
    end = flow.End()


class CriticalSectionFlow(flow.Flow):
    """Critical section

    Several parts of a process, each of many steps, of which only one runs at a time: once begun it ends before another
    begins. Each part is a `Subprocess`, and they share a `.Mutex`."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.deposit).Next(this.payout)
    deposit = flow.Subprocess(CashFlow.start).Mutex("till").Next(this.both)
    payout = flow.Subprocess(CashFlow.start).Mutex("till").Next(this.both)
    both = flow.Join().Next(this.end)
    end = flow.End()


def test_39_critical_section(flow_tester):
    flow_tester(CashFlow)
    run = flow_tester(CriticalSectionFlow)
    run.start("start")
    for part in ("deposit", "payout"):
        (child,) = run.children(part)
        child.handle("count")
        assert len(run.children("deposit")) + len(run.children("payout")) == (1 if part == "deposit" else 2)
        child.handle("lock_up")
    assert run.path == ["start", "split", "deposit", "payout", "both", "end"]
    assert run.process.status == "DONE"
