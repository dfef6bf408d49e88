"""Reviving a task that calls processes, and tasks within those that it called."""

from __future__ import annotations

import datetime as dt

import pytest

from portal import flow, this
from portal.errors import TransitionNotAllowed


class HeldChildFlow(flow.Flow):
    start = flow.StartHandle().Next(this.work)
    work = flow.ManualTask().Next(this.end)
    end = flow.End()


class CallingTwoFlow(flow.Flow):
    start = flow.StartHandle().Next(this.both)
    both = (
        flow.NSubprocess(HeldChildFlow.start, [1, 2])
        .OnTimeout(dt.timedelta(days=1), this.late)
        .Next(this.end)
    )
    late = flow.ManualTask().Next(this.end)
    end = flow.End()


@pytest.fixture
def run(flow_tester):
    flow_tester(HeldChildFlow)
    run = flow_tester(CallingTwoFlow)
    run.start()
    return run


def test_a_revived_caller_leaves_no_child_of_its_first_life_running(run):
    run.children("both")[0].process.cancel()
    assert run.tasks("both")[0].status == "ERROR"
    run.tasks("both")[0].revive()
    assert [child.process.status for child in run.children("both")] == ["CANCELED", "CANCELED", "NEW", "NEW"]


def test_no_child_comes_back_below_a_revived_caller(run):
    run.children("both")[0].process.cancel()
    run.tasks("both")[0].revive()
    with pytest.raises(TransitionNotAllowed, match="gone on"):
        run.children("both")[0].tasks("work")[0].revive()


def test_no_child_comes_back_when_the_deadline_of_its_caller_has_gone_on(run):
    run.advance(days=2)
    assert run.task("late").status == "NEW"
    with pytest.raises(TransitionNotAllowed, match="gone on"):
        run.children("both")[0].tasks("work")[0].revive()


class EmptyBranchesFlow(flow.Flow):
    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.join).Next(this.work).Next(this.join)
    work = flow.ManualTask().Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()


def test_two_empty_branches_lead_from_a_split_straight_to_its_join(flow_tester):
    run = flow_tester(EmptyBranchesFlow)
    run.start()
    run.task("work").assign("alice").execute()
    assert run.process.status == "DONE"
    assert run.path == ["start", "split", "work", "join", "end"]


class CallingOneFlow(flow.Flow):
    start = flow.StartHandle().Next(this.call)
    call = flow.Subprocess(HeldChildFlow.start).Next(this.end)
    end = flow.End()


@pytest.mark.parametrize("caller", ["waits", "was cancelled"])
def test_undoing_the_start_of_a_child_fails_its_caller(flow_tester, caller):
    flow_tester(HeldChildFlow)
    run = flow_tester(CallingOneFlow)
    run.start()
    child = run.children("call")[0]
    if caller == "waits":
        child.task("work").cancel()
    else:
        run.task("call").cancel()
    child.tasks("start")[0].undo()
    assert child.process.status == "CANCELED"
    assert run.task("call").status == "ERROR"
    run.task("call").revive()
    run.children("call")[1].task("work").assign("alice").execute()
    assert run.process.status == "DONE"
