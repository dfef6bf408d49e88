"""Many dispatchers on one queue: each takes what no other has, and a poisoned row keeps nobody waiting."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter

import pytest
from sqlalchemy import func, select

from portal import flow, jsonstore, this
from portal.engine.interpreter import conditions, signals
from portal.engine.leases import LEASE, TRIES
from portal.engine.queue import jobs, schedules, timers
from portal.errors import Busy
from portal.models import Event, Process, SignalDelivery, Task, db

DISPATCHERS = 8


class NapFlow(flow.Flow):
    start = flow.StartHandle().Next(this.nap)
    nap = flow.Timer(dt.timedelta(0)).Next(this.end)
    end = flow.End()


class PoisonProcess(Process):
    poison = jsonstore.BooleanField(default=True)


class PoisonFlow(flow.Flow):
    """Its failures are raised, so that they look like those of the database"""

    process_class = PoisonProcess
    propagate_errors = True

    start = flow.StartHandle().Next(this.nap)
    nap = flow.Timer(dt.timedelta(0)).Next(this.swallow)
    swallow = flow.Function(this.check).Next(this.end)
    end = flow.End()

    def check(self, activation):
        if activation.process.poison:
            raise OSError("the disk is full")


class WorkFlow(flow.Flow):
    start = flow.StartHandle().Next(this.work)
    work = flow.Job(lambda activation: None).Next(this.end)
    end = flow.End()


class HourlyFlow(flow.Flow):
    start = flow.StartTimer(interval=dt.timedelta(hours=1)).Next(this.end)
    end = flow.End()


@pytest.fixture
def dispatchers(app, flow_tester):
    """Let eight threads call a function at the same moment, each with a session of its own; what they return."""

    def call(function):
        barrier, results = threading.Barrier(DISPATCHERS), [None] * DISPATCHERS

        def work(number):
            token = timers.clock.set(flow_tester.clock)
            with app.app_context():
                barrier.wait(300)
                try:
                    results[number] = function(db.session())
                except Exception as error:
                    results[number] = error
            timers.clock.reset(token)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(DISPATCHERS)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        failed = [each for each in results if isinstance(each, Exception)]
        assert not failed, failed
        return results

    return call


def fire_all(session):
    fired = 0
    while claimed := timers.claim_due(session, timers.now(), 10):
        fired += timers.fire_all(session, claimed)
    return fired


def test_eight_dispatchers_fire_each_timer_once(flow_tester, dispatchers, session):
    flow_tester(NapFlow)
    for _ in range(120):
        NapFlow.start.run()
    assert sum(dispatchers(fire_all)) == 120
    fired = select(Event.task_id).where(Event.action == "timer", Event.to_state == "DONE")
    assert set(Counter(session.scalars(fired)).values()) == {1}
    assert session.scalar(select(func.count()).where(Process.status == "DONE")) == 120


def test_eight_dispatchers_claim_different_jobs(flow_tester, dispatchers):
    flow_tester(WorkFlow)
    for _ in range(40):
        WorkFlow.start.run()
    claimed = dispatchers(lambda session: timers.claim_due(session, timers.now(), 4, works=True))
    ids = [each.task_id for batch in claimed for each in batch]
    assert len(ids) == len(set(ids))
    assert len(ids) >= 4


def test_eight_schedulers_start_once_for_each_due_moment(flow_tester, dispatchers):
    flow_tester(HourlyFlow)
    dispatchers(schedules.fire)
    for moment in range(1, 4):
        flow_tester.clock.offset += dt.timedelta(hours=1)
        dispatchers(schedules.fire)
        assert sum(dispatchers(schedules.fire)) == 0
        db.session.rollback()
        assert db.session.scalar(select(func.count(Process.id))) == moment


@pytest.mark.parametrize("works", [False, True])
def test_what_is_claimed_is_nobody_elses_until_its_lease_is_over(flow_tester, session, works):
    flow_class = WorkFlow if works else NapFlow
    flow_tester(flow_class)
    for _ in range(3):
        flow_class.start.run()
    first = timers.claim_due(session, timers.now(), 2, works=works)
    second = timers.claim_due(session, timers.now(), 9, works=works)
    assert (len(first), len(second)) == (2, 1)
    assert timers.claim_due(session, timers.now(), 9, works=works) == []
    assert timers.claim_due(session, timers.now(), 9, works=not works) == []
    timers.release(session, first)
    assert [d.task_id for d in timers.claim_due(session, timers.now(), 9, works=works)] == [
        d.task_id for d in first
    ]
    flow_tester.clock.offset += LEASE + dt.timedelta(seconds=1)
    again = timers.claim_due(session, timers.now(), 9, works=works)
    assert [each.task_id for each in again] == [each.task_id for each in first + second]
    timers.release(session, first)
    assert timers.claim_due(session, timers.now(), 9, works=works) == [], "an old claim gives nothing back"


def test_how_long_it_is_left_alone_may_depend_on_how_long_it_has_waited(flow_tester, session, still):
    flow_tester(WorkFlow)
    WorkFlow.start.run()
    flow_tester.clock.offset += dt.timedelta(minutes=10)
    (claimed,) = timers.claim_due(session, timers.now(), 9, works=True, lease=lambda waited: waited / 2)
    assert claimed.until - timers.now() == dt.timedelta(minutes=5)
    assert session.get_one(Task, claimed.task_id).lease == claimed.until


def test_a_poisoned_timer_waits_longer_each_time_and_becomes_an_incident(flow_tester, session, still):
    run = flow_tester(PoisonFlow)
    run.start()
    flow_tester(NapFlow)
    waits = []
    for failures in range(1, TRIES):
        NapFlow.start.run()
        assert fire_all(session) == 1, "the others fire"
        task = run.task("nap")
        assert (task.status, task.failures) == ("SCHEDULED", failures)
        waits.append(task.lease - timers.now())
        assert fire_all(session) == 0, "it does not spin"
        flow_tester.clock.offset += waits[-1] + dt.timedelta(seconds=1)
    assert waits[-1] > 20 * waits[0]
    fire_all(session)
    task = run.task("nap")
    assert (task.status, task.lease) == ("ERROR", None)
    assert task.data["_exception"]["message"] == "the disk is full"
    assert timers.claim_due(session, timers.now(), 9) == []

    process = run.process
    process.poison = False
    session.commit()
    assert task.revive().failures == 0
    fire_all(session)
    assert run.process.status == "DONE"


@pytest.mark.parametrize("error", [Busy, OSError])
def test_what_an_author_waits_for_in_vain_is_counted_too(flow_tester, session, still, monkeypatch, error):
    """A lock of the author's own is not that of the process."""

    def fail(_self, _activation):
        raise error

    run = flow_tester(PoisonFlow)
    monkeypatch.setattr(PoisonFlow, "check", fail)
    run.start()
    assert fire_all(session) == 0
    assert run.task("nap").failures == 1


def test_a_job_whose_workers_are_lost_again_and_again_becomes_an_incident(flow_tester, session):
    run = flow_tester(WorkFlow)
    run.start()
    task_id = run.task("work").id
    for attempt in range(1, TRIES + 1):
        flow_tester.clock.offset += dt.timedelta(minutes=15)
        assert timers.claim_due(session, timers.now(), 9, works=True)
        assert jobs.claim(session, task_id).attempt == attempt
        flow_tester.clock.offset += jobs.LEASE + dt.timedelta(seconds=1)
        assert jobs.reclaim(session) == 1
    task = run.task("work")
    assert (task.status, task.data["_exception"]["type"]) == ("ERROR", "WorkerLost")
    assert jobs.reclaim(session) == 0


def test_a_job_that_cannot_be_completed_is_tried_again_later(flow_tester, session, still):
    run = flow_tester(WorkFlow)
    run.start()
    claimed = jobs.claim(session, run.task("work").id)
    assert not timers.set_back(session, claimed.task_id, OSError("no network"), claimed.attempt)
    task = run.task("work")
    assert (task.status, task.failures) == ("SCHEDULED", 1)
    assert timers.claim_due(session, timers.now(), 9, works=True) == []
    assert not jobs.finish(session, claimed, None, OSError("too late"))
    flow_tester.clock.offset += dt.timedelta(seconds=2)
    assert len(timers.claim_due(session, timers.now(), 9, works=True)) == 1
    jobs.perform(session, jobs.claim(session, claimed.task_id))
    assert run.process.status == "DONE"


class HearFlow(flow.Flow):
    process_class = PoisonProcess
    propagate_errors = True

    start = flow.StartHandle(this.begin).Next(this.hear)
    hear = flow.SignalCatch("now").Next(this.swallow)
    swallow = flow.Function(this.check).Next(this.end)
    end = flow.End()

    def begin(self, activation, poison):
        activation.process.poison = poison

    def check(self, activation):
        if activation.process.poison:
            raise OSError("the disk is full")


class CallFlow(flow.Flow):
    start = flow.StartHandle().Next(this.call)
    call = flow.SignalThrow("now").Next(this.end)
    end = flow.End()


def test_a_delivery_that_is_disturbed_keeps_no_other_waiting_and_becomes_an_incident(flow_tester, session):
    flow_tester(HearFlow)
    flow_tester(CallFlow)
    for poison in (True, True, False):
        HearFlow.start.run(poison=poison)
    CallFlow.start.run()
    for _ in range(TRIES + 1):
        flow_tester.clock.offset += dt.timedelta(minutes=15)
        signals.deliver_all(session)
    states = list(session.scalars(select(Task.status).where(Task.flow_task == "hear").order_by(Task.id)))
    assert states == ["ERROR", "ERROR", "DONE"]
    assert session.scalar(select(func.count(SignalDelivery.id))) == 0


def test_eight_workers_deliver_each_signal_once(flow_tester, dispatchers, session):
    flow_tester(HearFlow)
    flow_tester(CallFlow)
    for _ in range(60):  # more than the throw itself delivers
        HearFlow.start.run(poison=False)
    CallFlow.start.run()
    dispatchers(signals.deliver_all)
    done = select(Event.task_id).where(Event.action == "signal", Event.to_state == "DONE")
    assert sorted(Counter(session.scalars(done)).values()) == [1] * 60


asked = Counter()


class AskFlow(flow.Flow):
    start = flow.StartHandle().Next(this.ask)
    ask = flow.ConditionalCatch(this.look).Next(this.end)
    end = flow.End()

    def look(self, activation):
        asked[activation.process.id] += 1
        return False


def test_eight_workers_ask_a_condition_once_in_each_interval(flow_tester, dispatchers):
    flow_tester(AskFlow)
    for _ in range(20):
        AskFlow.start.run()
    flow_tester.clock.offset += dt.timedelta(seconds=1)
    asked.clear()
    dispatchers(conditions.ask_due)
    each_time = set(asked.values())
    assert len(asked) == 20
    assert len(each_time) == 1, "none is asked by two workers"
    dispatchers(conditions.ask_due)
    assert set(asked.values()) == each_time
    flow_tester.clock.offset += conditions.INTERVAL
    dispatchers(conditions.ask_due)
    assert set(asked.values()) == {2 * next(iter(each_time))}


def test_a_turn_asks_no_more_conditions_than_its_share(flow_tester, session):
    flow_tester(AskFlow)
    for _ in range(5):
        AskFlow.start.run()
    flow_tester.clock.offset += dt.timedelta(seconds=1)
    asked.clear()
    for turn in range(1, 4):
        conditions.ask_due(session, limit=2)
        assert len(asked) == min(2 * turn, 5)


def test_an_idle_turn_asks_once_for_each_queue(flow_tester, session, count):
    flow_tester(NapFlow)
    with count() as statements:
        assert timers.claim_due(session, timers.now(), 20) == []
    assert len(statements) == 1, str(statements)


def test_a_fired_timer_costs_few_statements(flow_tester, session, count):
    flow_tester(NapFlow)
    for _ in range(20):
        NapFlow.start.run()
    with count() as claiming:
        claimed = timers.claim_due(session, timers.now(), 20)
    assert len(claiming) == 3, str(claiming)
    with count() as firing:
        assert timers.fire(session, claimed[0].task_id)
    assert len(firing) <= 8, str(firing)


def test_a_job_that_somebody_changes_costs_no_other_its_lease(flow_tester, session, still):
    flow_tester(WorkFlow)
    made = [WorkFlow.start.run().id for _ in range(2)]
    ids = list(session.scalars(select(Task.id).where(Task.process_id.in_(made), Task.flow_task == "work")))
    held = [jobs.claim(session, task_id) for task_id in ids]
    flow_tester.clock.offset += dt.timedelta(seconds=30)
    if db.engine.dialect.name == "sqlite":  # where one writes at a time
        jobs.heartbeat(session, held)
    else:
        with db.engine.connect() as other, other.begin():
            other.execute(select(Task.__table__.c.id).where(Task.__table__.c.id == ids[0]).with_for_update())
            jobs.heartbeat(session, held)
    session.expire_all()
    leases = [session.get_one(Task, task_id).lease for task_id in ids]
    assert leases[1] == timers.now() + jobs.LEASE
    session.rollback()
    jobs.heartbeat(session, held)
    assert session.get_one(Task, ids[0]).lease == timers.now() + jobs.LEASE
