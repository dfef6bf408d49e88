"""Pattern 33: Generalised AND-Join."""

from portal import act, flow, this


class GeneralisedAndJoinFlow(flow.Flow):
    """Generalised AND-join

    One of each: what comes more than once on one branch is kept for later. Each branch hands its piece over by a
    message, which waits until `MessageCatch` takes it; the join pairs a frame with wheels, for one bicycle after the
    other."""

    start = flow.StartHandle(this.begin).Next(this.lines)
    lines = flow.Split().Next(this.weld).Next(this.spoke).Next(this.bicycle)

    weld = flow.Handle().Next(this.give_frame)
    give_frame = flow.MessageThrow(this.put_frame).Next(this.more_frames)
    more_frames = flow.If(act.process.data["frames"] < 2).Then(this.weld).Else(this.end)

    spoke = flow.Handle().Next(this.give_wheels)
    give_wheels = flow.MessageThrow(this.put_wheels).Next(this.more_wheels)
    more_wheels = flow.If(act.process.data["wheels"] < 2).Then(this.spoke).Else(this.end)

    bicycle = flow.Split().Next(this.frame).Next(this.wheels)
    frame = flow.MessageCatch().Next(this.one_of_each)
    wheels = flow.MessageCatch().Next(this.one_of_each)
    one_of_each = flow.Join().Next(this.assemble)
    assemble = flow.Function(this.count_bicycle).Next(this.more_bicycles)
    more_bicycles = flow.If(act.process.data["bicycles"] < 2).Then(this.bicycle).Else(this.end)
    end = flow.End()

    def begin(self, activation):
        activation.process.data.update(frames=0, wheels=0, bicycles=0)

    def put_frame(self, activation):
        activation.process.data["frames"] += 1
        GeneralisedAndJoinFlow.frame.run(process=activation.process)

    def put_wheels(self, activation):
        activation.process.data["wheels"] += 1
        GeneralisedAndJoinFlow.wheels.run(process=activation.process)

    def count_bicycle(self, activation):
        activation.process.data["bicycles"] += 1


def test_33_generalised_and_join(flow_tester):
    run = flow_tester(GeneralisedAndJoinFlow)
    run.start("start")
    run.handle("weld")
    run.handle("weld")
    assert run.path.count("frame") == 1
    assert run.path.count("assemble") == 0
    run.handle("spoke")
    assert run.path.count("frame") == 2
    assert run.path.count("assemble") == 1
    run.handle("spoke")
    assert run.path.count("one_of_each") == run.path.count("assemble") == 2
    assert run.process.data["bicycles"] == 2
    assert run.process.status == "DONE"
