"""Patterns 21 to 33: loops, triggers, regions, discriminators and partial joins."""

import datetime as dt

from portal import act, flow, this


class StructuredLoopFlow(flow.Flow):
    """Structured loop

    A step is done again and again, with the test before it or after it. An `If` leads back."""

    start = flow.StartHandle(lambda activation, left: activation.process.data.update(left=left)).Next(
        this.more
    )
    more = flow.If(act.process.data["left"] > 0).Then(this.grade).Else(this.end)
    grade = flow.Handle(this.count_down).Next(this.more)
    end = flow.End()

    def count_down(self, activation):
        activation.process.data["left"] -= 1


def test_21_structured_loop(flow_tester):
    for left in (0, 3):
        run = flow_tester(StructuredLoopFlow)
        run.start("start", left=left)
        for _ in range(left):
            run.handle("grade")
        assert run.path == ["start", "more", *["grade", "more"] * left, "end"]


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
        run.handle("weigh")
    assert inner.path == ["start", "has_parts", "weigh", "end"]
    assert middle.path == outer.path == ["start", "has_parts", "part", "weigh", "end"]


class SirenFlow(flow.Flow):
    """Siren"""

    start = flow.StartHandle().Next(this.sound)
    sound = flow.SignalThrow("alarm").Next(this.end)
    end = flow.End()


class TransientTriggerFlow(flow.Flow):
    """Transient trigger

    Something from outside sets a step off, if it waits at that moment; else it is lost. `SignalCatch` hears what is
    thrown while it is armed."""

    start = flow.StartHandle().Next(this.patrol)
    patrol = flow.Handle().Next(this.alarm)
    alarm = flow.SignalCatch("alarm").Next(this.drive_out)
    drive_out = flow.Handle().Next(this.end)
    end = flow.End()


def test_23_transient_trigger(flow_tester):
    run = flow_tester(TransientTriggerFlow)
    run.start("start")
    flow_tester(SirenFlow).start("start")
    run.handle("patrol")
    assert run.task("alarm").status == "STARTED"
    flow_tester(SirenFlow).start("start")
    run.handle("drive_out")
    assert run.path == ["start", "patrol", "alarm", "drive_out", "end"]


class PersistentTriggerFlow(flow.Flow):
    """Persistent trigger

    Something from outside sets a step off, and is kept until the step is ready for it. `MessageCatch` keeps what comes
    too early, and takes it once."""

    start = flow.StartHandle().Next(this.pack)
    pack = flow.Handle().Next(this.paid)
    paid = flow.MessageCatch().Next(this.send)
    send = flow.Handle().Next(this.end)
    end = flow.End()


def test_24_persistent_trigger(flow_tester):
    run = flow_tester(PersistentTriggerFlow)
    run.start("start")
    run.handle("paid")
    assert run.path == ["start"]
    run.handle("pack")
    run.handle("send")
    assert run.path == ["start", "pack", "paid", "send", "end"]


class CancelRegionFlow(flow.Flow):
    """Cancel region

    Everything open in a part of the process is withdrawn, and the rest goes on: `CancelRegion` with the nodes of the
    part."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.interview).Next(this.hearing).Next(this.confess).Next(this.feed)
    interview = flow.ManualTask().Next(this.write_up)
    write_up = flow.ManualTask().Next(this.over)
    hearing = flow.ManualTask().Next(this.over)
    confess = flow.Handle().Next(this.drop)
    drop = flow.CancelRegion(this.interview, this.write_up, this.hearing).Next(this.over)
    feed = flow.ManualTask().Next(this.over)
    over = flow.Join().Next(this.end)
    end = flow.End()


def test_25_cancel_region(flow_tester):
    run = flow_tester(CancelRegionFlow)
    run.start("start")
    run.task("interview").assign("alice").execute()
    run.handle("confess")
    assert run.tasks("write_up")[0].status == run.tasks("hearing")[0].status == "CANCELED"
    run.task("feed").assign("alice").execute()
    assert run.path == ["start", "split", "interview", "confess", "drop", "feed", "over", "end"]
    assert run.process.status == "DONE"


class TrialFlow(flow.Flow):
    """Trial"""

    start = flow.StartHandle().Next(this.measure)
    measure = flow.Handle().Next(this.end)
    end = flow.End()


class CancelInstancesFlow(flow.Flow):
    """Cancel multiple instance task

    All instances of a step that are still open are withdrawn at once; those that are done stay done. An interrupting
    boundary event on an `NSubprocess` cancels its children."""

    start = flow.StartHandle().Next(this.trials)
    trials = (
        flow.NSubprocess(TrialFlow.start, ["A", "B", "C"])
        .OnTimeout(dt.timedelta(days=30), this.give_up)
        .Next(this.publish)
    )
    give_up = flow.Handle().Next(this.end)
    publish = flow.Handle().Next(this.end)
    end = flow.End()


def test_26_cancel_multiple_instance_task(flow_tester):
    flow_tester(TrialFlow)
    run = flow_tester(CancelInstancesFlow)
    run.start("start")
    run.children("trials")[1].handle("measure")
    run.advance(days=31)
    assert [child.process.status for child in run.children("trials")] == ["CANCELED", "DONE", "CANCELED"]
    run.handle("give_up")
    assert run.path == ["start", "trials__timeout", "give_up", "end"]


class CompleteInstancesFlow(flow.Flow):
    """Complete multiple instance task

    The instances that are still open are withdrawn, and the path goes on as if all were done. The join's condition asks
    whether `enough` was said; what is open then is cancelled."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.survey, task_data_source=lambda activation: [{}] * 3).Next(this.enough)
    survey = flow.ManualTask().Next(this.complete)
    enough = flow.Handle().Next(this.complete)
    complete = flow.Join(continue_on_condition=this.is_complete).Next(this.report)
    report = flow.Handle().Next(this.end)
    end = flow.End()

    def is_complete(self, activation, active_tasks):
        open_nodes = {task.flow_task for task in active_tasks}
        return "enough" not in open_nodes or "survey" not in open_nodes


def test_27_complete_multiple_instance_task(flow_tester):
    for answers, said in ((1, True), (3, False)):
        run = flow_tester(CompleteInstancesFlow)
        run.start("start")
        for task in run.tasks("survey")[:answers]:
            assert run.tasks("report") == []
            task.assign("alice").execute()
        if said:
            run.handle("enough")
        run.handle("report")
        done = ["survey"] * answers + ["enough"] * said
        assert run.path == ["start", "split", *done, "complete", "report", "end"]
        assert run.process.status == "DONE"


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


class PartialJoinFlow(flow.Flow):
    """Structured partial join

    Two of three branches let the path go on; the third one finishes its work, and nothing starts twice."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.anna).Next(this.ben).Next(this.cleo)
    anna = flow.Handle().Next(this.two)
    ben = flow.Handle().Next(this.two)
    cleo = flow.Handle().Next(this.two)
    two = flow.Join(count=2, cancel_active=False).Next(this.decide)
    decide = flow.Handle().Next(this.end)
    end = flow.End()


def test_30_structured_partial_join(flow_tester):
    run = flow_tester(PartialJoinFlow)
    run.start("start")
    run.handle("cleo")
    assert run.tasks("decide") == []
    run.handle("anna")
    run.handle("decide")
    assert run.process.status == "NEW"
    run.handle("ben")
    assert run.path == ["start", "split", "cleo", "anna", "two", "decide", "end", "ben"]
    assert run.process.status == "DONE"


class BlockingPartialJoinFlow(flow.Flow):
    """Blocking partial join

    As the partial join; and when a loop runs the split again, its join waits until every branch of the earlier run is
    in."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.anna).Next(this.ben).Next(this.cleo)
    anna = flow.Handle().Next(this.two)
    ben = flow.Handle().Next(this.two)
    cleo = flow.Handle().Next(this.two)
    two = flow.Join(count=2, cancel_active=False, blocking=True).Next(this.decide)
    decide = flow.Handle(lambda activation, good: activation.process.data.update(good=good)).Next(this.good)
    good = flow.If(act.process.data["good"]).Then(this.end).Else(this.split)
    end = flow.End()


def test_31_blocking_partial_join(flow_tester):
    run = flow_tester(BlockingPartialJoinFlow)
    run.start("start")
    run.handle("anna")
    run.handle("ben")
    run.handle("decide", good=False)
    run.handle("anna")
    run.handle("ben")
    assert run.tasks("decide")[1:] == []
    early, late = run.tasks("cleo")
    BlockingPartialJoinFlow.cleo.run(task=early.id)
    run.handle("decide", good=True)
    BlockingPartialJoinFlow.cleo.run(task=late.id)
    first = ["split", "anna", "ben", "two", "decide", "good"]
    second = ["split", "anna", "ben", "cleo", "two", "decide", "good"]
    assert run.path == ["start", *first, *second, "end", "cleo"]
    assert run.process.status == "DONE"


class CancellingPartialJoinFlow(flow.Flow):
    """Cancelling partial join

    Two of three branches let the path go on, and the third is cancelled: `Join(count=2)`."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.anna).Next(this.ben).Next(this.cleo)
    anna = flow.ManualTask().Next(this.two)
    ben = flow.ManualTask().Next(this.two)
    cleo = flow.ManualTask().Next(this.two)
    two = flow.Join(count=2).Next(this.decide)
    decide = flow.Handle().Next(this.end)
    end = flow.End()


def test_32_cancelling_partial_join(flow_tester):
    run = flow_tester(CancellingPartialJoinFlow)
    run.start("start")
    run.task("ben").assign("ben").execute()
    run.task("anna").assign("anna").execute()
    assert run.tasks("cleo")[0].status == "CANCELED"
    run.handle("decide")
    assert run.path == ["start", "split", "ben", "anna", "two", "decide", "end"]
    assert run.process.status == "DONE"


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
