"""Starts on a schedule, through outages and clocks that are set."""

import datetime as dt

import pytest
from sqlalchemy import func, select

from portal import flow, this
from portal.engine.queue import schedules, timers
from portal.models import Process, Schedule, db


class HourlyFlow(flow.Flow):
    start = flow.StartTimer(interval=dt.timedelta(hours=1)).Next(this.end)
    end = flow.End()


class NightlyFlow(flow.Flow):
    start = flow.StartTimer(cron="30 2 * * *", timezone="Europe/Berlin").Next(this.end)
    end = flow.End()


class NapFlow(flow.Flow):
    start = flow.StartHandle().Next(this.nap)
    nap = flow.Timer(dt.timedelta(minutes=1)).Next(this.end)
    end = flow.End()


def starts(label):
    db.session.rollback()
    return db.session.scalar(select(func.count()).where(Process.flow_label == label))


@pytest.mark.parametrize("flow_class", [HourlyFlow, NightlyFlow])
def test_a_clock_that_is_set_back_starts_nothing_twice(flow_tester, session, flow_class):
    flow_tester(flow_class)
    label = flow_class.definition.label
    schedules.fire(session)
    row = session.scalars(select(Schedule)).one()
    flow_tester.clock.offset += row.next_start - timers.now() + dt.timedelta(minutes=1)
    assert schedules.fire(session) == 1
    moment = session.get_one(Schedule, row.id, populate_existing=True).next_start
    flow_tester.clock.offset -= dt.timedelta(hours=1)
    for _ in range(4):
        assert schedules.fire(session) == 0
        flow_tester.clock.offset += dt.timedelta(minutes=20)
    assert session.get_one(Schedule, row.id, populate_existing=True).next_start == moment
    assert starts(label) == 1


def test_an_outage_of_a_day_is_made_up_by_one_start_and_the_beat_is_kept(flow_tester, session):
    flow_tester(HourlyFlow)
    schedules.fire(session)
    row = session.scalars(select(Schedule)).one()
    first = row.next_start
    flow_tester.clock.offset += dt.timedelta(days=1, minutes=10)
    assert sum(schedules.fire(session) for _ in range(5)) == 1
    following = session.get_one(Schedule, row.id, populate_existing=True).next_start
    assert (following - first) % dt.timedelta(hours=1) == dt.timedelta()
    assert following > timers.now()


class TroubledFlow(flow.Flow):
    """A start that is disturbed by what is no fault of its code"""

    propagate_errors = True

    start = flow.StartTimer(interval=dt.timedelta(hours=1)).Next(this.work)
    work = flow.Function(this.do_work).Next(this.end)
    end = flow.End()

    def do_work(self, activation):
        raise OSError("the disk is full")


def test_a_start_that_is_disturbed_waits_and_keeps_no_other_waiting(flow_tester, session, still, caplog):
    flow_tester(TroubledFlow)
    flow_tester(HourlyFlow)
    schedules.fire(session)
    flow_tester.clock.offset += dt.timedelta(hours=1, seconds=1)
    assert schedules.fire(session) == 1
    assert [starts(label) for label in ("hourly", "troubled")] == [1, 0]
    row = session.scalars(select(Schedule).where(Schedule.flow_label == "troubled")).one()
    assert (row.failures, row.lease > timers.now()) == (1, True)
    caplog.clear()
    assert schedules.fire(session) == 0
    assert not caplog.records, "it is left alone for a while"
    flow_tester.clock.offset += dt.timedelta(seconds=2)
    schedules.fire(session)
    assert session.get_one(Schedule, row.id, populate_existing=True).failures == 2


def test_the_command_fires_timers_and_starts_what_is_due(flow_tester):
    flow_tester(HourlyFlow)
    flow_tester(NapFlow)
    fire = flow_tester.app.test_cli_runner().invoke
    assert fire(args=["timers", "fire"]).output == "0\n"
    NapFlow.start.run()
    flow_tester.clock.offset += dt.timedelta(hours=1, seconds=1)
    assert fire(args=["timers", "fire"]).output == "2\n"
    assert fire(args=["timers", "fire"]).output == "0\n"
    assert starts("hourly") == 1
