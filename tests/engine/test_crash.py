"""The connection is cut before each statement of an action in turn: it is wholly there or wholly not."""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, select, text

from portal import flow, this
from portal.engine import actions, clock, disturbances, jobs
from portal.models import Delivery, Event, Outgoing, Process, Task, create_user, db
from portal.models.task import task_link
from tests.audit import faults

TABLES = (
    Process.__table__,
    Task.__table__,
    task_link,
    Event.__table__,
    Delivery.__table__,
    Outgoing.__table__,
)


class CrashFlow(flow.Flow):
    start = flow.StartHandle().Next(this.approve)
    approve = flow.ManualTask().Next(this.split)
    split = flow.Split().Next(this.wait).Next(this.work)
    wait = flow.Timer(dt.timedelta(hours=1)).Next(this.join)
    work = flow.Job(this.do).Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()

    def do(self, activation):
        activation.process.data["worked"] = True


class Cut(Exception):
    """The process is gone."""


def dump(session: Any) -> list[Any]:
    """Every row, but for the times and what differs between two goes by right."""
    session.expire_all()
    rows = [
        [
            tuple(str(value) for name, value in row._mapping.items() if not isinstance(value, dt.datetime))
            for row in session.execute(select(table).order_by(*table.primary_key.columns))
        ]
        for table in TABLES
    ]
    session.rollback()
    return rows


@contextmanager
def cutting(before: int | None):
    """Count what is sent to the database, and cut the connection before the statement with this number."""
    sent: list[str] = []

    def cut(connection: Any, statement: str) -> None:
        sent.append(statement)
        if len(sent) != before:
            return
        raw = connection.connection.dbapi_connection
        if connection.dialect.name == "sqlite":
            raw.close()  # as a process that dies: no COMMIT, no ROLLBACK
            connection.invalidate()
            raise Cut
        pid = raw.info.backend_pid
        with db.engine.connect() as other:
            other.execution_options(ours=True).execute(
                text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid}
            )

    def execute(connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not connection.get_execution_options().get("ours") and "pg_terminate" not in statement:
            cut(connection, statement)

    def commit(connection: Any) -> None:
        cut(connection, "COMMIT")

    event.listen(db.engine, "before_cursor_execute", execute)
    event.listen(db.engine, "commit", commit)
    try:
        yield sent
    finally:
        event.remove(db.engine, "before_cursor_execute", execute)
        event.remove(db.engine, "commit", commit)


class World:
    """A process brought to where an action is possible, and the action."""

    def __init__(self, tester: Any) -> None:
        self.tester = tester
        self.alice = create_user("alice", is_superuser=True).id

    def task(self, name: str) -> int:
        return db.session.scalars(
            select(Task.id).where(Task.flow_task == name).order_by(Task.id.desc())
        ).first()

    def started(self) -> None:
        CrashFlow.start.run()

    def assigned(self) -> None:
        self.started()
        self.act_assign()

    def running(self) -> None:
        self.assigned()
        self.act_execute()

    def ripe(self) -> None:
        self.running()
        self.tester.clock.offset += dt.timedelta(hours=2)

    def claimed(self) -> None:
        self.running()
        self.claim = jobs.claim(db.session(), self.task("work"))

    def nothing(self) -> None: ...

    def act_start(self) -> None:
        CrashFlow.start.run(_user=self.alice)

    def act_assign(self) -> None:
        with actions.activation(db.session(), self.task("approve"), self.alice) as activation:
            activation.assign(self.alice)

    def act_execute(self) -> None:
        with actions.activation(db.session(), self.task("approve"), self.alice) as activation:
            activation.execute()

    def act_timer(self) -> None:
        assert clock.fire(db.session(), self.task("wait"))

    def act_job(self) -> None:
        jobs.perform(db.session(), self.claim)

    def act_cancel(self) -> None:
        process = db.session.scalars(select(Process.id)).one()
        actions.cancel_process(db.session(), process, self.alice)


ACTIONS = {
    "start": World.nothing,
    "assign": World.started,
    "execute": World.assigned,
    "timer": World.ripe,
    "job": World.claimed,
    "cancel": World.running,
}


@pytest.mark.parametrize("action", ACTIONS)
def test_a_crash_leaves_all_of_an_action_or_nothing(action, flow_tester, session, monkeypatch):
    monkeypatch.setattr(disturbances, "TRIES", 1)
    flow_tester(CrashFlow)
    world = World(flow_tester)
    ACTIONS[action](world)
    before = dump(session)
    number = 0
    while True:
        number += 1
        with cutting(number) as sent:
            try:
                getattr(world, f"act_{action}")()
            except Exception:
                survived = False
            else:
                survived = True
        db.session.remove()
        session = db.session()
        assert faults(session) == []
        if survived:
            break
        assert dump(session) == before, f"cut before {number}: {sent[-1]}"
    assert len(sent) < number, "the last go was cut nowhere"
    assert number > 3
    assert dump(session) != before
