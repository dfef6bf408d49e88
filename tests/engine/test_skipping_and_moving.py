"""Steps that are left out, and tokens that are moved: where they can be, and what is told."""

from __future__ import annotations

import datetime as dt

import pytest

from portal import act, flow, this
from portal.engine import move_targets
from portal.errors import PermissionDenied, PortalError, TransitionNotAllowed
from portal.models import Event, db
from tests.audit import faults

HOUR = dt.timedelta(hours=1)


class LineFlow(flow.Flow):
    start = flow.StartHandle().Next(this.write)
    write = (
        flow.ManualTask()
        .Permission(auto_create=True)
        .OnTimeout(HOUR, this.remind, interrupting=False)
        .Next(this.wait)
    )
    remind = flow.ManualTask().Next(this.reminded)
    reminded = flow.End()
    wait = flow.Timer(HOUR).Next(this.count)
    count = flow.Function(this.do_count).Next(this.choose)
    choose = flow.If(act.process.data["good"]).Then(this.check).Else(this.write)
    check = flow.ManualTask().NotSameAs(this.write).Next(this.end)
    end = flow.End()

    def do_count(self, activation):
        activation.process.data["count"] = activation.process.data["no such thing"]


def last(task):
    return db.session.query(Event).filter_by(task_id=task.id).order_by(Event.id.desc()).first()


def test_each_kind_of_step_is_left_out_and_the_process_goes_on(flow_tester):
    run = flow_tester(LineFlow)
    run.start()
    run.task("write").assign("alice").skip("carol", reason="she is ill")
    assert (run.tasks("write")[0].status, run.tasks("write")[0].owner) == ("DONE", None)
    event = last(run.tasks("write")[0])
    assert (event.action, event.from_state, event.to_state, event.user.username) == (
        "skip", "ASSIGNED", "DONE", "carol",
    )  # fmt: skip
    assert event.detail == {"reason": "she is ill"}
    assert run.tasks("write__timeout")[0].status == "CANCELED"
    run.task("wait").skip()
    assert run.task("count").status == "ERROR"
    run.task("count").skip(reason="nobody needs the figure")
    assert run.task("choose").status == "ERROR"
    with pytest.raises(TransitionNotAllowed, match="it decides where the process goes"):
        run.task("choose").skip()
    run.task("choose").move("check", reason="it is good")
    run.task("check").assign("alice").execute()  # who was left out has done nothing that keeps her away
    assert run.process.status == "DONE"


def test_who_names_somebody_to_act_acts_as_them(flow_tester, make_user):
    run = flow_tester(LineFlow)
    run.start()
    carol, dave = make_user("carol", "line.manage"), make_user("dave")
    task = run.task("write").task
    with pytest.raises(PermissionDenied), task.activation() as activation:
        activation.skip(dave)
    with pytest.raises(PermissionDenied), task.activation(dave) as activation:
        activation.skip(carol)
    with task.activation() as activation:
        activation.skip(carol, reason="why not")
    assert (task.status, last(task).user.username) == ("DONE", "carol")


def test_a_token_is_moved_forth_and_back(flow_tester):
    run = flow_tester(LineFlow)
    run.start()
    back = run.task("write").move("check", "carol", reason="it was written on paper").move("write", "carol")
    assert back.status == "NEW"
    first = run.tasks("write")[0]
    assert first.status == "CANCELED"
    event = last(first)
    assert (event.action, event.detail) == ("move", {"to": "check", "reason": "it was written on paper"})
    with pytest.raises(TransitionNotAllowed, match="after it there is"):
        first.revive()
    with pytest.raises(TransitionNotAllowed, match="«Start» starts a process"):
        back.move("start")
    with pytest.raises(TransitionNotAllowed, match="is an event on «Write»"):
        back.move("write__timeout")
    with pytest.raises(TransitionNotAllowed, match="no node"):
        back.move("nowhere")
    with pytest.raises(TransitionNotAllowed, match="an event on a task"):
        run.task("write__timeout").move("check")
    back.move("end")
    assert run.process.status == "DONE"


def test_what_an_event_began_beside_its_host_stays_on_its_path(flow_tester):
    run = flow_tester(LineFlow)
    run.start()
    run.advance(hours=2)
    assert [node.name for node in move_targets.move_targets(run.task("remind").task)] == [
        "remind",
        "reminded",
    ]
    with pytest.raises(TransitionNotAllowed, match="no way leads to «Check»"):
        run.task("remind").move("check")
    assert "remind" in [node.name for node in move_targets.move_targets(run.task("write").task)]


class BranchesFlow(flow.Flow):
    start = flow.StartHandle().Next(this.first)
    first = flow.ManualTask().Next(this.split)
    split = flow.Split().Next(this.left).Next(this.right)
    left = flow.ManualTask().Next(this.more)
    more = flow.ManualTask().Next(this.inner)
    inner = flow.Split().Next(this.deep).Next(this.deeper)
    deep = flow.ManualTask().Next(this.inner_join)
    deeper = flow.ManualTask().Next(this.inner_join)
    inner_join = flow.Join().Next(this.rest)
    rest = flow.ManualTask().Next(this.join)
    right = flow.ManualTask().Next(this.join)
    join = flow.Join().Next(this.after)
    after = flow.ManualTask().Next(this.end)
    end = flow.End()


@pytest.mark.parametrize(
    ("task", "to", "why"),
    [
        ("first", "left", "«Left» is on a branch of «Split», which it has not passed"),
        ("first", "deep", "no way leads"),
        ("first", "join", "the branches of «Split» meet in «Join», and it is on none of them"),
        ("left", "right", "«Right» is on another branch of «Split»"),
        ("left", "after", "«After» is behind the join «Join», which takes all of its branches together"),
        ("left", "first", "no way leads to «First»"),
        ("left", "deep", "«Deep» is on a branch of «Inner», which it has not passed"),
        ("left", "inner_join", "the branches of «Inner» meet in «Inner join»"),
    ],
)
def test_a_token_stays_on_its_branch(flow_tester, task, to, why):
    run = flow_tester(BranchesFlow)
    run.start()
    if task != "first":
        run.task("first").assign("alice").execute()
    with pytest.raises(TransitionNotAllowed, match=why):
        run.task(task).move(to)
    assert run.task(task).status == "NEW"


def test_within_its_branch_a_token_goes_anywhere_and_meets_the_others(flow_tester):
    run = flow_tester(BranchesFlow)
    run.start()
    run.task("first").skip()
    assert [node.name for node in move_targets.move_targets(run.task("left").task)] == [
        "left", "more", "inner", "rest", "join",
    ]  # fmt: skip
    run.task("left").move("rest").move("more").move("inner")
    assert {task.status for task in (run.task("deep"), run.task("deeper"))} == {"NEW"}
    with pytest.raises(TransitionNotAllowed, match="«Rest» is behind the join «Inner join»"):
        run.task("deep").move("rest")
    run.task("deep").move("inner_join")
    with pytest.raises(TransitionNotAllowed, match="other branches are still on their way to it"):
        run.task("inner_join").move("rest")
    run.task("deeper").skip()
    run.task("rest").move("join")
    assert run.task("join").status == "STARTED"
    run.task("right").skip()
    run.task("after").move("first")  # and round again
    run.task("first").skip()
    assert run.task("left").token != run.tasks("left")[0].token


class RaceFlow(flow.Flow):
    start = flow.StartHandle().Next(this.race)
    race = flow.SplitFirst().Next(this.red).Next(this.blue)
    red = flow.ManualTask().Next(this.won)
    blue = flow.ManualTask().Next(this.end)
    won = flow.ManualTask().Next(this.end)
    end = flow.End()


def test_a_race_is_decided_before_anybody_is_moved(flow_tester):
    run = flow_tester(RaceFlow)
    run.start()
    with pytest.raises(TransitionNotAllowed, match="the race «Race» is not decided yet"):
        run.task("red").move("won")
    run.task("red").skip()  # which wins it
    assert run.tasks("blue")[0].status == "CANCELED"
    run.task("won").move("red")
    assert run.task("red").status == "NEW"


class CalledFlow(flow.Flow):
    start = flow.StartHandle().Next(this.sign)
    sign = flow.ManualTask().Next(this.end)
    end = flow.End()


class CallerFlow(flow.Flow):
    start = flow.StartHandle().Next(this.call)
    call = flow.NSubprocess(CalledFlow.start, items=[{}, {}]).Next(this.check)
    check = flow.ManualTask().Next(this.end)
    end = flow.End()


def test_called_processes_end_with_the_task_that_called_them(flow_tester):
    run = flow_tester(CallerFlow)
    run.start()
    run.children("call")[0].process.cancel()
    assert run.task("call").status == "ERROR"
    run.task("call").skip()
    assert [child.process.status for child in run.children("call")] == ["CANCELED", "CANCELED"]
    run.task("check").move("call")
    run.task("call").move("check")
    assert {child.process.status for child in run.children("call")} == {"CANCELED"}


def test_a_caller_that_was_moved_comes_back_with_what_it_had_called(flow_tester):
    run = flow_tester(CallerFlow)
    run.start()
    child = run.children("call")[0]
    run.task("call").move("check")
    run.tasks("check")[0].cancel()
    child.tasks("sign")[0].revive()
    assert run.task("call").status == "STARTED"
    assert faults(db.session) == []
    child.task("sign").skip()
    run.task("check").skip()
    assert (run.process.status, faults(db.session)) == ("DONE", [])


class JoinedCallerFlow(flow.Flow):
    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.call).Next(this.other)
    call = flow.NSubprocess(CalledFlow.start, items=[{}, {}]).Next(this.join)
    other = flow.ManualTask().Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()


def test_of_a_caller_and_what_it_was_moved_to_one_comes_back(flow_tester):
    run = flow_tester(JoinedCallerFlow)
    run.start()
    first = run.children("call")
    run.task("call").move("call").cancel()
    second = run.children("call")[2:]
    first[0].tasks("sign")[0].revive()
    with pytest.raises(TransitionNotAllowed, match="is at work again: «Call» "):
        second[0].tasks("sign")[0].revive()
    first[0].task("sign").skip()
    with pytest.raises(TransitionNotAllowed, match="has gone on with «Call» "):
        second[0].tasks("sign")[0].revive()
    assert faults(db.session) == []


def test_due_priority_and_snooze_leave_their_rows(flow_tester, make_user):
    run = flow_tester(LineFlow)
    run.start()
    run.task("write").assign("alice")
    soon = dt.datetime(2100, 1, 1, 12, tzinfo=dt.UTC)
    run.task("write").change_due(soon, "carol", reason="the fair is later").change_priority(5, "carol")
    run.task("write").snooze(soon)
    task = run.task("write")
    assert (task.due, task.priority, task.task.snoozed_until) == (soon, 5, soon)
    rows = db.session.query(Event).filter_by(task_id=task.id).order_by(Event.id).all()[-3:]
    assert [(row.action, row.from_state, row.to_state) for row in rows] == [
        (name, "ASSIGNED", "ASSIGNED") for name in ("due", "priority", "snooze")
    ]
    assert rows[0].detail == {"old": None, "new": soon.isoformat(), "reason": "the fair is later"}
    assert rows[1].detail == {"old": 0, "new": 5}
    task.reassign("bob")
    assert task.task.snoozed_until is None
    for wrong in (dt.datetime(2000, 1, 1, tzinfo=dt.UTC), dt.datetime(2100, 1, 1), "tomorrow"):
        with pytest.raises(PortalError):
            task.snooze(wrong)
    for wrong in (1001, True, "5"):
        with pytest.raises(PortalError):
            task.change_priority(wrong)


def test_every_action_keeps_its_reason(flow_tester):
    run = flow_tester(LineFlow)
    run.start()
    task = run.task("write")
    task.assign("alice", reason="r1").reassign("bob", reason="r2").unassign(reason="r3").cancel(reason="r4")
    fresh = task.revive(reason="r5").assign("alice")
    with fresh.task.activation(fresh.owner) as activation:
        activation.execute(reason="r6")
    run.task("wait").cancel()
    fresh.undo(reason="r7")
    run.process.suspend(reason="r8")
    run.process.resume(reason="r9")
    run.process.cancel(reason="r10")
    kept = {(row.action, row.detail["reason"]) for row in db.session.query(Event) if "reason" in row.detail}
    assert kept == {
        ("assign", "r1"), ("reassign", "r2"), ("unassign", "r3"), ("cancel", "r4"), ("revive", "r5"), ("execute", "r6"),
        ("undo", "r7"), ("suspend", "r8"), ("resume", "r9"), ("cancel", "r10"),
    }  # fmt: skip
    for wrong in ("a" * 2001, "\0", 5):
        with pytest.raises(PortalError):
            run.tasks("write")[0].revive(reason=wrong)


class FailingJoinFlow(flow.Flow):
    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.left).Next(this.right)
    left = flow.ManualTask().Next(this.inner)
    inner = flow.Split().Next(this.deep).Next(this.deeper)
    deep = flow.ManualTask().Next(this.inner_join)
    deeper = flow.ManualTask().Next(this.inner_join)
    inner_join = flow.Join(lambda activation, active: activation.process.data["no such thing"]).Next(
        this.join
    )
    right = flow.ManualTask().Next(this.join)
    join = flow.Join().Next(this.after)
    after = flow.ManualTask().Next(this.end)
    end = flow.End()


@pytest.fixture
def failed_join(flow_tester):
    """A run whose inner join has failed; one of its branches was cancelled."""
    run = flow_tester(FailingJoinFlow)
    run.start()
    run.task("left").skip()
    run.task("deep").skip()
    run.task("deeper").cancel()
    assert run.task("inner_join").status == "ERROR"
    return run


def test_a_failed_join_is_moved_to_the_join_around_it(failed_join):
    run = failed_join
    run.task("inner_join").move("join")
    assert run.task("join").status == "STARTED"
    assert run.task("join").awaits == f"start/{run.tasks('split')[0].number}"
    run.task("right").skip()
    assert len(run.tasks("join")) == len(run.tasks("after")) == 1


def test_a_join_that_was_moved_has_gone_on_without_who_comes_later(failed_join):
    run = failed_join
    run.task("inner_join").move("left")
    run.tasks("deeper")[0].revive()
    run.task("deeper").skip()
    assert [task.status for task in run.tasks("inner_join")] == ["CANCELED"]
    run.task("left").skip()
    assert [task.status for task in run.tasks("deep")] == ["DONE", "NEW"]


class BesideFlow(flow.Flow):
    start = flow.StartHandle().Next(this.write)
    write = flow.ManualTask().OnTimeout(HOUR, this.split, interrupting=False).Next(this.check)
    split = flow.Split().Next(this.red).Next(this.blue)
    red = flow.ManualTask().Next(this.join)
    blue = flow.ManualTask().Next(this.join)
    join = flow.Join().Next(this.tell)
    tell = flow.ManualTask().Next(this.told)
    told = flow.End()
    check = flow.ManualTask().Next(this.end)
    end = flow.End()


def test_behind_a_join_beside_its_host_a_token_stays_on_its_path(flow_tester):
    run = flow_tester(BesideFlow)
    run.start()
    run.advance(hours=2)
    run.task("red").skip()
    run.task("blue").skip()
    assert [node.name for node in move_targets.move_targets(run.task("tell").task)] == [
        "split",
        "tell",
        "told",
    ]
    assert "check" in [node.name for node in move_targets.move_targets(run.task("write").task)]


class BookingFlow(flow.Flow):
    start = flow.StartHandle().Next(this.book)
    book = flow.ManualTask(undo_func=this.undo_book).CompensateWith(this.unbook).Next(this.pay)
    pay = flow.ManualTask().CompensateWith(this.unpay).Next(this.back)
    unpay = flow.ManualTask()
    back = flow.CompensateThrow().Next(this.end)
    end = flow.End()

    def undo_book(self, activation):
        activation.process.data["undone"] = True

    def unbook(self, activation):
        activation.process.data["unbooked"] = True


def test_what_was_left_out_is_not_taken_back(flow_tester):
    run = flow_tester(BookingFlow)
    run.start()
    run.task("book").skip()
    run.task("pay").cancel()
    run.tasks("book")[0].undo().revive()
    run.task("book").skip()
    run.task("pay").assign("alice").execute()
    assert run.task("unpay").skip()
    assert run.process.status == "DONE"
    assert run.process.data == {}
