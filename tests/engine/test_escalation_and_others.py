"""Escalation, conditions, compensation and scheduled starts."""

import datetime as dt

import pytest
from sqlalchemy import func, select

from portal import act, flow, this
from portal.models import Process, db


class WorkFlow(flow.Flow):
    start = flow.StartHandle().Next(this.alarm)
    alarm = flow.EscalationThrow("late").Next(this.go_on)
    go_on = flow.Handle().Next(this.end)
    end = flow.End()


class BossFlow(flow.Flow):
    start = flow.StartHandle().Next(this.work)
    work = flow.Subprocess(WorkFlow.start).OnEscalation(this.look, "late").Next(this.end)
    look = flow.Handle().Next(this.end)
    end = flow.End()


class StrictBossFlow(flow.Flow):
    start = flow.StartHandle().Next(this.work)
    work = flow.Subprocess(WorkFlow.start).OnEscalation(this.look, interrupting=True).Next(this.end)
    look = flow.Handle().Next(this.end)
    end = flow.End()


class DeafBossFlow(flow.Flow):
    start = flow.StartHandle().Next(this.work)
    work = flow.Subprocess(WorkFlow.start).OnEscalation(this.look, "fire").Next(this.end)
    look = flow.Handle().Next(this.end)
    end = flow.End()


@pytest.fixture
def boss(flow_tester):
    flow_tester(WorkFlow)

    def start(flow_class):
        run = flow_tester(flow_class)
        run.start("start")
        return run

    return start


def test_an_escalation_begins_a_second_path_beside_the_task(boss):
    run = boss(BossFlow)
    assert run.task("work").status == "STARTED"
    run.handle("look")
    assert run.process.status == "NEW"
    run.children("work")[0].handle("go_on")
    assert run.process.status == "DONE"


def test_an_interrupting_escalation_cancels_the_task_and_what_is_below(boss):
    run = boss(StrictBossFlow)
    assert run.tasks("work")[0].status == "CANCELED"
    assert run.children("work")[0].process.status == "CANCELED"
    run.handle("look")
    assert run.process.status == "DONE"


def test_an_escalation_that_nobody_hears_is_ignored(boss):
    run = boss(DeafBossFlow)
    assert not run.tasks("look")
    run.children("work")[0].handle("go_on")
    assert run.process.status == "DONE"


class StockFlow(flow.Flow):
    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.enough).Next(this.deliver)
    enough = flow.ConditionalCatch(lambda a: a.process.data.get("stock", 0) > 5).Next(this.join)
    deliver = flow.Handle(this.add).Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()

    def add(self, activation, stock):
        activation.process.data["stock"] = stock


@pytest.mark.parametrize(("stock", "status"), [(6, "DONE"), (5, "NEW")])
def test_a_condition_is_asked_after_each_action(flow_tester, stock, status):
    run = flow_tester(StockFlow)
    run.start("start")
    assert run.task("enough").status == "STARTED"
    run.handle("deliver", stock=stock)
    assert run.process.status == status


WEATHER = {"dry": False}


class WeatherFlow(flow.Flow):
    start = flow.StartHandle().Next(this.dry)
    dry = flow.ConditionalCatch(lambda a: WEATHER["dry"]).Next(this.end)
    end = flow.End()


def test_a_condition_is_asked_by_the_clock(flow_tester, monkeypatch):
    run = flow_tester(WeatherFlow)
    run.start("start")
    run.advance(minutes=1)
    assert run.process.status == "NEW"
    monkeypatch.setitem(WEATHER, "dry", True)
    run.advance(minutes=1)
    assert run.process.status == "DONE"


class TripFlow(flow.Flow):
    start = flow.StartHandle(this.begin).Next(this.hotel)
    hotel = flow.Function(this.book).CompensateWith(this.drop_hotel).Next(this.flight)
    flight = flow.Function(this.book).CompensateWith(this.drop_flight).Next(this.pay)
    pay = flow.If(act.process.data["money"]).Then(this.end).Else(this.take_back)
    take_back = flow.CompensateThrow().Next(this.gone)
    drop_hotel = flow.Function(this.drop)
    end = flow.End()
    gone = flow.End()

    def begin(self, activation, money):
        activation.process.data.update(money=money, log=[])

    def book(self, activation):
        activation.process.data["log"].append(activation.node.name)

    def drop(self, activation):
        activation.process.data["log"].append(activation.node.name)

    def drop_flight(self, activation):
        activation.process.data["log"].append("drop_flight")


def test_what_was_done_is_taken_back_last_things_first(flow_tester):
    run = flow_tester(TripFlow)
    run.start("start", money=False)
    assert run.process.data["log"] == ["hotel", "flight", "drop_flight", "drop_hotel"]
    assert run.process.status == "DONE"
    assert run.path[-3:] == ["drop_hotel", "take_back", "gone"]


def test_nothing_is_taken_back_without_a_throw(flow_tester):
    run = flow_tester(TripFlow)
    run.start("start", money=True)
    assert run.process.data["log"] == ["hotel", "flight"]


class EveryHourFlow(flow.Flow):
    start = flow.StartTimer(interval=dt.timedelta(hours=1)).Next(this.end)
    end = flow.End()


class MorningFlow(flow.Flow):
    start = flow.StartTimer(cron="0 8 * * *", timezone="Europe/Zurich").Next(this.end)
    end = flow.End()


def started(label):
    db.session.rollback()
    return db.session.scalar(select(func.count()).where(Process.flow_label == label))


def test_an_interval_starts_once_for_each_due_moment(flow_tester):
    run = flow_tester(EveryHourFlow)
    run.advance(minutes=59)
    assert started("every_hour") == 0
    run.advance(minutes=2)
    assert started("every_hour") == 1
    run.advance(hours=3)
    assert started("every_hour") == 4


def test_what_was_missed_is_made_up_by_one_start(flow_tester):
    run = flow_tester(EveryHourFlow)
    run.advance(minutes=1)
    flow_tester.clock.offset += dt.timedelta(hours=5)
    run.advance(seconds=1)
    assert started("every_hour") == 1


def test_cron_starts_in_its_own_time_zone(flow_tester):
    run = flow_tester(MorningFlow)
    run.advance(days=2, minutes=1)
    assert started("morning") == 2
    process = db.session.scalars(select(Process).order_by(Process.id.desc())).first()
    assert process.created.astimezone(__import__("zoneinfo").ZoneInfo("Europe/Zurich")).hour == 8
