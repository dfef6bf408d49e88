"""What a worker looks after, on each database: one statement tells when, and what fails keeps nothing else waiting."""

import datetime as dt

import pytest
from sqlalchemy import func, select, text

from portal import flow, this
from portal.engine.moments import next_start
from portal.engine.queue import due, jobs, maintenance, schedules, timers
from portal.models import Message, SignalDelivery, Task


class WorkFlow(flow.Flow):
    start = flow.StartHandle().Next(this.work)
    work = flow.Job(lambda activation: None).Next(this.end)
    end = flow.End()


class DailyFlow(flow.Flow):
    start = flow.StartTimer(cron="0 0 * * *").Next(this.end)
    end = flow.End()


class HearFlow(flow.Flow):
    start = flow.StartHandle().Next(this.hear)
    hear = flow.SignalCatch("now").Next(this.end)
    end = flow.End()


class AskFlow(flow.Flow):
    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.ask).Next(this.nap).Next(this.mail)
    ask = flow.ConditionalCatch(lambda activation: False).Next(this.end)
    nap = flow.Timer(dt.timedelta(hours=1)).Next(this.end)
    mail = flow.MessageCatch().Next(this.end)
    end = flow.End()


@pytest.fixture
def scheduler(app):
    return app.extensions["portal_scheduler"]


def lost_job(session):
    """A job whose worker has not been heard of for too long."""
    WorkFlow.start.run()
    claimed = jobs.claim(session, timers.due(session, timers.now())[0].task_id)
    task = session.get_one(Task, claimed.task_id)
    task.lease = timers.now() - dt.timedelta(seconds=1)
    session.commit()
    return task


def test_a_part_that_fails_keeps_no_other_waiting(register, scheduler, session, caplog):
    for flow_class in (WorkFlow, DailyFlow, HearFlow):
        register(flow_class)
    task = lost_job(session)
    for table in ("portal_schedule", "portal_delivery"):
        session.execute(text(f"DROP TABLE {table}"))
    session.commit()
    for name in maintenance.ROUNDS:
        scheduler.turns.take(name)
    assert "schedules failed" in caplog.text
    assert "signals failed" in caplog.text
    session.refresh(task)
    assert task.status == "SCHEDULED"


def test_many_signals_are_delivered_in_batches_and_keep_nothing_else_waiting(register, scheduler, session):
    for flow_class in (WorkFlow, HearFlow):
        register(flow_class)
    for _ in range(60):
        HearFlow.start.run()
    now = timers.now()
    heard = list(session.scalars(select(Task.id).where(Task.flow_task == "hear")))
    session.add_all([SignalDelivery(task_id=each, created=now, scheduled=now) for each in heard])
    session.commit()
    assert scheduler.turns.take("signals"), "there is more"
    session.rollback()
    assert session.scalar(select(func.count()).select_from(SignalDelivery)) == 10
    assert scheduler.turns.take("signals")
    assert not scheduler.turns.take("signals")
    session.rollback()
    assert session.scalar(select(func.count()).select_from(SignalDelivery)) == 0


def test_a_worker_with_nothing_to_do_asks_one_statement(register, scheduler, session, count):
    for flow_class in (WorkFlow, DailyFlow, HearFlow, AskFlow):
        register(flow_class)
    with count() as statements:
        scheduler.look()
    assert len(statements) == 1, str(statements)


def test_the_look_knows_the_moment_of_whatever_falls_due(register, session):
    for flow_class in (WorkFlow, DailyFlow, HearFlow, AskFlow):
        register(flow_class)
    before = timers.now()
    assert due.first_moments(session) == {}
    schedules.fire(session)  # the schedule is seen for the first time
    HearFlow.start.run()
    AskFlow.start.run()
    task = lost_job(session)
    session.add(SignalDelivery(task_id=task.id, created=before, scheduled=before))
    task.remind = before + dt.timedelta(days=1)
    session.add(
        Message(flow_label="ask", node="mail", payload={}, created=before, process_id=task.process_id)
    )
    session.commit()
    WorkFlow.start.run()
    found = due.first_moments(session)
    assert set(found) == {
        "timers", "jobs", "schedules", "signals", "messages", "reminders", "conditions", "lost jobs"
    }  # fmt: skip
    assert found["schedules"] == next_start(DailyFlow.start, timers.now())
    assert found["signals"] == before
    assert found["reminders"] == before + dt.timedelta(days=1)
    assert before + dt.timedelta(minutes=59) < found["timers"] < before + dt.timedelta(minutes=61)
    assert before <= found["jobs"] <= timers.now()
    assert found["lost jobs"] == task.lease


def test_what_another_worker_holds_is_not_due(register, session):
    register(WorkFlow)
    WorkFlow.start.run()
    timers.claim_due(session, timers.now(), 10, works=True)
    assert due.first_moments(session) == {}
