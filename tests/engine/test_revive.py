"""A token lives once: when a revive or an undo is refused, and that taking back what stands opens the way again."""

from __future__ import annotations

import pytest

from portal.engine import lifecycle
from portal.errors import TransitionNotAllowed
from tests.audit import faults
from tests.model.shapes import (
    CalledFlow,
    CallerFlow,
    DeadlineFlow,
    EmptyFlow,
    MeetFlow,
    NestedFlow,
    RaceFlow,
    RacingCallFlow,
    TakenBackFlow,
)  # fmt: skip


@pytest.fixture
def started(flow_tester, make_user, session):
    """A run of a flow, whose books are read when the test is over, and whose buttons say what the engine does."""
    manager = make_user("boss", is_superuser=True)

    def start(flow_class):
        flow_tester(CalledFlow)
        run = flow_tester(flow_class)
        run.start()
        run.manager = manager
        return run

    yield start
    session.rollback()
    assert faults(session) == []


def do(run, *names):
    for name in names:
        run.task(name).assign("alice").execute()


def undo(run, *names):
    for name in names:
        run.tasks(name)[-1].undo()


def refused(run, name, what, action="revive", index=0):
    """The engine refuses it with these words, and there is no button for it."""
    task = run.tasks(name)[index]
    assert action not in lifecycle.actions_for(task.task, run.manager)
    with pytest.raises(TransitionNotAllowed, match=what):
        getattr(task, action)()


def revive(run, name, index=0):
    task = run.tasks(name)[index]
    assert "revive" in lifecycle.actions_for(task.task, run.manager)
    return task.revive()


def test_a_join_is_not_revived_once_another_one_has_taken_its_branches(started):
    run = started(MeetFlow)
    do(run, "one")
    run.task("join").cancel()
    do(run, "two")
    refused(run, "join", r"cannot revive «Join»: its branches have met in «Join» \(task 7, started\)")
    do(run, "three")
    assert run.process.data["paid"] == 1
    refused(run, "join", r"its branches have met in «Join» \(task 7, done\)")
    assert run.process.data["paid"] == 1


def test_a_join_that_is_revived_has_met_whom_the_others_had_met(started):
    run = started(MeetFlow)
    do(run, "one")
    run.task("join").cancel()
    do(run, "two", "three")
    undo(run, "end", "pay", "join")
    revive(run, "join")
    assert (run.process.status, run.process.data["paid"]) == ("DONE", 2)  # the first one was taken back
    fired = run.tasks("join")[-1].task
    assert {task.flow_task for task in fired.previous if task.status == "DONE"} == {"one", "two", "three"}
    refused(run, "join", "its branches have met in", index=1)


def test_a_join_waits_for_nobody_who_was_taken_back(started):
    run = started(MeetFlow)
    do(run, "one", "two")
    run.task("join").cancel()
    run.tasks("one")[0].undo()
    refused(run, "join", r"what came before it was taken back: «One» \(task 3, cancelled\)")
    revive(run, "one")
    do(run, "one", "three")
    assert (run.process.status, run.process.data["paid"]) == ("DONE", 1)
    assert [task.status for task in run.tasks("join")] == ["CANCELED", "DONE"]


def test_a_branch_of_an_inner_split_is_not_revived_beside_those_of_its_fresh_copy(started):
    run = started(NestedFlow)
    run.task("a").cancel()
    run.task("b").cancel()
    undo(run, "inner")
    refused(run, "a", r"what came before it was taken back: «Inner» \(task 3, cancelled\)")
    revive(run, "inner")
    refused(run, "a", r"what came before it was taken back: «Inner» \(task 3, revived\)")
    do(run, "a", "b", "between", "other")
    assert run.process.status == "DONE"
    assert len(run.tasks("outer_join")) == 1


def test_a_branch_of_an_inner_split_that_comes_late_starts_nothing_twice(started):
    run = started(NestedFlow)
    run.task("a").cancel()
    do(run, "b")
    revive(run, "a")  # the inner join has gone on without it
    do(run, "between", "other")
    assert run.task("outer_join").status == "STARTED"
    do(run, "a")
    assert run.process.status == "DONE"
    assert len(run.tasks("inner_join")) == len(run.tasks("between")) == len(run.tasks("end")) == 1


def test_the_loser_of_a_race_is_not_revived_while_the_winner_stands(started):
    run = started(RaceFlow)
    do(run, "first")
    lost = r"the race was decided: «Race» \(task 2, done\), «First» \(task 3, done\)"
    refused(run, "second", lost)
    run.task("after").cancel()
    refused(run, "second", lost)
    undo(run, "first")
    revive(run, "second")
    refused(run, "first", r"the race was decided: «Race» \(task 2, done\), «Second» \(task 6, new\)")
    do(run, "second", "after")
    assert run.process.status == "DONE"


def test_a_winner_that_was_taken_back_is_revived(started):
    run = started(RaceFlow)
    do(run, "first")
    run.task("after").cancel()
    undo(run, "first")
    revive(run, "first")
    do(run, "first", "after")
    assert run.process.status == "DONE"


def test_a_race_that_is_not_decided_takes_a_branch_back(started):
    run = started(RaceFlow)
    run.task("second").cancel()
    revive(run, "second")
    do(run, "second", "after")
    assert run.process.status == "DONE"
    assert run.tasks("first")[0].status == "CANCELED"


def test_a_host_is_not_revived_while_the_event_that_interrupted_it_stands(flow_tester, started):
    run = started(DeadlineFlow)
    do(run, "before")
    run.advance(days=3)
    do(run, "remind")
    interrupted = r"it was interrupted by «Ask timeout 2» \(task \d, done\)"
    refused(run, "ask", interrupted)
    refused(run, "before", "after it there is «Ask timeout»", action="undo")
    run.task("late").cancel()
    refused(run, "ask", interrupted)
    undo(run, "ask__timeout_2")
    refused(run, "late", "what came before it was taken back: «Ask timeout 2»")
    revive(run, "ask")
    refused(run, "ask__timeout_2", "revive the task that it sits on")
    do(run, "ask")
    assert run.process.status == "DONE"


def test_what_stands_behind_an_interrupted_task_stands_in_the_way_of_an_undo(started):
    run = started(DeadlineFlow)
    do(run, "before")
    run.advance(days=3)
    do(run, "remind")
    undo(run, "end", "remind", "ask__timeout")
    refused(run, "before", r"after it there is «Ask timeout 2» \(task \d, done\)$", action="undo")
    run.task("late").cancel()
    undo(run, "ask__timeout_2", "before")


def test_an_event_beside_a_task_does_not_stand_in_the_way_of_its_revival(started):
    run = started(DeadlineFlow)
    do(run, "before")
    run.advance(days=1)
    run.task("ask").cancel()
    revive(run, "ask")
    do(run, "ask", "remind")
    assert run.process.status == "DONE"


def test_what_follows_a_caller_is_not_revived_beside_what_follows_it_now(started):
    run = started(CallerFlow)
    do(run, "before")
    (child,) = run.children("call")
    child.manager = run.manager
    do(child, "work")
    run.task("after").cancel()
    child.tasks("end")[0].undo()
    refused(run, "after", r"what came before it is at work again: «Call» \(task 3, started\)")
    undo(child, "work")
    revive(child, "work")
    do(child, "work")
    refused(run, "after", r"its token has gone on with «After» \(task \d, new\)")
    do(run, "after")
    assert run.process.status == "DONE"


def test_a_caller_does_not_come_back_with_its_child_where_it_may_not_be_revived(started):
    run = started(CallerFlow)
    do(run, "before")
    (child,) = run.children("call")
    child.manager = run.manager
    do(child, "work")
    run.task("after").cancel()
    undo(run, "call", "before")
    gone = r"cannot undo: the parent has gone on: what came before «Call» was taken back: «Before»"
    refused(child, "end", gone, action="undo")
    revive(run, "before")
    refused(child, "end", gone, action="undo")
    do(run, "before")
    assert [each.process.status for each in run.children("call")] == ["DONE", "NEW"]


def test_the_child_of_a_race_s_loser_stays_away(started):
    run = started(RacingCallFlow)
    (child,) = run.children("call")
    do(run, "second")
    child.manager = run.manager
    refused(child, "work", "cannot revive: the parent has gone on: the race was decided")
    undo(run, "end", "second")
    revive(child, "work")
    do(child, "work")
    assert run.process.status == "DONE"


def test_a_join_that_nobody_else_can_come_to_goes_on_when_it_is_revived(started):
    run = started(EmptyFlow)
    run.task("last").cancel()
    undo(run, "join")
    revive(run, "join")
    do(run, "last")
    assert run.process.status == "DONE"


def test_what_took_a_task_back_is_not_undone_behind_its_throw(started):
    run = started(TakenBackFlow)
    do(run, "one", "two", "undo_two")
    refused(run, "undo_two", r"after it there is «Undo one» \(task \d, new\)", action="undo")
    do(run, "undo_one")
    refused(run, "undo_one", r"after it there is «Back» \(task \d, done\)", action="undo")
    undo(run, "end", "back", "undo_one")
