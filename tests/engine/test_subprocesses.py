"""Child processes: one lock, one way down and one way back."""

import cProfile
import pstats

import pytest

from portal import act, flow, this
from portal.errors import TransitionNotAllowed
from portal.models import Process, db


class ChildFlow(flow.Flow):
    start = flow.StartHandle(this.begin).Next(this.check)
    check = flow.View(lambda activation: activation.execute()).Next(this.well)
    well = flow.If(act.process.data["ok"]).Then(this.end).Else(this.failed)
    end = flow.End()
    failed = flow.ErrorEnd("bad")

    def begin(self, activation, item=None, ok=True):
        activation.process.data.update(item=item, ok=ok)


class ParentFlow(flow.Flow):
    start = flow.StartHandle(this.begin).Next(this.child)
    child = (
        flow.Subprocess(ChildFlow.start, ok=act.process.data["ok"]).OnError(this.caught, "bad").Next(this.end)
    )
    caught = flow.Function(lambda activation: None).Next(this.end)
    end = flow.End()

    def begin(self, activation, ok=True):
        activation.process.data["ok"] = ok


class EachFlow(flow.Flow):
    start = flow.StartHandle(this.begin).Next(this.each)
    each = flow.NSubprocess(ChildFlow.start, act.process.data["items"]).Next(this.end)
    end = flow.End()

    def begin(self, activation, items=()):
        activation.process.data["items"] = list(items)


class OneByOneFlow(EachFlow):
    each = flow.NSubprocess(ChildFlow.start, act.process.data["items"], sequential=True).Next(this.end)


def finish(child):
    child.task("check").assign("alice")
    child.task("check").execute()


@pytest.fixture
def run(flow_tester):
    flow_tester(ChildFlow)
    return flow_tester


def test_the_parent_waits_for_its_child(run):
    parent = run(ParentFlow)
    parent.start("start")
    (child,) = parent.children("child")
    assert child.process.parent_task.process == parent.process
    assert parent.task("child").status == "STARTED"
    finish(child)
    assert (child.process.status, parent.process.status) == ("DONE", "DONE")
    assert parent.path == ["start", "child", "end"]


def test_an_error_end_is_felt_by_the_parent(run):
    parent = run(ParentFlow)
    parent.start("start", ok=False)
    (child,) = parent.children("child")
    finish(child)
    assert child.process.status == "FAILED"
    assert child.process.data["_error"] == "bad"
    assert parent.path == ["start", "child__error", "caught", "end"]
    assert parent.process.status == "DONE"


def test_cancelling_the_parent_cancels_the_children(run):
    parent = run(ParentFlow)
    parent.start("start")
    parent.process.cancel()
    (child,) = parent.children("child")
    assert child.process.status == "CANCELED"
    assert child.tasks("check")[0].status == "CANCELED"


def test_a_cancelled_child_fails_its_parents_task_without_setting_off_the_event(run):
    parent = run(ParentFlow)
    parent.start("start")
    (child,) = parent.children("child")
    child.process.cancel()
    assert parent.task("child").status == "ERROR"
    parent.task("child").revive()
    assert len(parent.children("child")) == 2


def test_a_suspended_parent_holds_its_children(run):
    parent = run(ParentFlow)
    parent.start("start")
    (child,) = parent.children("child")
    child.task("check").assign("alice")
    parent.process.suspend()
    assert child.process.status == "NEW"
    with pytest.raises(TransitionNotAllowed, match="suspended"):
        child.task("check").execute()
    parent.process.resume()
    child.task("check").execute()
    assert parent.process.status == "DONE"


def test_a_child_that_is_cancelled_is_still_below_its_suspended_parent(run):
    parent = run(ParentFlow)
    parent.start("start")
    (child,) = parent.children("child")
    parent.process.suspend()
    child.process.cancel()
    with pytest.raises(TransitionNotAllowed, match="cannot revive «Check»: its process is suspended"):
        child.tasks("check")[0].revive()
    parent.process.resume()
    child.tasks("check")[0].revive()
    assert (parent.process.status, child.process.status) == ("NEW", "NEW")


def test_what_is_over_below_a_suspended_process_may_come_back_after_it_is_cancelled(run):
    parent = run(EachFlow)
    parent.start("start", items=["a", "b"])
    first, _ = parent.children("each")
    finish(first)
    parent.process.suspend()
    parent.process.cancel()
    first.tasks("end")[0].undo()
    assert (parent.process.status, first.process.status) == ("NEW", "NEW")


def test_one_child_for_each_item(run):
    parent = run(EachFlow)
    parent.start("start", items=["a", "b", "c"])
    children = parent.children("each")
    assert [child.process.data["item"] for child in children] == ["a", "b", "c"]
    for child in children:
        assert parent.process.status == "NEW"
        finish(child)
    assert parent.process.status == "DONE"


def test_no_items_is_done_at_once(run):
    parent = run(EachFlow)
    parent.start("start", items=[])
    assert parent.path == ["start", "each", "end"]


def test_one_by_one_takes_up_items_that_are_added(run):
    parent = run(OneByOneFlow)
    parent.start("start", items=["a", "b"])
    finish(parent.children("each")[0])
    with parent.task("each").task.activation() as activation:
        activation.process.data["items"].append("late")
    assert len(parent.children("each")) == 2
    finish(parent.children("each")[1])
    finish(parent.children("each")[2])
    assert parent.process.status == "DONE"
    assert [child.process.data["item"] for child in parent.children("each")] == ["a", "b", "late"]


def test_undo_in_a_child_that_is_over_brings_its_parent_back(run):
    parent = run(ParentFlow)
    parent.start("start")
    (child,) = parent.children("child")
    finish(child)
    with pytest.raises(TransitionNotAllowed):
        child.tasks("end")[0].undo()
    parent.tasks("end")[0].undo()
    child.tasks("end")[0].undo()
    assert (child.process.status, parent.process.status) == ("NEW", "NEW")
    assert parent.task("child").status == "STARTED"


class DeepFlow(flow.Flow):
    process_class = Process
    start = flow.StartHandle().Next(this.again)
    again = flow.Subprocess(this.start).Next(this.end)
    end = flow.End()


@pytest.mark.parametrize("limit", [None, "2"])
def test_a_flow_that_calls_itself_stops_somewhere(limit, monkeypatch, request):
    if limit is not None:
        monkeypatch.setenv("PORTAL_MAX_DEPTH", limit)
    deep = request.getfixturevalue("flow_tester")(DeepFlow)
    deep.start("start")
    depth = 0
    while children := deep.children("again"):
        (deep,) = children
        depth += 1
    assert depth == int(limit or 50)
    assert "PORTAL_MAX_DEPTH" in deep.task("again").data["_exception"]["message"]


class GreetedFlow(flow.Flow):
    """Reads who began it, and for whom, before anything of it is stored."""

    start = flow.StartHandle(this.begin).Next(this.greet)
    greet = flow.ManualTask().Assign(act.process.created_by).Next(this.end)
    end = flow.End()

    def begin(self, activation):
        process = activation.process
        process.data["by"] = process.created_by.username
        if process.parent_task is not None:
            process.data["for"] = process.parent_task.process.data["by"]


class GreetingFlow(flow.Flow):
    start = flow.StartHandle(this.begin).Next(this.greeted)
    greeted = flow.Subprocess(GreetedFlow.start).Next(this.end)
    end = flow.End()

    begin = GreetedFlow.begin


def test_a_start_knows_its_creator_and_its_caller(flow_tester):
    run = flow_tester(GreetingFlow)
    run.start("start", user="alice")
    (child,) = run.children("greeted")

    assert run.process.data["by"] == child.process.data["by"] == child.process.data["for"] == "alice"
    assert child.task("greet").owner.username == "alice"


def test_the_tester_knows_the_flows_that_a_flow_calls(flow_tester):
    run = flow_tester(ParentFlow)
    run.start("start")
    (child,) = run.children("child")
    assert child.process.flow_class is ChildFlow
    finish(child)
    assert run.process.status == "DONE"


def test_a_child_of_a_flow_that_is_not_registered_fails_in_words(app, flow_tester):
    run = flow_tester(ParentFlow)
    del app.extensions["portal_flows"][ChildFlow.definition.label]
    run.start("start")

    assert run.children("child") == []
    assert run.task("child").status == "ERROR"
    assert "name its module in FLOWS" in run.task("child").data["_exception"]["message"]


def test_what_a_test_changes_in_a_process_is_kept(flow_tester):
    run = flow_tester(ParentFlow)
    run.start("start")
    run.process.data["one"] = 1
    run.process.data["two"] = 2
    run.task("child").data["three"] = 3
    db.session.commit()

    assert (run.process.data["one"], run.process.data["two"], run.task("child").data["three"]) == (1, 2, 3)


class RefusingFlow(flow.Flow):
    start = flow.StartHandle().Next(this.ask)
    ask = flow.Handle(lambda activation, well: activation.process.data.update(well=well)).Next(this.well)
    well = flow.If(act.process.data["well"]).Then(this.end).Else(this.refused)
    refused = flow.ErrorEnd("refused")
    end = flow.End()


def test_a_process_that_failed_and_was_taken_back_has_no_error_any_more(flow_tester):
    run = flow_tester(RefusingFlow)
    run.start("start")
    run.handle("ask", well=False)
    assert run.process.data["_error"] == "refused"
    for name in ("refused", "well", "ask"):
        run.tasks(name)[0].undo()
    assert "_error" not in run.process.data
    run.tasks("ask")[0].revive()
    run.handle("ask", well=True)
    assert run.process.status == "DONE"


class BitFlow(flow.Flow):
    start = flow.StartHandle(this.take).Next(this.end)
    end = flow.End()

    def take(self, activation, item):
        pass


class BitsFlow(flow.Flow):
    start = flow.StartHandle(this.take).Next(this.children)
    children = flow.NSubprocess(BitFlow.start, lambda a: list(range(a.process.data["number"]))).Next(this.end)
    end = flow.End()

    def take(self, activation, number):
        activation.process.data["number"] = number


def test_the_work_for_many_children_grows_with_their_number(flow_tester):
    def calls(number):
        run = flow_tester(BitsFlow)
        with cProfile.Profile() as profile:
            run.start("start", number=number)
        assert run.process.status == "DONE"
        return pstats.Stats(profile).total_calls

    calls(10)
    assert calls(600) < 6 * 1.3 * calls(100)
