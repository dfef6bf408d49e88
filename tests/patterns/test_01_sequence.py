"""Pattern 1: Sequence."""

from portal import flow, this


class SequenceFlow(flow.Flow):
    """Sequence

    A step begins when the step before it is done. `.Next` says so."""

    start = flow.StartHandle().Next(this.pick)
    pick = flow.Handle().Next(this.pack)
    pack = flow.Handle().Next(this.send)
    send = flow.Handle().Next(this.end)
    end = flow.End()


def test_01_sequence(flow_tester):
    run = flow_tester(SequenceFlow)
    run.start("start")
    steps = ["pick", "pack", "send"]
    for number, name in enumerate(steps):
        assert [len(run.tasks(each)) for each in steps[number + 1 :]] == [0] * (2 - number)
        run.handle(name)
    assert run.path == ["start", "pick", "pack", "send", "end"]
    assert run.process.status == "DONE"
