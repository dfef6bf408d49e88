"""Pattern 9: Structured Discriminator."""

from portal import act, flow, this


class DiscriminatorFlow(flow.Flow):
    """Structured discriminator

    The first branch in lets the path go on; the others finish their work, and nothing starts twice. A join of `count=1`
    that leaves the others alive. When all are in it begins anew: in a loop the next run of the split has a fresh
    join."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.breathing).Next(this.pulse)
    breathing = flow.Handle().Next(this.first)
    pulse = flow.Handle().Next(this.first)
    first = flow.Join(count=1, cancel_active=False).Next(this.triage)
    triage = flow.Handle(this.note).Next(this.another)
    another = flow.If(act.process.data["another"]).Then(this.split).Else(this.end)
    end = flow.End()

    def note(self, activation, another):
        activation.process.data["another"] = another


def test_09_structured_discriminator(flow_tester):
    run = flow_tester(DiscriminatorFlow)
    run.start("start")
    run.handle("pulse")
    run.handle("breathing")
    assert run.path == ["start", "split", "pulse", "first", "breathing"]
    run.handle("triage", another=True)
    run.handle("breathing")
    run.handle("triage", another=False)
    assert run.process.status == "NEW"
    run.handle("pulse")
    first = ["split", "pulse", "first", "breathing", "triage", "another"]
    second = ["split", "breathing", "first", "triage", "another", "end", "pulse"]
    assert run.path == ["start", *first, *second]
    assert run.process.status == "DONE"
