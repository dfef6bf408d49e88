"""Pattern 7: Structured Synchronizing Merge."""

from portal import act, flow, this


class SynchronizingMergeFlow(flow.Flow):
    """Structured synchronizing merge

    The branches that a multi-choice took are waited for, the others are not. It is the same `Join`: it waits for what
    can still arrive."""

    start = flow.StartHandle(this.plan).Next(this.needed)
    needed = (
        flow.Split()
        .Next(this.hotel, case=act.process.data["nights"] > 0)
        .Next(this.flight, case=act.process.data["far"])
        .Always(this.insurance)
    )
    hotel = flow.Handle().Next(this.booked)
    flight = flow.Handle().Next(this.booked)
    insurance = flow.Handle().Next(this.booked)
    booked = flow.Join().Next(this.pay)
    pay = flow.Handle().Next(this.end)
    end = flow.End()

    def plan(self, activation, nights, far):
        activation.process.data.update(nights=nights, far=far)


def test_07_structured_synchronizing_merge(flow_tester):
    for nights, far, taken in ((2, True, ["hotel", "flight"]), (2, False, ["hotel"]), (0, False, [])):
        run = flow_tester(SynchronizingMergeFlow)
        run.start("start", nights=nights, far=far)
        for name in ("insurance", *taken):
            assert run.tasks("pay") == []
            run.handle(name)
        run.handle("pay")
        assert run.path == ["start", "needed", "insurance", *taken, "booked", "pay", "end"]
        assert run.process.status == "DONE"
