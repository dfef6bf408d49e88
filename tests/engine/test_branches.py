"""Tokens, splits and joins."""

from __future__ import annotations

import pytest

from portal import flow, this
from portal.models import Task


def begin(activation, **data):
    activation.process.data.update(data)
    return activation.process


def do(run, name, index=None):
    task = run.task(name) if index is None else [t for t in run.tasks(name) if t.is_open][index]
    task.assign("alice").execute()


def tokens(run):
    return {(t.flow_task, t.token) for t in run.process.tasks}


class ManyFlow(flow.Flow):
    """A split over items, an optional branch, and one that is always there."""

    start = flow.StartHandle(begin).Next(this.split)
    split = (
        flow.Split()
        .Next(this.optional, case=lambda a: a.process.data.get("optional"))
        .Next(this.item, task_data_source=lambda a: [{"n": n} for n in range(a.process.data["items"])])
        .Next(this.other, case=lambda a: a.process.data.get("other"))
    )
    optional = flow.ManualTask().Next(this.join)
    item = flow.ManualTask().Next(this.join)
    other = flow.ManualTask().Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()


def test_branches_count_from_one_without_gaps(flow_tester):
    run = flow_tester(ManyFlow)
    run.start(items=2, other=True)

    assert [t.token for t in run.tasks("item")] == ["start/2_1", "start/2_2"]
    assert [t.data for t in run.tasks("item")] == [{"n": 0}, {"n": 1}]
    assert run.task("other").token == "start/2_3"
    for name in ("item", "other", "item"):
        do(run, name, 0)
    assert run.tasks("join")[0].token == run.tasks("end")[0].token == "start"
    assert run.process.status == "DONE"
    assert len(run.tasks("join")[0].task.previous) == 3


def test_a_split_with_nothing_to_do_goes_straight_to_its_join(flow_tester):
    run = flow_tester(ManyFlow)
    run.start(items=0)
    assert run.path == ["start", "split", "join", "end"]
    assert run.process.status == "DONE"


class NestedFlow(flow.Flow):
    start = flow.StartHandle(begin).Next(this.outer)
    outer = flow.Split().Next(this.inner).Next(this.c)
    inner = flow.Split().Next(this.a).Next(this.b)
    a = flow.ManualTask().Next(this.inner_join)
    b = flow.ManualTask().Next(this.inner_join)
    inner_join = flow.Join().Next(this.between)
    between = flow.ManualTask().Next(this.outer_join)
    c = flow.ManualTask().Next(this.outer_join)
    outer_join = flow.Join().Next(this.end)
    end = flow.End()


@pytest.mark.parametrize("order", ["a b between c", "c b a between", "a c b between"])
def test_nested_splits(flow_tester, order):
    run = flow_tester(NestedFlow)
    run.start()
    assert {t.flow_task: t.token for t in run.process.tasks if t.is_open} == {
        "a": "start/2_1/3_1",
        "b": "start/2_1/3_2",
        "c": "start/2_2",
    }
    for name in order.split():
        assert run.process.status == "NEW"
        do(run, name)
    assert run.tasks("inner_join")[0].token == run.tasks("between")[0].token == "start/2_1"
    assert run.tasks("outer_join")[0].token == "start"
    assert run.process.status == "DONE"
    assert len(run.tasks("end")) == 1


class TwiceFlow(flow.Flow):
    """Two tokens pass through one split and join side by side."""

    start = flow.StartHandle(begin).Next(this.fan)
    fan = flow.Split().Next(this.pair, task_data_source=lambda a: [{"n": 1}, {"n": 2}])
    pair = flow.Split().Next(this.left).Next(this.right)
    left = flow.ManualTask().Next(this.meet)
    right = flow.ManualTask().Next(this.meet)
    meet = flow.Join().Next(this.after)
    after = flow.ManualTask().Next(this.all)
    all = flow.Join().Next(this.end)
    end = flow.End()


def test_two_tokens_side_by_side_do_not_meet(flow_tester):
    run = flow_tester(TwiceFlow)
    run.start()
    assert len(run.tasks("left")) == len(run.tasks("right")) == 2
    do(run, "left", 0)
    do(run, "right", 1)  # of the other pair
    assert not run.tasks("after")
    assert [t.status for t in run.tasks("meet")] == ["STARTED", "STARTED"]
    do(run, "right", 0)
    assert [t.token for t in run.tasks("after")] == ["start/2_1"]
    do(run, "left", 0)
    assert [t.token for t in run.tasks("after")] == ["start/2_1", "start/2_2"]
    do(run, "after", 1)
    do(run, "after", 0)
    assert run.process.status == "DONE"
    assert len(run.tasks("end")) == 1


class EarlyFlow(flow.Flow):
    start = flow.StartHandle(begin).Next(this.split)
    split = flow.Split().Next(this.item, task_data_source=lambda a: [{"n": n} for n in range(3)])
    item = flow.ManualTask().Next(this.join)
    join = flow.Join(continue_on_condition=this.enough, cancel_active=True).Next(this.end)
    end = flow.End()

    def enough(self, activation, active_tasks):
        assert isinstance(active_tasks, list)
        assert all(task.flow_task == "item" for task in active_tasks)
        activation.process.data.setdefault("seen", []).append(len([t for t in active_tasks if t.is_open]))
        return len(active_tasks) <= 1


class LateFlow(EarlyFlow):
    join = flow.Join(continue_on_condition=this.enough, cancel_active=False).Next(this.end)


def test_a_condition_lets_a_join_go_on_early_and_cancels_the_rest(flow_tester):
    run = flow_tester(EarlyFlow)
    run.start()
    do(run, "item", 0)
    assert run.process.status == "NEW"
    do(run, "item", 0)
    assert [t.status for t in run.tasks("item")] == ["DONE", "DONE", "CANCELED"]
    assert run.process.status == "DONE"
    assert run.process.data["seen"] == [2, 1]


def test_late_branches_arrive_silently(flow_tester):
    run = flow_tester(LateFlow)
    run.start()
    do(run, "item", 0)
    do(run, "item", 0)
    assert run.tasks("join")[0].status == "DONE"
    assert run.process.status == "NEW"
    do(run, "item")
    assert run.process.status == "DONE"
    assert len(run.tasks("join")) == len(run.tasks("end")) == 1


class TroubleFlow(flow.Flow):
    start = flow.StartHandle(begin).Next(this.split)
    split = flow.Split().Next(this.good).Next(this.bad)
    good = flow.ManualTask().Next(this.join)
    bad = flow.Function(this.fails).Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()

    def fails(self, activation):
        if not activation.process.data.get("mended"):
            raise ValueError


def test_a_branch_in_error_is_waited_for(flow_tester, session):
    run = flow_tester(TroubleFlow)
    run.start()
    do(run, "good")
    assert (run.task("bad").status, run.task("join").status) == ("ERROR", "STARTED")
    process = run.process
    process.data["mended"] = True
    session.commit()
    run.task("bad").revive()
    assert run.process.status == "DONE"


def test_a_cancelled_branch_is_not_waited_for(flow_tester):
    run = flow_tester(TroubleFlow)
    run.start()
    do(run, "good")
    run.task("bad").cancel()
    assert run.process.status == "DONE"
    assert len(run.tasks("end")) == 1


def test_a_branch_revived_after_the_join_arrives_silently(flow_tester, session):
    run = flow_tester(ManyFlow)
    run.start(items=3)
    run.tasks("item")[0].cancel()
    do(run, "item", 0)
    do(run, "item", 0)
    assert run.process.status == "DONE"
    run.tasks("item")[0].revive()
    assert run.process.status == "NEW"
    do(run, "item")
    assert run.process.status == "DONE"
    assert len(run.tasks("join")) == len(run.tasks("end")) == 1


def test_a_branch_that_is_done_again_after_its_join_was_taken_back_meets_the_others_again(flow_tester):
    run = flow_tester(ManyFlow)
    run.start(items=2)
    do(run, "item", 0)
    do(run, "item", 0)
    for name in ("end", "join", "item"):
        run.tasks(name)[0].undo()
    run.tasks("item")[0].revive()
    assert run.process.status == "NEW"
    do(run, "item")

    assert run.process.status == "DONE"
    assert [task.status for task in run.tasks("join")] == ["CANCELED", "DONE"]
    assert {task.flow_task for task in run.tasks("join")[1].previous} == {"item"}
    assert len(run.tasks("join")[1].previous) == 2


def test_a_branch_that_comes_after_its_waiting_join_was_cancelled_goes_on(flow_tester):
    run = flow_tester(ManyFlow)
    run.start(items=2)
    do(run, "item", 0)
    run.task("join").cancel()
    do(run, "item", 0)
    assert run.process.status == "DONE"
    assert [task.status for task in run.tasks("join")] == ["CANCELED", "DONE"]


def test_all_branches_cancelled_leave_a_stuck_process(flow_tester):
    run = flow_tester(ManyFlow)
    run.start(items=2)
    for task in run.tasks("item"):
        task.cancel()
    assert run.process.status == "NEW"
    assert not run.tasks("end")


class LoopFlow(flow.Flow):
    """The same split and join again after a step back."""

    start = flow.StartHandle(begin).Next(this.split)
    split = flow.Split().Next(this.a).Next(this.b)
    a = flow.ManualTask().Next(this.join)
    b = flow.ManualTask().Next(this.join)
    join = flow.Join().Next(this.again)
    again = flow.If(this.is_first_round).Then(this.split).Else(this.end)
    end = flow.End()

    def is_first_round(self, activation):
        return len([task for task in activation.process.tasks if task.flow_task == "join"]) < 2


def test_a_loop_through_a_split(flow_tester):
    run = flow_tester(LoopFlow)
    run.start()
    for _ in range(2):
        do(run, "a")
        do(run, "b")
    assert run.process.status == "DONE"
    assert [t.token for t in run.tasks("a")] == ["start/2_1", f"start/{run.tasks('split')[1].number}_1"]
    assert len(run.tasks("join")) == 2


class NoJoinFlow(flow.Flow):
    start = flow.StartHandle(begin).Next(this.split)
    split = flow.Split().Next(this.a).Always(this.b)
    a = flow.ManualTask().Next(this.end)
    b = flow.Function(lambda activation: None).Next(this.end)
    end = flow.End()


def test_without_a_join_the_process_ends_with_its_last_branch(flow_tester, session):
    run = flow_tester(NoJoinFlow)
    run.start()
    assert run.process.status == "NEW"
    do(run, "a")
    assert run.process.status == "DONE"
    assert len(run.tasks("end")) == 2
    assert session.query(Task).filter_by(process_id=run.process.id).count() == 6
    assert ("end", "start/2_1") in tokens(run)


class RacesSideBySideFlow(flow.Flow):
    """Races side by side

    A race on each branch, and one join behind them all."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.one).Next(this.two)
    one = flow.SplitFirst().Next(this.a).Next(this.b)
    two = flow.SplitFirst().Next(this.c).Next(this.d)
    a = flow.Handle().Next(this.both)
    b = flow.Handle().Next(this.both)
    c = flow.Handle().Next(this.both)
    d = flow.Handle().Next(this.both)
    both = flow.Join().Next(this.end)
    end = flow.End()


@pytest.mark.parametrize(("first", "second"), [("a", "d"), ("c", "b")])
def test_a_join_behind_races_waits_for_the_branches_that_they_are_on(flow_tester, first, second):
    run = flow_tester(RacesSideBySideFlow)
    run.start()
    run.handle(first)
    assert run.task("both").status == "STARTED"
    run.handle(second)

    assert run.process.status == "DONE"
    assert [task.status for task in run.tasks("both")] == ["DONE"]


class EmptyWithinFlow(flow.Flow):
    """A split on a branch of another one. It has no join of its own, and nothing to do."""

    start = flow.StartHandle(begin).Next(this.outer)
    outer = flow.Split().Next(this.inner).Next(this.other)
    inner = flow.Split().Next(this.item, task_data_source=lambda a: a.process.data["items"])
    item = flow.ManualTask().Next(this.join)
    other = flow.ManualTask().Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()


def test_an_empty_split_on_a_branch_waits_for_the_other_branches(flow_tester):
    run = flow_tester(EmptyWithinFlow)
    run.start(items=[])
    assert run.task("join").status == "STARTED"
    do(run, "other")

    assert run.process.status == "DONE"
    assert run.path == ["start", "outer", "inner", "other", "join", "end"]


@pytest.mark.parametrize(("given", "told"), [(None, "None"), (3, "int"), ("abc", "str")])
def test_a_source_that_gives_no_list_is_named(flow_tester, given, told):
    class ChildFlow(flow.Flow):
        start = flow.StartHandle().Next(this.end)
        end = flow.End()

    class SourceFlow(flow.Flow):
        start = flow.StartHandle().Next(this.both)
        both = flow.Split().Next(this.rows).Next(this.seeds).Next(this.calls)
        rows = flow.Split().Next(this.end, task_data_source=lambda a: given)
        seeds = flow.Split().Next(this.end, task_seed_source=lambda a: given)
        calls = flow.NSubprocess(ChildFlow.start, lambda a: given).Next(this.end)
        end = flow.End()

    flow_tester(ChildFlow)
    run = flow_tester(SourceFlow)
    run.start()
    for name, said in (("rows", "task_data_source"), ("seeds", "task_seed_source"), ("calls", "items")):
        assert run.task(name).data["_exception"]["message"] == f"{said} gives a list, not {told}"
