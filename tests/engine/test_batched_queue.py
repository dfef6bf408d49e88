"""Starts, claims of jobs, lost jobs and reminders that share a transaction: each comes out as it would alone."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import event, func, select, text

from portal import flow, jsonstore, this
from portal.engine import batches
from portal.engine.leases import LONGEST_WAIT
from portal.engine.queue import jobs, reminders, schedules, timers
from portal.models import Event, Notice, Process, Schedule, Task, create_user, db
from portal.work.local import LocalExecutor
from tests.audit import faults

HELD = "UPDATE portal_process SET depth = depth WHERE id = :id"


class StartedProcess(Process):
    seen = jsonstore.StringField("Seen", max_length=40, default="")


class WorkFlow(flow.Flow):
    start = flow.StartHandle().Next(this.work)
    work = flow.Job(this.do_work).Next(this.end)
    end = flow.End()

    def do_work(self, activation):
        activation.process.data["attempt"] = activation.attempt


class ErrandFlow(flow.Flow):
    start = flow.StartHandle().Next(this.errand)
    errand = flow.ManualTask().Assign(username="bob").Due(dt.timedelta(seconds=5)).Next(this.end)
    end = flow.End()


def hourly(name, deed=lambda _activation: None):
    """A flow that starts each hour, and then does something."""

    def see(self, activation):
        activation.process.seen = "seen"
        deed(activation)

    nodes = {
        "process_class": StartedProcess,
        "start": flow.StartTimer(interval=dt.timedelta(hours=1)).Next(this.look),
        "look": flow.Function(this.see).Next(this.end),
        "end": flow.End(),
        "see": see,
    }
    return type(flow.Flow)(f"{name.title()}HourFlow", (flow.Flow,), nodes)


@pytest.fixture
def commits(app):
    """How many there were: `[None, None]` after two."""
    found = []

    def note(_connection):
        found.append(None)

    event.listen(db.engine, "commit", note)
    yield found
    event.remove(db.engine, "commit", note)


@pytest.fixture
def frozen(app):
    """Hold the lock of a process, as a machine does that froze within an action."""
    if db.engine.dialect.name == "sqlite":
        pytest.skip("has one lock for everything")
    connection = db.engine.connect()

    def freeze(process_id):
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text(HELD), {"id": process_id})

    yield freeze
    connection.rollback()
    connection.close()


# -- starts by a schedule --------------------------------------------------------------------------------------


@pytest.fixture
def due_starts(flow_tester, session, still):
    """Flows that are to start now, made of their names and what each does."""

    def make(**deeds):
        for name, deed in deeds.items():
            flow_tester(hourly(name, deed))
        assert schedules.fire(session) == 0
        flow_tester.clock.offset += dt.timedelta(hours=1, seconds=1)

    return make


def started(session):
    """What there is of each flow."""
    session.expunge_all()
    found = session.scalars(select(StartedProcess).order_by(StartedProcess.flow_label))
    return [(p.flow_label, p.status, p.seen, [(t.flow_task, t.status) for t in p.tasks]) for p in found]


def nothing(_activation):
    pass


def raises(_activation):
    raise ValueError("no")


def leaves(_activation):
    raise SystemExit(1)


def changes_and_raises(activation):
    mine = activation.process.id
    for each in db.session.scalars(select(StartedProcess).where(StartedProcess.id != mine)):
        each.seen = "changed"
    for each in db.session.scalars(select(Schedule)):
        each.next_start = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
    raise ValueError("no")


def throws_away(activation):
    for each in list(db.session.identity_map.values()):
        if each not in (activation.process, activation.task):
            db.session.expunge(each)


def throws_schedules_away(_activation):
    for each in list(db.session.identity_map.values()):
        if isinstance(each, Schedule):
            db.session.expunge(each)


def expires_and_raises(_activation):
    db.session.expire_all()
    raise ValueError("no")


def closes_the_transaction(_activation):
    db.session.rollback()


DEEDS = (
    raises, leaves, changes_and_raises, throws_away, throws_schedules_away, expires_and_raises,
    closes_the_transaction,
)  # fmt: skip


def test_twenty_starts_take_one_transaction(due_starts, session, commits):
    due_starts(**{f"flow{number:02}": nothing for number in range(20)})
    commits.clear()
    assert schedules.fire(session) == 20
    assert len(commits) == 1
    assert schedules.fire(session) == 0
    assert len({label for label, status, *_ in started(session) if status == "DONE"}) == 20
    assert faults(session) == []


@pytest.mark.parametrize("deed", DEEDS)
def test_what_an_author_does_to_the_start_beside_it_is_nothing(due_starts, session, deed):
    due_starts(a=nothing, b=deed, c=nothing)
    schedules.fire(session)
    found = started(session)
    assert [each[:3] for each in found if each[0] != "b_hour"] == [
        ("a_hour", "DONE", "seen"),
        ("c_hour", "DONE", "seen"),
    ]
    wait = select(Schedule.flow_label).where(Schedule.next_start <= timers.now())
    assert set(session.scalars(wait)) <= {"b_hour"}
    session.rollback()
    schedules.fire(session)
    again = started(session)
    assert [each for each in again if each[0] != "b_hour"] == [
        each for each in found if each[0] != "b_hour"
    ], "nothing starts twice"


def test_what_an_author_does_is_what_it_is_alone(due_starts, session):
    due_starts(a=nothing, b=raises)
    assert schedules.fire(session) == 2
    assert started(session)[1] == (
        "b_hour", "NEW", "", [("start", "DONE"), ("look", "ERROR")]
    )  # fmt: skip


def test_slow_starts_keep_no_lock_for_long(due_starts, session, commits, monkeypatch):
    monkeypatch.setattr(batches, "LONGEST", 0.0)
    due_starts(a=nothing, b=nothing, c=nothing)
    commits.clear()
    assert schedules.fire(session) == 3
    assert len(commits) == 3


def test_a_start_that_another_clock_holds_keeps_no_other(due_starts, session):
    if db.engine.dialect.name == "sqlite":
        pytest.skip("has one lock for everything")
    due_starts(a=nothing, b=nothing, c=nothing)
    held = select(Schedule.id).where(Schedule.flow_label == "a_hour").with_for_update()
    with db.engine.connect() as other:
        other.execute(held)
        assert schedules.fire(session) == 2
        other.rollback()
    assert schedules.fire(session) == 1


# -- jobs ------------------------------------------------------------------------------------------------------


@pytest.fixture
def due_jobs(flow_tester, session):
    """The claimed rows of jobs that are due now."""

    def make(number):
        flow_tester(WorkFlow)
        for _ in range(number):
            WorkFlow.start.run()
        return timers.claim_due(session, timers.now(), number, works=True)

    return make


@pytest.fixture
def executor(app):
    made = LocalExecutor(app)
    yield made
    assert made.stop(60)


def wait_for_all(executor):
    """Its threads have done what they were given; who stops hands back what has not begun."""
    with executor._changed:
        assert executor._changed.wait_for(lambda: not executor._running(), 300)


def works(session):
    """Each job by its state, its attempt, how often its worker was lost, and whether a try has failed."""
    session.rollback()
    tasks = session.scalars(
        select(Task)
        .where(Task.flow_task == "work")
        .order_by(Task.id)
        .execution_options(populate_existing=True)
    )
    return [(each.status, each.attempt, each.failures, "_exception" in each.data) for each in tasks]


def test_jobs_are_claimed_in_one_transaction_and_done(due_jobs, session, executor, commits):
    due = due_jobs(4)
    commits.clear()
    before = []
    original = executor._begin
    executor._begin = lambda task_id, claimed: before.append((len(commits), original(task_id, claimed)))
    assert executor.submit(due) == (4, [])
    assert before[0][0] == 1
    wait_for_all(executor)
    assert works(session) == [("DONE", 1, 0, False)] * 4
    assert faults(session) == []


def test_a_job_that_cannot_be_claimed_keeps_no_other(due_jobs, session, executor, monkeypatch, caplog):
    due = due_jobs(4)
    bad, original = due[1].task_id, jobs._claim

    def claim(run, task):
        if task.id == bad:
            raise OSError("no")
        return original(run, task)

    monkeypatch.setattr(jobs, "_claim", claim)
    assert executor.submit(due) == (4, [])
    wait_for_all(executor)
    found = works(session)
    assert found.pop(1) == ("SCHEDULED", 0, 1, False), "it is put off"
    assert found == [("DONE", 1, 0, False)] * 3
    assert caplog.text.count("was disturbed") == 1


def test_a_job_in_a_frozen_tree_keeps_no_other_from_its_claim(due_jobs, session, frozen):
    due = due_jobs(4)
    frozen(session.get_one(Task, due[0].task_id).process_id)
    session.rollback()
    claims = jobs.claim_some(session, [each.task_id for each in due])
    assert sorted(claims) == [each.task_id for each in due[1:]]


def test_a_process_that_is_killed_between_the_claims_and_the_work_costs_no_try(
    due_jobs, flow_tester, session
):
    due = due_jobs(4)
    assert len(jobs.claim_some(session, [each.task_id for each in due])) == 4
    assert works(session) == [("STARTED", 1, 0, False)] * 4
    flow_tester.clock.offset += jobs.LEASE + dt.timedelta(seconds=1)  # and nothing is heard of it
    assert jobs.reclaim(session) == 4
    assert works(session) == [("SCHEDULED", 1, 1, False)] * 4
    again = timers.claim_due(session, timers.now(), 10, works=True)
    for claimed in jobs.claim_some(session, [each.task_id for each in again]).values():
        jobs.perform(session, claimed)
    assert works(session) == [("DONE", 2, 1, False)] * 4
    assert faults(session) == []


def test_a_claim_counts_its_time_limit_from_its_own_transaction(due_jobs, session, still):
    claims = jobs.claim_some(session, [each.task_id for each in due_jobs(2)])
    limit = jobs.time_limit(WorkFlow.definition.nodes["work"])
    assert {each.deadline for each in claims.values()} == {timers.now() + limit}


def test_lost_jobs_come_back_in_one_transaction(due_jobs, flow_tester, session, commits):
    jobs.claim_some(session, [each.task_id for each in due_jobs(20)])
    flow_tester.clock.offset += jobs.LEASE + dt.timedelta(seconds=1)
    commits.clear()
    assert jobs.reclaim(session) == 20
    assert len(commits) == 1
    assert jobs.reclaim(session) == 0
    assert works(session) == [("SCHEDULED", 1, 1, False)] * 20


def test_a_lost_job_that_cannot_come_back_keeps_no_other(due_jobs, flow_tester, session, monkeypatch, caplog):
    jobs.claim_some(session, [each.task_id for each in due_jobs(3)])
    flow_tester.clock.offset += jobs.LEASE + dt.timedelta(seconds=1)
    bad, original = works(session), jobs._made_due
    first = session.scalar(select(func.min(Task.id)).where(Task.flow_task == "work"))

    def made_due(run, task, attempt):
        if task.id == first:
            raise OSError("no")
        return original(run, task, attempt)

    monkeypatch.setattr(jobs, "_made_due", made_due)
    assert jobs.reclaim(session) == 2
    assert works(session) == [bad[0], *[("SCHEDULED", 1, 1, False)] * 2]
    assert caplog.text.count("could not be made due again") == 1


def test_who_stops_hands_its_jobs_back_in_one_transaction(due_jobs, session, commits):
    claims = jobs.claim_some(session, [each.task_id for each in due_jobs(4)])
    commits.clear()
    jobs.hand_back_all(session, list(claims.values()))
    assert len(commits) == 1
    assert works(session) == [("SCHEDULED", 1, 0, False)] * 4
    jobs.hand_back_all(session, list(claims.values()))
    assert works(session) == [("SCHEDULED", 1, 0, False)] * 4
    back = select(func.count()).select_from(Event).where(Event.to_state == "SCHEDULED")
    assert session.scalar(back.where(Event.action == "job")) == 4


# -- reminders -------------------------------------------------------------------------------------------------


class BrokenAddresses:
    """The web hooks of a flow, as long as they cannot be told."""

    broken = True

    def __iter__(self):
        if self.broken:
            raise ValueError("no addresses today")
        return iter(())


class BrokenFlow(ErrandFlow):
    process_webhooks = ()


@pytest.fixture
def late(flow_tester, session):
    """Tasks whose owner is to be reminded now, of each flow so many."""
    create_user("bob", email="bob@example.org")

    def make(*flows):
        for each in dict.fromkeys(flows):
            flow_tester(each)
        for each in flows:
            each.start.run()
        flow_tester.clock.offset += dt.timedelta(seconds=6)

    return make


def told(session):
    session.rollback()
    return session.scalar(select(func.count()).select_from(Notice).where(Notice.event == "late"))


def test_twenty_reminders_take_one_transaction(late, session, commits):
    late(*[ErrandFlow] * 21)
    commits.clear()
    assert reminders.turn(session) == 20
    assert len(commits) == 1
    assert reminders.turn(session) == 1
    assert reminders.turn(session) == 0
    assert told(session) == 21


def test_a_reminder_that_fails_keeps_no_other_and_comes_again(
    late, flow_tester, session, monkeypatch, caplog
):
    late(ErrandFlow, BrokenFlow, ErrandFlow)
    monkeypatch.setattr(BrokenFlow, "process_webhooks", BrokenAddresses())
    assert reminders.turn(session) == 3
    assert told(session) == 2
    assert "has failed, and waits" in caplog.text
    assert reminders.turn(session) == 0, "it is left alone for a while"
    monkeypatch.setattr(BrokenAddresses, "broken", False)
    flow_tester.clock.offset += LONGEST_WAIT
    assert reminders.turn(session) == 1
    assert told(session) == 3


def test_what_takes_long_to_tell_keeps_no_tree_locked(late, session, commits, monkeypatch):
    monkeypatch.setattr(batches, "LONGEST", 0.0)
    late(*[ErrandFlow] * 3)
    commits.clear()
    assert [reminders.turn(session) for _ in range(4)] == [1, 1, 1, 0]
    assert told(session) == 3
