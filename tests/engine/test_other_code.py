"""A worker whose code lacks what others' has: it leaves that alone, and whoever has it does it."""

import datetime as dt

import pytest
from sqlalchemy import func, select

from portal import flow, jsonstore, this
from portal.engine.interpreter import conditions, messages, signals
from portal.engine.queue import jobs, timers
from portal.models import Process, SignalDelivery, Task


class NapFlow(flow.Flow):
    start = flow.StartHandle().Next(this.nap)
    nap = flow.Timer(dt.timedelta(0)).Next(this.end)
    end = flow.End()


class WorkFlow(flow.Flow):
    start = flow.StartHandle().Next(this.work)
    work = flow.Job(lambda activation: None).Next(this.end)
    end = flow.End()


class HearFlow(flow.Flow):
    start = flow.StartHandle().Next(this.hear)
    hear = flow.SignalCatch("now").Next(this.end)
    end = flow.End()


class AskFlow(flow.Flow):
    start = flow.StartHandle().Next(this.ask)
    ask = flow.ConditionalCatch(lambda activation: activation.process.data.get("go")).Next(this.end)
    end = flow.End()


class BareFlow(flow.Flow):
    """What is left of a flow whose nodes have gone"""

    start = flow.StartHandle().Next(this.end)
    end = flow.End()


def without(app, run, how):
    """Let the code of this application lack the flow of a run, or the nodes of it."""
    flows = app.extensions["portal_flows"]
    if how == "flow":
        del flows[run.label]
    else:
        flows[run.label] = BareFlow


gone = pytest.mark.parametrize("how", ["flow", "node"])


@pytest.fixture
def waiting(flow_tester):
    """A run of a flow that waits."""

    def begin(flow_class):
        run = flow_tester(flow_class)
        run.start()
        return run

    return begin


@gone
@pytest.mark.parametrize("flow_class", [NapFlow, WorkFlow])
def test_what_is_due_is_left_to_those_who_know_it(flow_tester, session, waiting, flow_class, how):
    run, works = waiting(flow_class), flow_class is WorkFlow
    without(flow_tester.app, run, how)
    assert timers.claim_due(session, timers.now(), 9, works=works) == []
    assert timers.due(session, timers.now()) == []

    flow_tester(flow_class)
    (found,) = timers.claim_due(session, timers.now(), 9, works=works)
    if works:
        jobs.perform(session, jobs.claim(session, found.task_id))
    else:
        assert timers.fire_claimed(session, found)
    assert run.process.status == "DONE"


@gone
def test_a_timer_that_is_known_no_more_when_it_fires_stays(flow_tester, session, waiting, how):
    run = waiting(NapFlow)
    (found,) = timers.claim_due(session, timers.now(), 9)
    without(flow_tester.app, run, how)
    assert not timers.fire_claimed(session, found)
    assert session.get_one(Task, found.task_id).status == "SCHEDULED"


@gone
def test_a_job_that_is_known_no_more_is_told_and_stays(flow_tester, session, waiting, how, caplog):
    run = waiting(WorkFlow)
    task_id = run.task("work").id
    without(flow_tester.app, run, how)
    assert jobs.claim(session, task_id) is None
    assert "work.work" in caplog.text
    assert "PORTAL_FLOWS" in caplog.text
    assert session.get_one(Task, task_id).status == "SCHEDULED"


@gone
def test_a_signal_waits_for_a_worker_that_knows_its_catch(flow_tester, session, waiting, how):
    run = waiting(HearFlow)
    session.add(SignalDelivery(task_id=run.task("hear").id, created=timers.now(), scheduled=timers.now()))
    session.commit()
    without(flow_tester.app, run, how)
    assert signals.deliver_all(session) == 0
    flow_tester(HearFlow)
    assert signals.deliver_all(session) == 1
    assert run.process.status == "DONE"


@gone
def test_a_signal_for_a_catch_that_is_over_is_cleared_away(flow_tester, session, waiting, how):
    run = waiting(HearFlow)
    session.add(SignalDelivery(task_id=run.task("hear").id, created=timers.now(), scheduled=timers.now()))
    session.commit()
    run.process.cancel()
    without(flow_tester.app, run, how)
    signals.deliver_all(session)
    assert session.scalar(select(func.count(SignalDelivery.id))) == 0


@gone
def test_a_condition_is_asked_by_those_who_know_it(flow_tester, session, waiting, how):
    run = waiting(AskFlow)
    process = run.process
    process.data["go"] = True
    session.commit()
    flow_tester.clock.offset += conditions.INTERVAL * 2
    other = waiting(type("OtherFlow", (AskFlow,), {"__module__": __name__}))  # conditions are in use here
    without(flow_tester.app, run, how)
    conditions.ask_due(session)
    assert run.process.status == "NEW"
    flow_tester(AskFlow)
    conditions.ask_due(session)
    assert run.process.status == "DONE"
    assert other.process.status == "NEW"


@gone
def test_a_job_whose_worker_was_lost_comes_up_again_all_the_same(flow_tester, session, waiting, how):
    run = waiting(WorkFlow)
    task_id = run.task("work").id
    jobs.claim(session, task_id)
    without(flow_tester.app, run, how)
    flow_tester.clock.offset += jobs.LEASE + dt.timedelta(seconds=1)
    assert jobs.reclaim(session) == 1
    assert session.get_one(Task, task_id, populate_existing=True).status == "SCHEDULED"


class PostProcess(Process):
    name = jsonstore.StringField()


class PostFlow(flow.Flow):
    process_class = PostProcess

    start = flow.StartHandle().Next(this.post)
    post = flow.MessageCatch().Next(this.end)
    end = flow.End()


@gone
def test_a_message_waits_for_a_worker_that_knows_its_catch(flow_tester, session, waiting, how):
    run = waiting(PostFlow)
    PostFlow.post.run(_where={"name": "bee"})
    process = run.process
    process.name = "bee"
    session.commit()
    flow_tester(type("OtherFlow", (PostFlow,), {"__module__": __name__}))  # messages are in use here
    without(flow_tester.app, run, how)
    assert messages.deliver(session) == 0
    assert run.process.status == "NEW"
    flow_tester(PostFlow)
    assert messages.deliver(session) == 1
    assert run.process.status == "DONE"
    assert messages.deliver(session) == 0
