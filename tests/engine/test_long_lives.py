"""A process goes on for years: the path of its token stays short, and still says what belongs together."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import event

from portal import flow, this
from portal.engine.interpreter import token
from portal.models import Task, db


def _nothing(activation):
    pass


class YearsFlow(flow.Flow):
    """Each round sends a copy off, and two steps of it run side by side."""

    start = flow.StartHandle().Next(this.both)
    both = flow.Split().Next(this.send).Next(this.wait)
    send = flow.Function(_nothing).Next(this.sent)
    sent = flow.End()
    wait = flow.Handle().Next(this.pair)
    pair = flow.Split().Next(this.a).Next(this.b)
    a = flow.Function(_nothing).Next(this.meet)
    b = flow.Handle().Next(this.meet)
    meet = flow.Join().Next(this.again)
    again = flow.If(lambda activation: not activation.process.data.get("stop")).Then(this.both).Else(this.end)
    end = flow.End()


class OuterFlow(flow.Flow):
    """A join waits all the years for the branch that goes round."""

    start = flow.StartHandle().Next(this.outer)
    outer = flow.Split().Next(this.soon).Next(this.both)
    soon = flow.Function(_nothing).Next(this.meet)
    both = flow.Split().Next(this.note).Next(this.wait)
    note = flow.Function(_nothing).Next(this.noted)
    noted = flow.End()
    wait = flow.Handle().Next(this.again)
    again = (
        flow.If(lambda activation: not activation.process.data.get("stop")).Then(this.both).Else(this.meet)
    )
    meet = flow.Join().Next(this.end)
    end = flow.End()


class SpawnFlow(flow.Flow):
    """Each round sends a branch to the one join at the end."""

    start = flow.StartHandle().Next(this.both)
    both = flow.Split().Next(this.late).Next(this.wait)
    late = flow.Handle().Next(this.meet)
    wait = flow.Handle().Next(this.again)
    again = (
        flow.If(lambda activation: not activation.process.data.get("stop")).Then(this.both).Else(this.meet)
    )
    meet = flow.Join().Next(this.end)
    end = flow.End()


@pytest.fixture
def pieces(monkeypatch):
    """A path goes on in a new piece after five rounds already."""
    monkeypatch.setattr(token, "LENGTH", 40)


@pytest.fixture
def statements(app):
    """What the database is sent, as lists of statements and the length of their parameters."""
    sent: list[int] = []

    def count(conn, cursor, statement, parameters, context, executemany):
        sent.append(len(statement) + len(str(parameters)))

    event.listen(db.engine, "before_cursor_execute", count)
    yield sent
    event.remove(db.engine, "before_cursor_execute", count)


def _cost(statements, action):
    statements.clear()
    action()
    return len(statements), sum(statements)


def test_a_path_of_ten_thousand_splits_is_short_and_knows_each_of_them():
    chance = random.Random(12)
    tokens = {}  # of the split tasks, by number
    own, path, number = token.ROOT, [], 0
    for _ in range(10_000):
        number += chance.randint(1, 9)
        tokens[number] = own
        path.append(number)
        own = token.branch(own, number, chance.randint(1, 3))
        assert len(own) <= 255
    passed = set(path)
    looked = 0
    for split in chance.sample(range(number + 5), 2000):
        found = token.passes(own, split)
        while not isinstance(found, bool):
            looked += 1
            found = token.passes(tokens[found], split)
        assert found == (split in passed)
    assert looked / 2000 < 10


def test_a_short_path_is_whole():
    assert token.branch("start/3_1", 7, 2) == "start/3_1/7_2"
    assert token.splits("start/3_1/7_2") == [3, 7]
    assert token.scope("start/3_1/7_2", 0) == "start/3"
    assert token.owner("start/3_1/7") == "start/3_1"


@pytest.mark.usefixtures("pieces")
def test_a_round_costs_the_same_after_many(flow_tester, statements):
    run = flow_tester(YearsFlow)
    run.start("start")

    def go_round():
        run.handle("wait")
        run.handle("b")

    for _ in range(3):
        go_round()
    early = min(_cost(statements, go_round) for _ in range(3))
    for _ in range(24):
        go_round()
    late = max(_cost(statements, go_round) for _ in range(3))
    assert late[0] <= early[0] + 1  # where a new piece begins, the split itself is asked for its token
    assert late[1] < 1.2 * early[1]
    assert max(len(task.token) for task in run.process.tasks) <= 100
    assert run.process.status == "NEW"


@pytest.mark.usefixtures("pieces")
def test_a_join_waits_for_a_branch_that_has_gone_round_for_years(flow_tester, statements):
    run = flow_tester(OuterFlow)
    run.start("start")
    for _ in range(24):
        run.handle("wait")
    join = run.task("meet")
    assert join.status == "STARTED"
    costs = [_cost(statements, lambda: run.handle("wait"))[0] for _ in range(3)]
    for _ in range(24):
        run.handle("wait")
    assert _cost(statements, lambda: run.handle("wait"))[0] <= max(costs) + 3
    assert run.task("meet").status == "STARTED"


@pytest.mark.usefixtures("pieces")
def test_the_branches_of_many_rounds_meet_at_one_join(flow_tester):
    run = flow_tester(SpawnFlow)
    run.start("start")
    for _ in range(15):
        run.handle("wait")
    run.process.data["stop"] = 1
    db.session.commit()
    run.handle("wait")
    late = list(
        db.session.scalars(db.select(Task).where(Task.flow_task == "late").order_by(Task.number)).unique()
    )
    assert len(late) == 16
    for task in late:
        SpawnFlow.late.run(task=task)
    meets = [task for task in run.process.tasks if task.flow_task == "meet"]
    assert [(task.status, task.token) for task in meets] == [("DONE", "start")]
    assert len(meets[0].previous) == 17
    assert run.process.status == "DONE"
