"""Timers that fire in one transaction: nobody notices it, whatever an author's function does beside them."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest
from sqlalchemy import event, select, text

from portal import flow, jsonstore, this, trace
from portal.engine import batches
from portal.engine.queue import timers
from portal.errors import PortalError
from portal.models import Event, Outgoing, Process, Task, db
from portal.testing.database import empty_database
from tests.audit import faults


class BatchProcess(Process):
    name = jsonstore.StringField("Name", max_length=40, default="")
    seen = jsonstore.StringField("Seen", max_length=40, default="")


class NapFlow(flow.Flow):
    process_class = BatchProcess
    process_webhooks = ["https://hooks.example"]

    start = flow.StartHandle(this.begin).Next(this.nap)
    nap = flow.Timer(dt.timedelta(0)).Next(this.look)
    look = flow.Function(this.see).Next(this.end)
    end = flow.End()

    def begin(self, activation, name):
        activation.process.name = name
        return activation.process

    def see(self, activation):
        activation.process.seen = activation.process.name
        DEEDS.get(activation.process.name, lambda _activation: None)(activation)


class SleepFlow(flow.Flow):
    """Nothing of an author's."""

    start = flow.StartHandle().Next(this.nap)
    nap = flow.Timer(dt.timedelta(0)).Next(this.end)
    end = flow.End()


class ManyFlow(flow.Flow):
    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.nap, task_data_source=lambda activation: [{}] * 3)
    nap = flow.Timer(dt.timedelta(0)).Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()


def neighbours(activation):
    """The processes beside that of an action, as anybody finds them."""
    mine = activation.process.id
    return list(db.session.scalars(select(BatchProcess).where(BatchProcess.id != mine)))


def raises(activation):
    raise ValueError("no")


def leaves(activation):
    raise SystemExit(1)


def changes_and_raises(activation):
    for each in neighbours(activation):
        each.seen = "changed"
        each.status = "CANCELED"
    raise ValueError("no")


def changes_in_memory_and_raises(activation):
    for each in list(db.session.identity_map.values()):
        if isinstance(each, Task) and each.process_id != activation.process.id:
            each.status = "NEW"
    raise ValueError("no")


def expires(activation):
    db.session.expire_all()


def expires_and_raises(activation):
    db.session.expire_all()
    raise ValueError("no")


def throws_away(activation):
    for each in list(db.session.identity_map.values()):
        if isinstance(each, Process | Task) and each not in (activation.process, activation.task):
            db.session.expunge(each)


def breaks_a_statement(activation):
    try:
        db.session.execute(text("SELECT * FROM nowhere"))
    except Exception:
        activation.process.seen = "broken"


def breaks_a_savepoint(activation):
    savepoint = db.session.begin_nested()
    for each in neighbours(activation):
        each.seen = "changed"
    db.session.flush()
    savepoint.rollback()


def closes_the_transaction(activation):
    db.session.rollback()


def acts_on_another(activation):
    for each in neighbours(activation):
        each.cancel()


DEEDS = {
    each.__name__: each
    for each in (
        raises, leaves, changes_and_raises, changes_in_memory_and_raises, expires, expires_and_raises, throws_away,
        breaks_a_statement, breaks_a_savepoint, closes_the_transaction, acts_on_another,
    )
}  # fmt: skip


@pytest.fixture
def commits(app):
    """How many there were: `[None, None]` after two."""
    found: list[None] = []

    def note(_connection):
        found.append(None)

    event.listen(db.engine, "commit", note)
    yield found
    event.remove(db.engine, "commit", note)


def claimed(session):
    return timers.claim_due(session, timers.now(), 20)


def fired(session):
    """How often each timer fired."""
    done = select(Event.task_id).where(Event.action == "timer", Event.to_state == "DONE")
    return Counter(session.scalars(done))


def test_twenty_timers_take_one_transaction(flow_tester, session, count, commits):
    flow_tester(SleepFlow)
    for _ in range(20):
        SleepFlow.start.run()
    found = claimed(session)
    commits.clear()
    with count() as statements:
        assert timers.fire_all(session, found) == 20
    assert len(commits) == 1
    assert len(statements) <= 12, str(statements)
    assert faults(session) == []


def outcome(deed, fire):
    """What becomes of three processes, of which the second does something, and what is wrong with the others."""
    session = db.session()
    made = [NapFlow.start.run(name=name).id for name in ("first", deed, "last")]
    found = claimed(session)
    assert len(found) == 3
    fire(session, found)
    session.expunge_all()
    processes = [session.get_one(BatchProcess, process_id) for process_id in made]
    states = [
        (each.status, each.seen, [(task.flow_task, task.status) for task in each.tasks]) for each in processes
    ]
    wrong = [fault for fault in faults(session) if not str(fault).startswith(f"process {made[1]} ")]
    db.session.remove()
    return states, wrong


@pytest.mark.parametrize("deed", DEEDS)
def test_what_an_author_does_to_a_neighbour_is_nothing(flow_tester, deed):
    """One in the middle does something; the others, and it itself, are as when each fires alone."""
    flow_tester(NapFlow)
    together, wrong = outcome(deed, timers.fire_all)
    assert wrong == []
    assert [each[:2] for each in together[::2]] == [("DONE", "first"), ("DONE", "last")]
    assert set(fired(db.session()).values()) == {1}
    empty_database()
    alone, _ = outcome(deed, lambda session, found: [timers.fire_claimed(session, each) for each in found])
    if deed in ("expires", "throws_away"):  # alone, it makes the session forget what became of its own timer
        together[1] = alone[1]
    assert together == alone


def test_each_follows_its_own_trace(flow_tester, session):
    flow_tester(NapFlow)
    for number in range(3):
        with trace.following(f"trace-number-{number}"):
            NapFlow.start.run(name=str(number))
    assert timers.fire_all(session, claimed(session)) == 3
    for number in range(3):
        mine = select(Process.id).where(BatchProcess.name == str(number)).scalar_subquery()
        for model in (Task, Outgoing):
            found = set(session.scalars(select(model.trace).where(model.process_id == mine)))
            assert found == {f"trace-number-{number}"}


def test_timers_of_one_tree_fire_one_after_the_other(flow_tester, session):
    run = flow_tester(ManyFlow)
    run.start()
    assert timers.fire_all(session, claimed(session)) == 3
    assert run.process.status == "DONE"
    assert set(fired(session).values()) == {1}
    assert faults(session) == []


def test_a_slow_function_keeps_no_further_tree_locked(flow_tester, session, commits, monkeypatch):
    monkeypatch.setattr(batches, "LONGEST", 0.0)
    flow_tester(NapFlow)
    for _ in range(3):
        NapFlow.start.run(name="")
    found = claimed(session)
    commits.clear()
    assert timers.fire_all(session, found) == 3
    assert len(commits) == 3


def test_who_stops_hands_back_the_rest(flow_tester, session):
    flow_tester(SleepFlow)
    for _ in range(3):
        SleepFlow.start.run()
    assert timers.fire_all(session, claimed(session), lambda: True) == 0
    assert len(claimed(session)) == 3, "they are free at once"


def test_what_is_late_is_left_to_whoever_claims_it_now(flow_tester, session):
    flow_tester(SleepFlow)
    SleepFlow.start.run()
    found = claimed(session)
    flow_tester.clock.offset += dt.timedelta(minutes=1)
    again = claimed(session)
    assert timers.fire_all(session, found) == 0
    assert timers.fire_all(session, again) == 1


def test_an_action_within_a_batch_reaches_its_own_tree_alone(flow_tester, session):
    flow_tester(NapFlow)
    for name in ("first", "acts_on_another"):
        NapFlow.start.run(name=name)
    timers.fire_all(session, claimed(session))
    (failed,) = session.scalars(select(Task).where(Task.status == "ERROR"))
    assert failed.data["_exception"]["type"] == PortalError.__name__
