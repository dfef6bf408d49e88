"""A machine that freezes within an action keeps the lock of its tree; workers go on with everything else."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select, text, update

from portal import flow, this
from portal.engine.interpreter import conditions, messages, signals
from portal.engine.queue import jobs, reminders, timers
from portal.models import Message, SignalDelivery, Task, db

HELD = "UPDATE portal_process SET depth = depth WHERE id = :id"


class SleepFlow(flow.Flow):
    start = flow.StartHandle().Next(this.nap)
    nap = flow.Timer(dt.timedelta(0)).Next(this.end)
    end = flow.End()


class LabourFlow(flow.Flow):
    start = flow.StartHandle().Next(this.work)
    work = flow.Job(lambda activation: None).Next(this.end)
    end = flow.End()


class HopeFlow(flow.Flow):
    start = flow.StartHandle().Next(this.hope)
    hope = flow.ConditionalCatch(this.came).Next(this.end)
    end = flow.End()

    holds = False

    def came(self, activation):
        return type(self).holds


class EarFlow(flow.Flow):
    start = flow.StartHandle().Next(this.hear)
    hear = flow.SignalCatch("noise").Next(this.end)
    end = flow.End()


class LetterFlow(flow.Flow):
    start = flow.StartHandle().Next(this.letter)
    letter = flow.MessageCatch().Next(this.end)
    end = flow.End()


class ErrandFlow(flow.Flow):
    start = flow.StartHandle().Next(this.errand)
    errand = flow.View(lambda activation: activation.execute()).Due(dt.timedelta(seconds=5)).Next(this.end)
    end = flow.End()


class HouseFlow(flow.Flow):
    """Its child is what waits; the lock is the parent's."""

    start = flow.StartHandle().Next(this.child)
    child = flow.Subprocess(SleepFlow.start).Next(this.end)
    end = flow.End()


def claimed(works):
    return lambda session: len(timers.claim_due(session, timers.now(), 20, works=works))


def lose(process_id):
    """Its worker is heard of no more."""
    task_id = db.session.scalar(
        select(Task.id).where(Task.process_id == process_id, Task.flow_task == "work")
    )
    jobs.claim(db.session(), task_id)
    db.session.execute(update(Task).where(Task.id == task_id).values(lease=timers.now() - dt.timedelta(1)))


def call(process_id):
    """A signal is on its way."""
    task_id = db.session.scalar(
        select(Task.id).where(Task.process_id == process_id, Task.flow_task == "hear")
    )
    db.session.add(SignalDelivery(task_id=task_id, created=timers.now(), scheduled=timers.now()))


def write(process_id):
    """A message came when the catch could not be seen."""
    db.session.add(
        Message(flow_label="letter", node="letter", payload={}, process_id=process_id, created=timers.now())
    )


def change(_process_id):
    HopeFlow.holds = True


TURNS = {
    "timer": (SleepFlow, None, claimed(works=False)),
    "timer of a child": (HouseFlow, None, claimed(works=False)),
    "job": (LabourFlow, None, claimed(works=True)),
    "lost job": (LabourFlow, lose, jobs.reclaim),
    "condition": (HopeFlow, change, conditions.ask_due),
    "signal": (EarFlow, call, signals.turn),
    "message": (LetterFlow, write, messages.deliver),
    "reminder": (ErrandFlow, None, reminders.turn),
}


@pytest.fixture
def impatient(monkeypatch):
    """Settings of an application that is made later."""
    monkeypatch.setenv("PORTAL_DATABASE_LOCK_TIMEOUT", "0.1")


@pytest.fixture
def frozen(app):
    """Hold the lock of a process, as a machine does that froze within an action."""
    if db.engine.dialect.name == "sqlite":
        pytest.skip("has one lock for everything")
    connections = []

    def freeze(process_id):
        connections.append(db.engine.connect())
        connections[-1].execute(text("SET LOCAL lock_timeout = 0"))
        connections[-1].execute(text(HELD), {"id": process_id})

    yield freeze
    for each in connections:
        each.rollback()
        each.close()


@pytest.mark.parametrize("what", TURNS)
def test_what_is_due_elsewhere_is_done_and_the_frozen_comes_later(
    impatient, flow_tester, session, frozen, caplog, what
):
    flow_class, prepare, turn = TURNS[what]
    flow_tester(SleepFlow)
    flow_tester(flow_class)
    made = [flow_class.start.run().id for _ in range(3)]
    for process_id in made if prepare else ():
        prepare(process_id)
        session.commit()
    flow_tester.clock.offset += dt.timedelta(seconds=10)

    frozen(made[0])
    assert turn(session) == 2
    assert turn(session) == 0
    assert not caplog.records, "nobody waited for it in vain"


def test_a_timer_that_waits_for_a_frozen_machine_is_left_to_its_lease(
    impatient, flow_tester, session, frozen
):
    flow_tester(SleepFlow)
    process = SleepFlow.start.run()
    (due,) = timers.claim_due(session, timers.now(), 1)
    frozen(process.id)
    assert not timers.fire_claimed(session, due)
    task = session.get_one(Task, due.task_id)
    assert (task.status, task.failures, task.lease) == ("SCHEDULED", 0, due.until)


def test_a_batch_goes_on_without_the_timer_of_a_frozen_machine(impatient, flow_tester, session, frozen):
    flow_tester(SleepFlow)
    made = [SleepFlow.start.run().id for _ in range(3)]
    found = timers.claim_due(session, timers.now(), 20)
    frozen(made[0])
    assert timers.fire_all(session, found) == 2
    (left,) = session.scalars(select(Task).where(Task.flow_task == "nap", Task.finished.is_(None)))
    assert (left.process_id, left.failures, left.lease) == (made[0], 0, found[0].until)
