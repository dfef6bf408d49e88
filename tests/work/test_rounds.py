"""What comes round, on each database: one part that fails keeps no other waiting."""

import datetime as dt

import pytest
from sqlalchemy import func, select, text

from portal import flow, this
from portal.engine import clock, jobs
from portal.models import Delivery, Event, Task


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


@pytest.fixture
def scheduler(app):
    return app.extensions["portal_scheduler"]


def lost_job(session):
    """A job whose worker has not been heard of for too long."""
    WorkFlow.start.run()
    claimed = jobs.claim(session, clock.due(session, clock.now())[0].task_id)
    task = session.get_one(Task, claimed.task_id)
    task.lease = clock.now() - dt.timedelta(seconds=1)
    session.commit()
    return task


def test_a_part_that_fails_keeps_no_other_waiting(register, scheduler, session, caplog):
    for flow_class in (WorkFlow, DailyFlow, HearFlow):
        register(flow_class)
    task = lost_job(session)
    for table in ("schedule", "delivery"):
        session.execute(text(f"DROP TABLE {table}"))
    session.commit()
    scheduler.rounds()
    assert "portal.engine.schedules failed" in caplog.text
    assert "portal.engine.signals failed" in caplog.text
    session.refresh(task)
    assert task.status == "SCHEDULED"


def test_many_signals_are_delivered_in_one_round_and_keep_nothing_else_waiting(register, scheduler, session):
    for flow_class in (WorkFlow, HearFlow):
        register(flow_class)
    for _ in range(60):
        HearFlow.start.run()
    now = clock.now()
    heard = list(session.scalars(select(Task.id).where(Task.flow_task == "hear")))
    session.add_all([Delivery(task_id=each, created=now, scheduled=now) for each in heard])
    session.commit()
    lost_job(session)
    before = session.scalar(select(func.max(Event.id)))
    session.rollback()
    scheduler.rounds()
    done = select(Event.action, Event.to_state).where(Event.id > before, Event.action.in_(("signal", "job")))
    order = list(session.execute(done.order_by(Event.id)))
    assert order.count(("signal", "DONE")) == 60
    assert order.index(("job", "SCHEDULED")) == 50, "it did not wait for all of them"


def test_a_worker_with_nothing_to_do_asks_little(register, scheduler, session, count):
    for flow_class in (WorkFlow, DailyFlow, HearFlow):
        register(flow_class)
    scheduler.rounds()  # the schedule is seen for the first time
    scheduler._looked.clear()
    with count() as statements:
        scheduler.dispatch()
        scheduler.rounds()
    assert len(statements) <= 8, str(statements)
