"""Pattern 22: Recursion."""

from portal import act, flow, this


class RecursionFlow(flow.Flow):
    """Recursion

    A step calls the process that it is a part of. `Subprocess(this.start)` does, as deep as the application allows."""

    start = flow.StartHandle(this.begin).Next(this.has_parts)
    has_parts = flow.If(act.process.data["levels"] > 1).Then(this.part).Else(this.weigh)
    part = flow.Subprocess(this.start, levels=act.process.data["levels"] - 1).Next(this.weigh)
    weigh = flow.Handle().Next(this.end)
    end = flow.End()

    def begin(self, activation, levels):
        activation.process.data["levels"] = levels


def test_22_recursion(flow_tester):
    outer = flow_tester(RecursionFlow)
    outer.start("start", levels=3)
    (middle,) = outer.children("part")
    (inner,) = middle.children("part")
    assert inner.children("part") == []
    for run in (inner, middle, outer):
        assert outer.tasks("weigh") == [] or run is outer
        run.handle("weigh")
    assert inner.path == ["start", "has_parts", "weigh", "end"]
    assert middle.path == outer.path == ["start", "has_parts", "part", "weigh", "end"]
    assert outer.process.status == "DONE"
