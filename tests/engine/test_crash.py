"""The process dies before each statement of an action in turn, and behind each commit: all of it is there, or nothing.

What is there already is not done a second time when it is asked for again; what is not can be done.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import time_machine
from sqlalchemy import delete, event, select, update

from portal import flow, jsonstore, this
from portal.engine import actions, outbox
from portal.engine import retries as edge
from portal.engine.interpreter import conditions, messages, signals
from portal.engine.queue import jobs, reminders, schedules, timers
from portal.errors import PortalError
from portal.models import Event, Message, Outgoing, Process, Schedule, SignalDelivery, Task, create_user, db
from tests.audit import faults

TABLES = (Process, Task, Event, SignalDelivery, Outgoing, Message, Schedule)
#: differs between two goes by right
OWN = ("key", "trace", "payload")
HOOK = "https://hooks.example"
AHEAD = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)


class BelowFlow(flow.Flow):
    start = flow.StartHandle().Next(this.sign)
    sign = flow.ManualTask().Next(this.end)
    end = flow.End()


class CrashProcess(Process):
    note = jsonstore.StringField()


class CrashFlow(flow.Flow):
    process_class = CrashProcess
    process_webhooks = [HOOK]
    withdraw = True

    start = flow.StartHandle().Next(this.approve)
    approve = (
        flow.ManualTask()
        .Due(dt.timedelta(hours=1))
        .OnTimeout(dt.timedelta(hours=1), this.late, interrupting=False)
        .Next(this.split)
    )
    late = flow.End()
    split = (
        flow.Split().Next(this.wait).Next(this.work).Next(this.call).Next(this.letter).Next(this.hear)
        .Next(this.until)
    )  # fmt: skip
    wait = flow.Timer(dt.timedelta(hours=1)).Next(this.join)
    work = flow.Job(this.do, retries=1).Next(this.join)
    call = flow.Subprocess(BelowFlow.start).Next(this.join)
    letter = flow.MessageCatch(this.read).Next(this.join)
    hear = flow.SignalCatch("news").Next(this.join)
    until = flow.ConditionalCatch(lambda activation: activation.process.data.get("go")).Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()

    def do(self, activation):
        if activation.process.data.get("fail"):
            raise ValueError
        activation.process.data["worked"] = True

    def read(self, activation, text):
        activation.process.data["text"] = text


class NewsFlow(flow.Flow):
    start = flow.StartHandle().Next(this.throw)
    throw = flow.SignalThrow("news").Next(this.end)
    end = flow.End()


class HourlyFlow(flow.Flow):
    start = flow.StartTimer(interval=dt.timedelta(hours=1)).Next(this.look)
    look = flow.ManualTask().Next(this.end)
    end = flow.End()


FLOWS = (BelowFlow, CrashFlow, NewsFlow, HourlyFlow)


class Cut(BaseException):
    """The process is gone."""


@contextmanager
def cutting(before: int = 0, after_commit: int = 0) -> Iterator[list[str]]:
    """Note what is sent to the database. The process dies before the statement with this number, or behind the commit
    with this one: its connection is closed, and whatever it still tries fails."""
    sent: list[str] = []
    dead: list[bool] = []

    def die(connection: Any) -> None:
        dead.append(True)
        connection.connection.dbapi_connection.close()
        connection.invalidate()
        raise Cut

    def tell(connection: Any, statement: str) -> None:
        if dead:
            raise Cut
        sent.append(statement)
        if len(sent) == before:
            die(connection)

    def execute(connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        tell(connection, statement)

    def commit(connection: Any) -> None:
        tell(connection, "COMMIT")
        if sent.count("COMMIT") == after_commit:
            connection.connection.dbapi_connection.commit()
            die(connection)

    event.listen(db.engine, "before_cursor_execute", execute)
    event.listen(db.engine, "commit", commit)
    try:
        with suppress(Cut):
            yield sent
    finally:
        event.remove(db.engine, "before_cursor_execute", execute)
        event.remove(db.engine, "commit", commit)
        db.session.remove()


class World:
    """A process brought to where an action is possible, and the actions."""

    def __init__(self, tester: Any) -> None:
        self.tester = tester
        self.alice = create_user("alice", is_superuser=True).id
        self.bob = create_user("bob", is_superuser=True).id
        self.claim: Any = None
        self.claims: list[Any] = []

    def empty(self) -> None:
        """As it was before everything."""
        self.tester.clock.offset = dt.timedelta()
        db.session.execute(update(Process).values(parent_task_id=None))
        for table in reversed(db.metadata.sorted_tables):
            if table.name not in ("portal_user", "portal_role", "portal_user_role"):
                db.session.execute(delete(table))
        db.session.commit()

    def look(self) -> list[list[tuple[Any, ...]]]:
        """Every row, but for keys, times and what differs between two goes by right."""
        found = []
        for table in (model.__table__ for model in TABLES):
            columns = [
                each
                for each in table.columns
                if not (each.primary_key or each.foreign_keys or each.name in OWN)
            ]
            rows = db.session.execute(select(*columns).order_by(*table.primary_key.columns))
            found.append([tuple(map(_plain, row)) for row in rows])
        db.session.rollback()
        return found

    def task(self, node: str) -> int:
        return self.one(select(Task.id).where(Task.flow_task == node).order_by(Task.id.desc()))

    def one(self, query: Any) -> Any:
        return db.session.scalars(query.limit(1)).one()

    @property
    def process(self) -> int:
        return self.one(select(Process.id).where(Process.flow_label == "crash"))

    # -- what is possible then -----------------------------------------------------------------------------

    def started(self) -> None:
        CrashFlow.start.run()

    def assigned(self) -> None:
        self.started()
        self.assign()

    def done(self) -> None:
        self.assigned()
        self.execute()

    def given_back(self) -> None:
        self.done()
        for node in ("wait", "work", "letter", "hear", "until"):
            self.act("cancel", node)
        actions.cancel_process(
            db.session(), self.one(select(Process.id).where(Process.flow_label == "below"))
        )
        self.act("cancel", "call")

    def canceled(self) -> None:
        self.started()
        self.act("cancel", "approve")

    def suspended(self) -> None:
        self.done()
        self.suspend()

    def late(self) -> None:
        self.assigned()
        self.hours(2)

    def ripe(self) -> None:
        self.done()
        self.hours(2)

    def ripe_twice(self) -> None:
        self.done_twice()
        self.hours(2)

    def at_work(self) -> None:
        self.done()
        self.take_job()

    def failing(self) -> None:
        self.at_work()
        self.say("fail")

    def broken(self) -> None:
        """Its job has failed for good."""
        self.failing()
        for _ in range(2):
            jobs.perform(db.session(), self.claim)
            self.hours(1)
            self.take_job()

    def own(self) -> None:
        CrashFlow.start.run(_user=self.alice)

    def done_twice(self) -> None:
        self.done()
        self.done()

    def lost_twice(self) -> None:
        self.done_twice()
        self.take_jobs()
        self.hours(2)

    def at_work_twice(self) -> None:
        self.done_twice()
        self.take_jobs()

    def lost(self) -> None:
        self.at_work()
        self.hours(2)

    def below(self) -> None:
        self.done()
        self.act("assign", "sign", self.alice)

    def thrown(self) -> None:
        """The delivery waits, because the process is suspended at the throw."""
        self.suspended()
        NewsFlow.start.run()
        actions.resume(db.session(), self.process)

    def held(self) -> None:
        """So that what is thrown is not delivered by the same hand."""
        self.suspended()

    def fit(self) -> None:
        self.done()
        self.say("go")

    def waited_for(self) -> None:
        """A message has come before its catch."""
        self.assigned()
        self.send()

    def kept(self) -> None:
        """A message has come while the process was suspended."""
        self.suspended()
        self.send()
        actions.resume(db.session(), self.process)

    def sending(self) -> None:
        self.assigned()
        [self.row] = outbox.claim(db.session(), "hook")

    def seen(self) -> None:
        self.hourly()
        self.hours(2)

    def say(self, word: str) -> None:
        process = db.session.get_one(Process, self.process)
        process.data[word] = True
        db.session.commit()

    def hours(self, number: int) -> None:
        self.tester.clock.offset += dt.timedelta(hours=number)

    # -- what is done --------------------------------------------------------------------------------------

    def act(self, action: str, node: str, *arguments: Any) -> None:
        with actions.activation(db.session(), self.task(node), self.alice) as activation:
            getattr(activation, action)(*arguments)

    def assign(self) -> None:
        self.act("assign", "approve", self.alice)

    def execute(self) -> None:
        self.act("execute", "approve")

    def revive(self) -> None:
        """The one that was cancelled, not its copy."""
        first = self.one(select(Task.id).where(Task.flow_task == "approve").order_by(Task.id))
        with actions.activation(db.session(), first, self.alice) as activation:
            activation.revive()

    def fire(self, node: str) -> None:
        timers.fire(db.session(), self.task(node))

    def fire_all(self) -> None:
        found = timers.due(db.session(), timers.now())
        timers.fire_all(db.session(), [each for each in found if not each.works])

    def take_job(self) -> None:
        self.claim = jobs.claim(db.session(), self.task("work")) or self.claim

    def take_jobs(self) -> None:
        query = select(Task.id).where(Task.flow_task == "work").order_by(Task.id)
        claims = jobs.claim_some(db.session(), list(db.session.scalars(query)))
        self.claims = list(claims.values()) or self.claims

    def send(self) -> None:
        CrashFlow.letter.run(process=self.process, text="hello", _key="1")

    def suspend(self) -> None:
        actions.suspend(db.session(), self.process, self.alice)

    def deliver(self) -> None:
        for each in db.session.scalars(select(SignalDelivery.id)).all():
            signals.deliver(db.session(), each)

    def correct(self) -> None:
        with actions.changing_data(db.session(), self.process, self.alice, "why") as process:
            process.note = "corrected"

    def hourly(self) -> None:
        schedules.fire(db.session())


def _plain(value: Any) -> str:
    if isinstance(value, dt.datetime):
        return "ahead" if value > timers.now() else "then"
    if isinstance(value, dict) and "_exception" in value:
        return str(value | {"_exception": value["_exception"]["type"]})
    return str(value)


#: what is done, and where it is possible
ACTIONS: dict[str, tuple[Callable[[World], Any], Callable[[World], Any]]] = {
    "start": (World.empty, lambda w: CrashFlow.start.run(_user=w.alice)),
    "assign": (World.started, World.assign),
    "unassign": (World.assigned, lambda w: w.act("unassign", "approve")),
    "reassign": (World.assigned, lambda w: w.act("reassign", "approve", w.bob)),
    "execute": (World.assigned, World.execute),
    "execute where a message waits": (World.waited_for, World.execute),
    "execute the last of a child": (World.below, lambda w: w.act("execute", "sign")),
    "timer": (World.ripe, lambda w: w.fire("wait")),
    "deadline": (World.late, lambda w: w.fire("approve__timeout")),
    "dispatch": (World.ripe, lambda w: timers.claim_due(db.session(), timers.now(), 10)),
    "timers in one transaction": (World.ripe_twice, World.fire_all),
    "claim of a job": (World.done, World.take_job),
    "claims in one transaction": (World.done_twice, World.take_jobs),
    "jobs of a lost worker in one transaction": (World.lost_twice, lambda w: jobs.reclaim(db.session())),
    "jobs handed back in one transaction": (
        World.at_work_twice, lambda w: jobs.hand_back_all(db.session(), w.claims)
    ),
    "job": (World.at_work, lambda w: jobs.perform(db.session(), w.claim)),
    "job that fails": (World.failing, lambda w: jobs.perform(db.session(), w.claim)),
    "job handed back": (World.at_work, lambda w: jobs.hand_back(db.session(), w.claim)),
    "job of a lost worker": (World.lost, lambda w: jobs.reclaim(db.session())),
    "skip": (World.assigned, lambda w: w.act("skip", "approve", None, "why")),
    "skip of what failed": (World.broken, lambda w: w.act("skip", "work")),
    "move": (World.assigned, lambda w: w.act("move", "approve", "split", None, "why")),
    "move to a join": (World.done, lambda w: w.act("move", "call", "join")),
    "due": (World.assigned, lambda w: w.act("change_due", "approve", AHEAD, "why")),
    "priority": (World.assigned, lambda w: w.act("change_priority", "approve", 3)),
    "snooze": (World.assigned, lambda w: w.act("snooze", "approve", AHEAD)),
    "retry of all that failed": (World.broken, lambda w: actions.retry(db.session(), w.process, w.alice)),
    "data": (World.done, World.correct),
    "withdraw": (World.own, lambda w: actions.withdraw(db.session(), w.process, w.alice, "why")),
    "cancel of a task": (World.done, lambda w: w.act("cancel", "wait")),
    "cancel": (World.done, lambda w: actions.cancel_process(db.session(), w.process, w.alice)),
    "undo": (World.given_back, lambda w: w.act("undo", "split")),
    "revive": (World.canceled, World.revive),
    "suspend": (World.done, World.suspend),
    "resume": (World.suspended, lambda w: actions.resume(db.session(), w.process, w.alice)),
    "message": (World.done, World.send),
    "message too early": (World.assigned, World.send),
    "message handed over": (World.kept, lambda w: messages.deliver(db.session())),
    "signal thrown": (World.held, lambda w: NewsFlow.start.run()),
    "signal claimed": (World.thrown, lambda w: signals.claim(db.session())),
    "signal delivered": (World.thrown, World.deliver),
    "condition": (World.fit, lambda w: conditions.ask_one(db.session(), w.task("until"))),
    "reminder": (World.late, lambda w: reminders.turn(db.session())),
    "schedule seen": (World.empty, World.hourly),
    "schedule": (World.seen, World.hourly),
    "outbox claimed": (World.assigned, lambda w: outbox.claim(db.session(), "hook")),
    "outbox sent": (World.sending, lambda w: outbox.delivered(db.session(), w.row)),
    "outbox failed": (World.sending, lambda w: outbox.failed(db.session(), w.row, "no answer")),
}  # fmt: skip
#: done again they are another one
ANEW = ("start", "reassign", "signal thrown", "due", "priority", "snooze", "retry of all that failed")


@pytest.fixture
def world(flow_tester: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(edge, "TRIES", 1)
    for each in FLOWS:
        flow_tester(each)
    with time_machine.travel(dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC), tick=False):  # no lease runs out
        yield World(flow_tester)


@pytest.mark.parametrize("action", ACTIONS)
def test_a_crash_leaves_all_of_an_action_or_nothing(action: str, world: World) -> None:
    prepare, act = ACTIONS[action]

    def begin() -> Any:
        world.empty()
        prepare(world)
        return world.look()

    def after(**when: int) -> tuple[Any, list[str]]:
        with cutting(**when) as sent:
            act(world)
        found = world.look()
        if found != before:  # which is in order
            assert faults(db.session()) == [], f"{when}: {sent[-1]}"
            db.session.remove()
        return found, sent

    before = begin()
    behind = []
    for number in itertools.count(1):
        found, sent = after(before=number)
        if len(sent) < number:
            break
        if found != before:
            behind.append((sent[-1], found))
            assert begin() == before
    assert found != before, "the action has done nothing"
    for statement, left in behind:
        assert left == found, f"cut before {statement}"

    whole = []
    for number in range(1, sent.count("COMMIT") + 1):
        assert begin() == before
        left, _ = after(after_commit=number)
        assert left in (before, found), f"cut behind commit {number}"
        if left == found and action not in ANEW:
            with suppress(PortalError):
                act(world)
            db.session.remove()
            assert world.look() == found, "done twice"
        whole.append(left == found)
    assert any(whole), "it was committed, and is not there"
