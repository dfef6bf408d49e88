"""Pattern 10: Arbitrary Cycles."""

from portal import act, flow, this


class CyclesFlow(flow.Flow):
    """Arbitrary cycles

    A cycle with more than one way in or out. Any node may lead to any other; here one cycle can be entered at `write`
    and at `check`, and left at two places."""

    start = flow.StartHandle(this.note).Next(this.is_new)
    is_new = flow.If(act.process.data["new"]).Then(this.write).Else(this.check)
    write = flow.Handle(this.note).Next(this.given_up)
    given_up = flow.If(act.process.data["stop"]).Then(this.end).Else(this.check)
    check = flow.Handle(this.note).Next(this.good)
    good = flow.If(act.process.data["ok"]).Then(this.end).Else(this.write)
    end = flow.End()

    def note(self, activation, **news):
        activation.process.data.update(stop=False, ok=False)
        activation.process.data.update(news)


def test_10_arbitrary_cycles(flow_tester):
    run = flow_tester(CyclesFlow)
    run.start("start", new=False)
    run.handle("check")
    run.handle("write")
    run.handle("check", ok=True)
    assert run.path == ["start", "is_new", "check", "good", "write", "given_up", "check", "good", "end"]
    other = flow_tester(CyclesFlow)
    other.start("start", new=True)
    other.handle("write", stop=True)
    assert other.path == ["start", "is_new", "write", "given_up", "end"]
    assert other.process.status == "DONE"
