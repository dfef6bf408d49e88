"""How many statements an action may send. Work must not grow with the number of branches."""

from __future__ import annotations

import cProfile
import gc
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select

from portal import act, flow, jsonstore, this, views
from portal.engine import actions
from portal.engine.savepoint import MANY
from portal.engine.transaction import transaction
from portal.flow.registry import registry
from portal.models import Process, Task, db
from portal.web.forms.submit import submit


class BudgetProcess(Process):
    text = jsonstore.StringField("Message", max_length=50, required=True)
    approved = jsonstore.BooleanField("Approved", default=False)


class BudgetFlow(flow.Flow):
    """The hello world of the contract."""

    process_class = BudgetProcess

    start = (
        flow.Start(views.CreateProcessView.as_view(fields=["text"]))
        .Permission(auto_create=True)
        .Next(this.approve)
    )
    approve = (
        flow.View(views.UpdateProcessView.as_view(fields=["approved"]))
        .Permission(auto_create=True)
        .Next(this.check_approve)
    )
    check_approve = flow.If(act.process.approved).Then(this.send).Else(this.end)
    send = flow.Job(this.send_message).Next(this.end)
    end = flow.End()

    def send_message(self, activation): ...


class OwnFlow(flow.Flow):
    """Who starts a process has its first task."""

    process_class = BudgetProcess

    start = (
        flow.Start(views.CreateProcessView.as_view(fields=["text"]))
        .Permission(auto_create=True)
        .Next(this.check)
    )
    check = (
        flow.View(views.UpdateProcessView.as_view(fields=["approved"]))
        .Assign(this.start.owner)
        .Next(this.end)
    )
    end = flow.End()


class FunctionsFlow(flow.Flow):
    start = flow.StartHandle(this.begin).Next(this.split)
    split = flow.Split().Next(
        this.item, task_data_source=lambda a: [{"n": n} for n in range(a.process.data["n"])]
    )
    item = flow.Function(this.work).Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()

    def begin(self, activation, n):
        activation.process.data["n"] = n
        return activation.process

    def work(self, activation):
        activation.task.data["seen"] = True


class PersonFlow(flow.Flow):
    start = flow.StartHandle().Next(this.approve)
    approve = flow.ManualTask().Next(this.end)
    end = flow.End()


class ChildFlow(flow.Flow):
    start = flow.StartHandle(this.begin).Next(this.end)
    end = flow.End()

    def begin(self, activation, item):
        return activation.process


class ParentFlow(flow.Flow):
    start = flow.StartHandle(this.begin).Next(this.children)
    children = flow.NSubprocess(ChildFlow.start, lambda a: range(a.process.data["n"])).Next(this.end)
    end = flow.End()

    def begin(self, activation, n):
        activation.process.data["n"] = n
        return activation.process


class ViewsFlow(FunctionsFlow):
    item = flow.ManualTask().Next(this.join)


@pytest.fixture
def frames(app):
    """`with frames() as framing:` notes what begins and ends transactions in the block."""

    @contextmanager
    def noting() -> Iterator[list[str]]:
        framing: list[str] = []
        listeners = {
            name: partial(lambda name, *_: framing.append(name), name)
            for name in ("begin", "commit", "rollback", "savepoint", "rollback_savepoint")
        }
        for name, listener in listeners.items():
            event.listen(db.engine, name, listener)
        try:
            yield framing
        finally:
            for name, listener in listeners.items():
                event.remove(db.engine, name, listener)

    return noting


@pytest.fixture
def people(flow_tester, make_user):
    flow_tester(BudgetFlow)
    permissions = ["budget.can_start", "budget.can_approve"]
    return make_user("alice", *permissions), make_user("bob", *permissions)


def test_hello_world(people, count, session):
    alice, bob = people
    session.commit()
    with count() as starting:
        process = submit(BudgetFlow.definition.nodes["start"], alice, text="Hi")
    task_id = process.tasks[1].id
    session.commit()
    bob = bob.id
    session.expunge_all()

    with count() as assigning, actions.activation(session, task_id, bob) as activation:
        activation.assign(bob)
    session.expunge_all()
    with count() as executing, actions.activation(session, task_id, bob) as activation:
        activation.process.approved = True
        activation.execute()

    # PostgreSQL locks by a statement of its own, and takes links and events together
    locks = session.get_bind().dialect.name == "postgresql"
    assert len(starting) == 5 - locks, str(starting)  # with who starts it
    assert len(assigning) == 3 + locks, str(assigning)
    assert len(executing) == 6, str(executing)


def test_the_actions_on_a_person_s_task(flow_tester, count, frames, session, make_user):
    """Exactly: what one statement more costs, all pay all day."""
    flow_tester(PersonFlow)
    bob = make_user("bob", is_superuser=True).id
    session.commit()
    locks = session.get_bind().dialect.name == "postgresql"

    with count() as starting, frames() as framing:
        PersonFlow.start.run()
    assert (len(starting), framing) == (4 - locks, ["begin", "commit"]), str(starting)
    for action, budget in (("assign", 3 + locks), ("execute", 6)):
        task_id = session.scalars(select(Task.id).where(Task.flow_task == "approve")).one()
        session.rollback()
        acting = actions.activation(session, task_id, bob)
        with count() as statements, frames() as framing, acting as activation:
            getattr(activation, action)()
        assert (len(statements), framing) == (budget, ["begin", "commit"]), str(statements)


def test_who_has_started_is_known_without_a_statement(flow_tester, count, make_user):
    """Asked for the key of its process, a rule would store what is there so far, and write it again at the end."""
    flow_tester(OwnFlow)
    alice = make_user("alice", "own.can_start")
    with count() as statements:
        process = submit(OwnFlow.definition.nodes["start"], alice, text="Hi")
    assert not [each for each in statements if each.startswith("UPDATE")], str(statements)
    assert process.tasks[1].owner == alice


def test_a_key_costs_no_statement_behind_the_action(flow_tester, count):
    flow_tester(PersonFlow)
    with count() as statements:
        process = PersonFlow.start.run()
        assert process.id
    on_postgresql = db.engine.dialect.name == "postgresql"
    assert len(statements) == (3 if on_postgresql else 4), str(statements)
    with count() as statements:
        assert process.status == "NEW"  # everything else is read again
    assert len(statements) == 1


def test_what_an_action_has_read_goes_with_it(flow_tester, session, make_user):
    """Nothing waits for a collection of cycles, whose objects every commit until then would expire again."""
    flow_tester(FunctionsFlow)
    flow_tester(PersonFlow)
    bob = make_user("bob", is_superuser=True).id
    session.commit()
    gc.collect()
    gc.disable()
    try:
        FunctionsFlow.start.run(n=3)
        PersonFlow.start.run()
        task_id = session.scalars(select(Task.id).where(Task.flow_task == "approve")).one()
        with actions.activation(session, task_id, bob) as activation:
            activation.assign()
        del activation
        assert not [each for each in session.identity_map.values() if isinstance(each, Process | Task)]
    finally:
        gc.enable()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_action_computes_little_beside_its_statements(flow_tester, session, make_user, tmp_path):
    """CPU time beside that of the same statements on the driver alone: a few of each in turn, and of each what it takes
    where nobody is in its way; of the turns the quietest one, so that a machine that is busy takes nothing from it."""
    flow_tester(PersonFlow)
    bob = make_user("bob", is_superuser=True).id
    session.commit()
    replayed = Replayed(db.engine, tmp_path / "copy.sqlite")
    ratios: list[float] = []

    def person() -> None:
        process = PersonFlow.start.run()
        task_id = 3 * process.id - 1  # the second of three
        for action in ("assign", "execute"):
            with actions.activation(session, task_id, bob) as activation:
                getattr(activation, action)()
        session.expunge_all()

    person()
    calls = calls_of(person)
    while len(ratios) < 30 and min(ratios, default=LIMIT + 1) > LIMIT:
        parts = replayed.record(person, 10)
        taken = []
        for _each in range(10):  # while nobody listens: who does lets statements go another way
            begin = time.thread_time()
            person()
            taken.append(time.thread_time() - begin)
        ratios.append(low_decile(taken) / low_decile(replayed.play(parts)))
    assert min(ratios) <= LIMIT, ratios
    # 3,497 with Python 3.11 and SQLAlchemy 2.1: what nobody needs shows here first
    assert calls <= 3_700, calls


def low_decile(taken: list[float]) -> float:
    return sorted(taken)[len(taken) // 10]


#: how many times the CPU of its own statements an action may take; beside other tests, at work on the same cores and
#: before in the same process, the same calls take up to half as long again, and those of the driver do not
LIMIT = 5 if "PYTEST_XDIST_WORKER" not in os.environ else 8


class Replayed:
    """What an engine sends, to be sent again to a copy of its database as it was before."""

    def __init__(self, engine: Any, copy: Path) -> None:
        self.engine = engine
        self.connection = sqlite3.connect(copy, isolation_level=None)
        for pragma in ("foreign_keys=ON", "journal_mode=WAL", "synchronous=FULL"):
            self.connection.execute(f"PRAGMA {pragma}")

    def record(self, act: Callable[[], None], times: int) -> list[list[Any]]:
        """Do something so often. What each time was sent."""
        raw = self.engine.raw_connection()
        raw.driver_connection.backup(self.connection)
        # tests do without, and both are to do the same
        raw.driver_connection.execute("PRAGMA synchronous=FULL")
        raw.close()
        parts: list[list[Any]] = []

        def note(_connection: Any, _cursor: Any, sql: str, values: Any, _context: Any, many: bool) -> None:
            parts[-1].append((sql, values, many))

        def end(_connection: Any) -> None:
            parts[-1].append(("COMMIT", (), False))

        listeners = [("before_cursor_execute", note), ("commit", end), ("rollback", end)]
        for name, listener in listeners:
            event.listen(self.engine, name, listener)
        for _each in range(times):
            parts.append([])
            act()
        for name, listener in listeners:
            event.remove(self.engine, name, listener)
        return parts

    def play(self, parts: list[list[Any]]) -> list[float]:
        """Send it all. The CPU seconds that each part took."""
        taken = []
        for part in parts:
            begin = time.thread_time()
            for sql, values, many in part:
                cursor = self.connection.cursor()
                (cursor.executemany if many else cursor.execute)(sql, values)
                if sql.startswith("SELECT") or "RETURNING" in sql:
                    cursor.fetchall()
            taken.append(time.thread_time() - begin)
        return taken


def test_many_functions_cost_no_more_than_few(flow_tester, count, session):
    flow_tester(FunctionsFlow)
    costs = []
    for n in (10, 10, 100):
        with count() as statements:
            process = FunctionsFlow.start.run(n=n)
        costs.append(statements)
        assert process.status == "DONE"
        assert len(process.tasks) == n + 4
        session.expunge_all()
    assert len(costs[2]) <= len(costs[1]), f"{costs[1]}\n----\n{costs[2]}"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("flow_class", [FunctionsFlow, ParentFlow])
def test_an_item_of_many_takes_no_longer_than_one_of_few(flow_tester, flow_class):
    """Counted in calls of functions, which no other work on the machine adds to. Of few there are more than may wait
    for the end of an action: those that are written before it cost more each."""
    flow_tester(ChildFlow)
    flow_tester(flow_class)
    flow_class.start.run(n=10)
    few, many = 2 * MANY, 8 * MANY
    calls = [
        calls_of(lambda number=number: flow_class.start.run(n=number)) / number for number in (few, many)
    ]
    assert calls[1] < 1.05 * calls[0], calls


def calls_of(function: Any) -> int:
    profile = cProfile.Profile()
    profile.runcall(function)
    return sum(each.callcount for each in profile.getstats())


def test_one_of_many_people_costs_no_more_than_one_of_few(flow_tester, count, session, make_user):
    flow_tester(ViewsFlow)
    alice = make_user("alice", is_superuser=True).id
    costs = []
    for n in (10, 100):
        process = ViewsFlow.start.run(n=n)
        items = [task.id for task in process.tasks if task.flow_task == "item"]
        for task_id in items[:2]:  # the first one makes the join, the second one meets it
            with actions.activation(session, task_id, alice) as activation:
                activation.assign(alice)
            session.expunge_all()
            with count() as statements, actions.activation(session, task_id, alice) as activation:
                activation.execute()
            costs.append(statements)
        db.session.expunge_all()
    assert len(costs[2]) <= len(costs[0]), f"{costs[0]}\n----\n{costs[2]}"
    assert len(costs[3]) <= len(costs[1]), f"{costs[1]}\n----\n{costs[3]}"


def test_an_action_finds_the_flows_of_its_application_once(flow_tester, session, monkeypatch):
    """However many branches it runs, each of which asks for its node."""
    flow_tester(FunctionsFlow)
    asked = []
    find = registry._find
    monkeypatch.setattr(registry, "_find", lambda: asked.append(1) or find())
    for n in (2, 20):
        asked.clear()
        with transaction(session):
            FunctionsFlow.start.run(n=n)
        assert len(asked) == 1
