"""Turns that tasks take, regions that are cancelled, joins that count."""

import pytest

from portal import act, flow, this
from portal.errors import FlowError, TransitionNotAllowed


class KitchenFlow(flow.Flow):
    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.bake).Next(this.roast).Next(this.ring).Next(this.clean)
    bake = flow.ManualTask().Mutex("oven").Next(this.join)
    roast = flow.ManualTask().Mutex("oven").Next(this.join)
    ring = flow.Handle().Mutex("oven").Next(this.join)
    clean = flow.ManualTask().Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()


@pytest.fixture
def kitchen(flow_tester):
    run = flow_tester(KitchenFlow)
    run.start("start")
    run.task("bake").assign("alice")
    return run


def test_a_mutex_is_held_from_assignment_to_the_end(kitchen):
    with pytest.raises(TransitionNotAllowed, match=r"«Bake» \(task 3\) is at work by alice"):
        kitchen.task("roast").assign("bob")
    with pytest.raises(TransitionNotAllowed, match="cannot run «Ring»"):
        kitchen.handle("ring")
    kitchen.task("clean").assign("bob").execute()
    assert kitchen.task("roast").status == "NEW"
    kitchen.task("bake").execute()
    kitchen.handle("ring")
    kitchen.task("roast").assign("bob").execute()
    assert kitchen.process.status == "DONE"


@pytest.mark.parametrize("action", ["unassign", "cancel"])
def test_a_mutex_is_given_back(kitchen, action):
    getattr(kitchen.task("bake"), action)()
    assert kitchen.task("roast").assign("bob").status == "ASSIGNED"


def test_a_mutex_is_held_within_one_process_only(kitchen, flow_tester):
    other = flow_tester(KitchenFlow)
    other.start("start")
    assert other.task("roast").assign("bob").status == "ASSIGNED"


class PoolFlow(flow.Flow):
    start = flow.StartHandle().Next(this.swim)
    swim = flow.ManualTask().Next(this.end)
    end = flow.End()


class LaneFlow(flow.Flow):
    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.first).Next(this.second).Next(this.sweep)
    first = flow.Subprocess(PoolFlow.start).Mutex("lane").Next(this.join)
    second = flow.Subprocess(PoolFlow.start).Mutex("lane").Next(this.join)
    sweep = flow.Function(lambda activation: None).Mutex("lane").Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()


@pytest.fixture
def lane(flow_tester):
    flow_tester(PoolFlow)
    run = flow_tester(LaneFlow)
    run.start("start")
    return run


def swim(run, node):
    (child,) = run.children(node)
    child.task("swim").assign("alice").execute()


def test_code_and_children_wait_until_a_mutex_is_free(lane):
    assert len(lane.children("first")) == 1
    assert lane.children("second") == []
    assert lane.task("sweep").status == "STARTED"
    swim(lane, "first")
    swim(lane, "second")
    assert lane.path == ["start", "split", "first", "second", "sweep", "join", "end"]


def test_the_next_one_goes_on_when_the_holder_is_cancelled(lane):
    lane.task("first").cancel()
    assert len(lane.children("second")) == 1


def test_an_undo_in_a_child_does_not_take_the_mutex_from_who_has_it_now(lane):
    swim(lane, "first")
    assert len(lane.children("second")) == 1
    (child,) = lane.children("first")
    with pytest.raises(TransitionNotAllowed, match=r"cannot undo: the parent has gone on"):
        child.tasks("end")[0].undo()
    lane.tasks("join")[0].cancel()
    with pytest.raises(TransitionNotAllowed, match=r"cannot undo «First»: «Second» \(task 4\) is at work"):
        child.tasks("end")[0].undo()


def test_a_suspended_process_starts_the_next_one_after_it_is_resumed(lane):
    lane.process.suspend()
    lane.task("first").cancel()
    assert lane.children("second") == []
    lane.process.resume()
    assert len(lane.children("second")) == 1


class ShipFlow(flow.Flow):
    start = flow.StartHandle(lambda activation: activation.process.data.update(loading=True)).Next(this.split)
    split = flow.Split().Next(this.load).Next(this.cast_off)
    load = flow.ManualTask().Milestone(act.process.data["loading"]).Next(this.join)
    cast_off = flow.Handle(this.leave).Milestone(this.may_leave).Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()

    def leave(self, activation, **more):
        activation.process.data["loading"] = False

    def may_leave(self, activation):
        return activation.process.data.get("papers", True)


def test_a_milestone_that_is_over(flow_tester):
    run = flow_tester(ShipFlow)
    run.start("start")
    run.task("load").assign("alice")
    run.handle("cast_off")
    with pytest.raises(TransitionNotAllowed, match=r"cannot execute «Load».*milestone"):
        run.task("load").execute()
    run.task("load").unassign()
    with pytest.raises(TransitionNotAllowed, match="cannot assign"):
        run.task("load").assign("bob")
    run.task("load").cancel()
    assert run.process.status == "DONE"


def test_a_milestone_that_is_not_reached(flow_tester):
    run = flow_tester(ShipFlow)
    run.start("start")
    with run.task("load").task.activation() as activation:
        activation.process.data["papers"] = False
    with pytest.raises(TransitionNotAllowed, match="cannot run «Cast off»"):
        run.handle("cast_off")
    assert run.process.data["loading"] is True


class RegionFlow(flow.Flow):
    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.write).Next(this.pool).Next(this.stop)
    write = flow.ManualTask().Next(this.join)
    pool = flow.Subprocess(PoolFlow.start).Next(this.join)
    stop = flow.Handle().Next(this.drop)
    drop = flow.CancelRegion(this.write, this.pool).Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()


def test_a_region_is_cancelled_with_its_children(flow_tester):
    flow_tester(PoolFlow)
    run = flow_tester(RegionFlow)
    run.start("start")
    run.handle("stop")
    assert run.tasks("write")[0].status == run.tasks("pool")[0].status == "CANCELED"
    assert run.children("pool")[0].process.status == "CANCELED"
    assert run.path == ["start", "split", "stop", "drop", "join", "end"]
    assert run.process.status == "DONE"


def test_what_is_done_in_a_region_stays_done(flow_tester):
    flow_tester(PoolFlow)
    run = flow_tester(RegionFlow)
    run.start("start")
    run.task("write").assign("alice").execute()
    run.handle("stop")
    assert run.path == ["start", "split", "write", "stop", "drop", "join", "end"]


class CountFlow(flow.Flow):
    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.a).Next(this.b).Next(this.c)
    a = flow.Handle().Next(this.join)
    b = flow.Handle().Next(this.join)
    c = flow.Handle().Next(this.join)
    join = flow.Join(count=2).Next(this.after)
    after = flow.Function(lambda activation: None).Next(this.end)
    end = flow.End()


class PatientCountFlow(CountFlow):
    join = flow.Join(count=2, cancel_active=False).Next(this.after)


@pytest.mark.parametrize(("flow_class", "third"), [(CountFlow, "CANCELED"), (PatientCountFlow, "STARTED")])
def test_a_join_counts_its_branches(flow_tester, flow_class, third):
    run = flow_tester(flow_class)
    run.start("start")
    run.handle("c")
    assert run.task("join").status == "STARTED"
    run.handle("a")
    assert run.tasks("b")[0].status == third
    assert run.path.count("after") == 1
    if third == "STARTED":
        run.handle("b")
    assert run.process.status == "DONE"
    assert run.path.count("after") == 1


def test_a_join_that_can_no_longer_count_so_far_goes_on(flow_tester):
    run = flow_tester(CountFlow)
    run.start("start")
    run.handle("a")
    run.task("b").cancel()
    run.task("c").cancel()
    assert run.process.status == "DONE"


class RoundsFlow(CountFlow):
    join = flow.Join(count=2, cancel_active=False, blocking=True).Next(this.again)
    again = flow.If(this.is_first).Then(this.split).Else(this.after)

    def is_first(self, activation):
        first = "seen" not in activation.process.data
        activation.process.data["seen"] = True
        return first


@pytest.mark.parametrize("end", ["done", "cancelled"])
def test_a_blocking_join_waits_for_the_earlier_round(flow_tester, end):
    run = flow_tester(RoundsFlow)
    run.start("start")
    for name in ("a", "b", "a", "b"):
        run.handle(name)
    assert run.path.count("join") == 1
    assert run.task("join").status == "STARTED"
    first, second = run.tasks("c")
    if end == "done":
        RoundsFlow.c.run(task=first.id)
    else:
        first.cancel()
    assert run.path[-4:] == ["join", "again", "after", "end"]
    RoundsFlow.c.run(task=second.id)
    assert run.process.status == "DONE"
    assert run.path.count("after") == 1


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (lambda: flow.Join(count=0).Next(this.end), "number from 1"),
        (lambda: flow.Join(count=1, blocking=True).Next(this.end), "cancel_active=False"),
        (lambda: flow.CancelRegion(this.wrk).Next(this.end), "did you mean this.work"),
        (lambda: flow.CancelRegion().Next(this.end), "needs the nodes"),
        (lambda: flow.Handle().Mutex("").Next(this.end), "takes a name"),
        (lambda: flow.ManualTask().Milestone(5).Next(this.end), "is no function"),
        (lambda: flow.Function(print).Milestone(print).Next(this.end), "put a ConditionalCatch"),
        (lambda: flow.MessageCatch().Mutex("m").Next(this.end), r"put \.Mutex"),
    ],
)
def test_wrong_words(words, fault):
    with pytest.raises(FlowError, match=fault):

        class WrongFlow(flow.Flow):
            start = flow.StartHandle().Next(this.split)
            split = flow.Split().Next(this.work).Next(this.wrong)
            work = flow.ManualTask().Next(this.wrong)
            wrong = words()
            end = flow.End()
