"""What fails in an author's code is told: once in the log, in the messages of the tester, on the pages."""

from __future__ import annotations

import datetime as dt
import logging
import re

import pytest

from portal import flow, this, views
from portal.errors import TransitionNotAllowed
from portal.models import Task, db


class Bye(BaseException):
    """As `KeyboardInterrupt` it is no `Exception`."""


def wrong(*_args, **_kwargs):
    return None.amount  # type: ignore[attr-defined]


def leave(*_args, **_kwargs):
    raise SystemExit(3)


def interrupt(*_args, **_kwargs):
    raise KeyboardInterrupt


def say_bye(*_args, **_kwargs):
    raise Bye("for good")


RAISING = {wrong: "AttributeError", leave: "SystemExit", interrupt: "KeyboardInterrupt", say_bye: "Bye"}


def one_node(bad):
    """The flows in which each kind of code fails, by what fails: the flow and the node that is then in ERROR."""
    start = flow.StartHandle().Next(this.f)

    def form():
        return flow.View(views.UpdateProcessView.as_view(fields=[]))

    nodes = {
        "function": flow.Function(bad).Next(this.end),
        "condition": flow.If(bad).Then(this.end).Else(this.end),
        "case": flow.Switch().Case(this.end, bad).Default(this.end),
        "split": flow.Split().Next(this.end, case=bad).Always(this.end),
        "data": flow.Function(lambda _: None).Next(this.end, task_data=bad),
        "on create": form().onCreate(bad).Next(this.end),
        "assignment": form().Assign(bad).Next(this.end),
        "due": form().Due(bad).Next(this.end),
        "priority": form().Priority(bad).Next(this.end),
        "permission": form().Permission("x.y", obj=bad).Next(this.end),
        "timer": flow.Timer(bad).Next(this.end),
        "catch": flow.ConditionalCatch(bad).Next(this.end),
        "job": flow.Job(bad).Next(this.end),
    }
    return {
        what: type("ToldFlow", (flow.Flow,), {"start": start, "f": node, "end": flow.End()})
        for what, node in nodes.items()
    }


WHAT = list(one_node(wrong))


@pytest.mark.parametrize("bad", RAISING)
@pytest.mark.parametrize("what", WHAT)
def test_it_is_a_failure_of_its_node_and_logged_once(flow_tester, caplog, what, bad):
    run = flow_tester(one_node(bad)[what])
    with caplog.at_level(logging.INFO, "portal"):
        run.start()
        if what == "job":
            run.jobs()
    task = db.session.query(Task).filter_by(flow_task="f").one()
    assert task.status == "ERROR"
    assert task.data["_exception"]["type"] == RAISING[bad]
    lines = [each for each in caplog.records if each.exc_info]
    assert len(lines) == 1
    line = lines[0]
    assert (line.flow, line.node, line.process_id, line.task_id) == ("told", "f", task.process_id, task.id)
    assert line.getMessage() == (
        f"told.f failed in process {task.process_id}, task {task.id}: {RAISING[bad]}"
    )
    assert f"in {bad.__name__}" in "".join(logging.Formatter().format(line))


def test_the_tester_says_what_has_failed_and_where(flow_tester):
    run = flow_tester(one_node(wrong)["function"])
    run.start()
    with pytest.raises(AssertionError) as told:
        run.task("end")
    assert re.search(
        r"open are: f; `f` is in ERROR: AttributeError: 'NoneType' object has no attribute 'amount' "
        r"… \S*test_failures_told\.py:\d+$",
        str(told.value),
    )
    with pytest.raises(TransitionNotAllowed, match="`f` is in ERROR: AttributeError"):
        run.task("f").execute()


def test_the_tester_says_what_has_failed_in_a_called_process(flow_tester):
    class InnerFlow(flow.Flow):
        start = flow.StartHandle().Next(this.look)
        look = flow.Function(wrong).Next(this.end)
        end = flow.End()

    class OuterFlow(flow.Flow):
        start = flow.StartHandle().Next(this.call)
        call = flow.Subprocess(InnerFlow.start).Next(this.end)
        end = flow.End()

    run = flow_tester(OuterFlow)
    run.start()
    with pytest.raises(AssertionError, match="`look` of inner is in ERROR: AttributeError"):
        run.task("end")


@pytest.mark.parametrize("what", WHAT)
def test_the_tester_raises_it_where_it_is_asked_to(flow_tester, what):
    run = flow_tester(one_node(wrong)[what], propagate=True)
    with pytest.raises(AttributeError, match="amount"):
        (run.start(), run.jobs())
    other = flow_tester(one_node(wrong)[what])
    other.start()
    other.jobs()
    assert db.session.query(Task).filter_by(flow_task="f", status="ERROR").count() == 1


def test_a_failure_that_an_event_catches_is_logged_too(flow_tester, caplog):
    class CaughtFlow(flow.Flow):
        start = flow.StartHandle().Next(this.f)
        f = flow.Function(leave).OnError(this.end, code="SystemExit").Next(this.end)
        end = flow.End()

    run = flow_tester(CaughtFlow)
    run.start()
    assert run.process.status == "DONE"
    assert [each.getMessage().split(": ")[1] for each in caplog.records if each.exc_info] == [
        "SystemExit; f__error catches it"
    ]


def test_what_was_rolled_back_has_not_failed(flow_tester, caplog):
    class TwoFlow(flow.Flow):
        start = flow.StartHandle().Next(this.f)
        f = flow.Function(wrong).Next(this.end)
        end = flow.End()

    run = flow_tester(TwoFlow, propagate=True)
    with pytest.raises(AttributeError):
        run.start()
    assert [each for each in caplog.records if each.name == "portal.failures"] == []


def test_no_value_of_a_statement_is_in_the_log_or_kept(flow_tester, caplog):
    from sqlalchemy import text

    def query(activation):
        db.session.execute(text("SELECT * FROM nowhere WHERE x = :x"), {"x": "hunter" + str(2)})

    class QueryFlow(flow.Flow):
        start = flow.StartHandle().Next(this.f)
        f = flow.Function(query).Next(this.end)
        end = flow.End()

    run = flow_tester(QueryFlow)
    run.start()
    assert "nowhere" in caplog.text
    assert "hunter2" not in caplog.text + str(run.task("f").data)


def test_a_job_between_tries_says_so(flow_tester, caplog):
    class TriesFlow(flow.Flow):
        start = flow.StartHandle().Next(this.f)
        f = flow.Job(wrong, retries=2, backoff=dt.timedelta(minutes=5)).Next(this.end)
        end = flow.End()

    run = flow_tester(TriesFlow)
    run.start()
    run.jobs()
    assert run.task("f").data["_exception"]["tries"] == 1
    with pytest.raises(AssertionError, match="`f` is tried again, after try 1 failed: AttributeError"):
        run.task("end")
    assert "AttributeError; try 2 of 3 at " in caplog.text


def test_a_rule_for_the_wait_that_fails_is_a_failure_of_the_job(flow_tester):
    class WaitFlow(flow.Flow):
        start = flow.StartHandle().Next(this.f)
        f = flow.Job(wrong, retries=2, backoff=leave).Next(this.end)
        end = flow.End()

    run = flow_tester(WaitFlow)
    run.start()
    run.jobs()
    assert run.task("f").status == "ERROR"
    assert run.task("f").data["_exception"]["type"] == "SystemExit"


def test_tries_are_counted_by_what_failed(flow_tester, session):
    """A try whose worker was lost, or stopped, has not failed."""
    from portal.engine.queue import jobs, timers

    class LostFlow(flow.Flow):
        start = flow.StartHandle().Next(this.f)
        f = flow.Job(wrong, retries=1, backoff=dt.timedelta(minutes=5)).Next(this.end)
        end = flow.End()

    run = flow_tester(LostFlow)
    run.start()
    key = run.task("f").id
    for _ in range(3):
        claimed = jobs.claim(session, key)
        flow_tester.clock.offset += dt.timedelta(minutes=10)
        assert jobs.reclaim(session) == 1
        flow_tester.clock.offset += dt.timedelta(minutes=10)
    claimed = jobs.claim(session, key)
    jobs.hand_back(session, claimed)
    run.jobs()
    assert run.task("f").status == "SCHEDULED"
    flow_tester.clock.offset += dt.timedelta(minutes=10)
    assert timers.due(session, timers.now())
    run.jobs()
    assert run.task("f").status == "ERROR"


def test_a_rule_of_who_may_start_that_fails_keeps_its_start_alone(flow_tester, caplog):
    class DoorFlow(flow.Flow):
        start = flow.Start(views.CreateProcessView.as_view(fields=[])).Available(leave).Next(this.end)
        open = flow.Start(views.CreateProcessView.as_view(fields=[])).Available(this.is_alice).Next(this.end)
        end = flow.End()

        def is_alice(self, user):
            return user.username == "alice"

    run = flow_tester(DoorFlow)
    person = run.person("alice", [])
    assert [DoorFlow.open.available(each) for each in (person, run.person("bob", []))] == [True, False]
    assert DoorFlow.start.available(person) is False
    assert "door.start: the rule of .Available() failed" in caplog.text


def test_a_template_that_fails_is_logged_once(flow_tester, caplog):
    from portal import summaries

    summaries._told.clear()

    class SumFlow(flow.Flow):
        process_summary_template = "{{ process.data.x / 0 }}"
        start = flow.StartHandle().Next(this.wait)
        wait = flow.ManualTask().Next(this.end)
        end = flow.End()

    run = flow_tester(SumFlow)
    run.start()
    run.process.data["x"] = 1
    for _ in range(3):
        assert summaries.of_process(run.process) == summaries.PLACEHOLDER
    lines = [each for each in caplog.records if each.name == "portal.summaries"]
    assert len(lines) == 1
    assert (lines[0].flow, lines[0].process_id) == ("sum", run.process.id)
