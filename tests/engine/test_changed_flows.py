"""The code has changed, and nobody has moved anything yet: nothing crashes, nothing is done that nobody did."""

import datetime as dt

import pytest

from portal import flow, this
from portal.engine.queue import timers
from portal.engine.versions import incompatible
from portal.errors import TransitionNotAllowed
from portal.models import Task, db
from tests.engine.changing import change, declared, renamed, started, step

DAY = dt.timedelta(days=1)


def misfit():
    return [f"{found.node}: {found.why}" for found in incompatible.find(db.session())]


def nothing(activation):
    return None


def test_a_lost_task_takes_its_deadline_along_when_it_is_cancelled(flow_tester):
    run = started(flow_tester, look=step().OnTimeout(DAY, this.end))
    change(run, **renamed(step()))
    assert [line.split(":")[0] for line in misfit()] == ["look"]
    run.advance(days=2)
    assert run.task("look").status == "NEW"
    run.task("look").cancel()
    assert run.tasks("look__timeout")[0].status == "CANCELED"


def test_a_deadline_that_is_lost_ends_with_its_task(flow_tester):
    run = started(flow_tester, look=step().OnTimeout(DAY, this.end))
    change(run, look=step())
    assert misfit() == [
        "look__timeout: the event `look__timeout` is gone and cannot fire: "
        "portal flows migrate change --map look=look arms what `look` has now"
    ]
    run.task("look").assign("alice").execute()
    assert run.process.status == "DONE"


def test_a_join_does_not_wait_for_a_lost_deadline(flow_tester):
    both = {
        "look": flow.Split().Next(this.a).Next(this.b),
        "join": flow.Join().Next(this.end),
        "b": step(this.join),
    }
    run = started(flow_tester, **both, a=step(this.join).OnTimeout(DAY, this.join))
    change(run, **both, a=step(this.join))
    for name in ("b", "a"):
        run.task(name).assign("alice").execute()
    assert run.path[-2:] == ["join", "end"]


def test_children_of_a_lost_task_are_cancelled_with_it(flow_tester):
    child = declared("ChangeChildFlow", look=step())
    flow_tester(child)
    run = started(flow_tester, look=flow.Subprocess(child.start).Next(this.end))
    change(run, **renamed(step()))
    (below,) = run.children("look")
    run.task("look").cancel()
    assert below.process.status == "CANCELED"


def test_a_child_whose_caller_is_lost_may_end(flow_tester):
    child = declared("ChangeChildFlow", look=step())
    flow_tester(child)
    run = started(flow_tester, look=flow.Subprocess(child.start).Next(this.end))
    change(run, look=step())
    (below,) = run.children("look")
    below.task("look").assign("alice").execute()
    assert (below.process.status, run.task("look").status) == ("DONE", "STARTED")
    assert misfit() == [
        "look: the node `look` was a Subprocess and is a ManualTask: portal flows migrate change --map look=look"
    ]


#: what was there, and what is there now, and must not take the old one's task for its own
KINDS = {
    "a timer": lambda: (flow.Timer(DAY), flow.ManualTask()),
    "a timer, and a handle": lambda: (flow.Timer(DAY), flow.Handle()),
    "a signal": lambda: (flow.SignalCatch("news"), flow.Handle()),
    "a condition": lambda: (flow.ConditionalCatch(lambda activation: True), flow.ManualTask()),
    "a job": lambda: (flow.Job(nothing), flow.ManualTask()),
    "a handle, and a job": lambda: (flow.Handle(), flow.Job(nothing)),
    "a form, and a handle": lambda: (flow.ManualTask(), flow.Handle()),
}


class CryFlow(flow.Flow):
    start = flow.StartHandle().Next(this.cry)
    cry = flow.SignalThrow("news").Next(this.end)
    end = flow.End()


@pytest.mark.parametrize("kinds", KINDS)
def test_another_kind_in_its_place_does_not_go_on_with_the_old_task(flow_tester, kinds):
    old, new = KINDS[kinds]()
    asks = kinds == "a condition"
    run = started(flow_tester, look=flow.ConditionalCatch(lambda activation: False).Next(this.end) if asks else
                  old.Next(this.end))  # fmt: skip
    change(run, look=new.Next(this.end), again=flow.ConditionalCatch(nothing).Next(this.end),
           start2=flow.StartHandle().Next(this.again))  # fmt: skip
    run.advance(days=2)
    run.jobs()
    flow_tester(CryFlow).start("start")
    with pytest.raises(TransitionNotAllowed):
        run.task("look").execute()
    if hasattr(new, "run"):
        with pytest.raises(TransitionNotAllowed):
            run.handle("look")
    task = run.task("look")
    assert (task.node, task.is_open, run.path) == (None, True, ["start"])
    (line,) = misfit()
    assert f"is a {type(new).__name__}: portal flows migrate change --map look=look" in line
    task.cancel()
    assert run.tasks("look")[0].status == "CANCELED"


def test_a_form_may_become_a_confirmation(flow_tester):
    run = started(flow_tester, look=flow.View(lambda activation: activation.execute()).Next(this.end))
    change(run, look=step())
    assert misfit() == []
    run.task("look").assign("alice").execute()
    assert run.process.status == "DONE"


def test_what_failed_is_revived_as_what_its_node_is_now(flow_tester):
    run = started(flow_tester, look=flow.Function(lambda activation: 1 / 0).Next(this.end))
    change(run, look=step())
    assert misfit() == []
    assert run.task("look").revive().status == "NEW"


def test_code_that_waits_for_its_turn_does_not_go_on_when_its_node_is_gone(flow_tester):
    split = flow.Split().Next(this.a)
    run = started(flow_tester, look=flow.Split().Next(this.a).Next(this.b),
                  a=flow.Job(nothing).Mutex("oven").Next(this.end),
                  b=flow.Job(nothing).Mutex("oven").Next(this.end))  # fmt: skip
    change(run, look=split, a=flow.Job(nothing).Mutex("oven").Next(this.end))
    run.jobs()
    assert (run.tasks("a")[0].status, run.task("b").status, run.process.status) == ("DONE", "STARTED", "NEW")


def test_a_compensation_that_is_gone_is_left_out(flow_tester):
    def nodes(**first):
        return {
            "look": flow.Function(nothing).CompensateWith(this.undo_first).Next(this.second)
            if first
            else flow.Function(nothing).Next(this.second),
            "second": flow.Function(nothing).CompensateWith(this.undo_second).Next(this.back),
            "back": flow.CompensateThrow().Next(this.end),
            "undo_second": flow.ManualTask(),
            **first,
        }

    run = started(flow_tester, **nodes(undo_first=flow.ManualTask()))
    change(run, **nodes())
    run.task("undo_second").assign("alice").execute()
    assert (run.tasks("undo_first"), run.process.status) == ([], "DONE")


def test_many_lost_timers_keep_no_other_one_waiting(flow_tester):
    run = flow_tester(declared(look=flow.Timer(DAY).Next(this.end)))
    for _ in range(3):
        run.start("start")
    change(run, **renamed(flow.Timer(DAY).Next(this.end)))
    run.start("start")
    flow_tester.clock.offset += 2 * DAY
    session = db.session()
    for _ in range(3):
        for due in timers.claim_due(session, timers.now(), limit=2):
            timers.fire_claimed(session, due)
    assert run.process.status == "DONE"


def test_another_permission_is_told(flow_tester):
    run = started(flow_tester, look=step().Permission("change.approve"))
    change(run, look=step().Permission("change.sign"))
    assert misfit() == [
        "look: the node `look` asked for `change.approve` and asks for `change.sign`: "
        "portal flows migrate change --map look=look"
    ]


def test_a_flow_that_is_gone_is_told(flow_tester):
    run = started(flow_tester, look=step())
    flow_tester.app.extensions["portal_flows"].pop("change")
    assert misfit() == [
        "look: the flow is gone: bring it back, or cancel the process; if it has another name now: "
        "portal flows rename-class change …"
    ]
    assert db.session.get_one(Task, run.task("look").id).node is None
