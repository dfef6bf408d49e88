"""Where an action leaves its process is known without a statement, and is what the database says behind the commit."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from sqlalchemy import select

from portal import flow, queries, this
from portal.engine import actions
from portal.models import Task, User, db
from tests.model import shapes


class OwnedFlow(flow.Flow):
    start = flow.Start(lambda activation: None).Next(this.split)
    split = flow.Split().Next(this.mine).Next(this.theirs).Next(this.fails)
    mine = flow.ManualTask().Assign(username="bob").Next(this.end)
    theirs = flow.ManualTask().Permission(auto_create=True).Priority(3).Next(this.end)
    fails = flow.Function(lambda activation: 1 / 0).Next(this.end)
    end = flow.End()


class HerFlow(flow.Flow):
    start = flow.StartHandle().Next(this.one)
    one = flow.ManualTask().Next(this.two)
    two = flow.ManualTask().Assign(username="bob").Next(this.end)
    end = flow.End()


@contextmanager
def acting(session, task_id, user_id):
    """What a person does who has the task; they take it first where nobody has."""
    if session.get_one(Task, task_id).status == "NEW":
        with actions.activation(session, task_id, user_id) as activation:
            activation.assign(activation.user)
    with actions.activation(session, task_id, user_id) as activation:
        yield activation


def told(standing):
    return (
        standing.flow_label,
        standing.status,
        sorted(standing.positions, key=lambda each: each.flow_task),
        standing.asks,
    )


@pytest.mark.parametrize(
    ("shape", "known"),
    [
        (shapes.MeetFlow, 0), (shapes.EarlyFlow, 1), (shapes.NestedFlow, 0), (shapes.RaceFlow, 1), (HerFlow, 2),
        (shapes.DeadlineFlow, 1), (shapes.CallerFlow, 1), (shapes.EmptyFlow, 1), (shapes.AllFlow, 0),
    ],
    ids=lambda each: getattr(each, "__name__", str(each)),
)  # fmt: skip
def test_it_is_what_the_database_says(register, make_user, session, shape, known):
    if shape is shapes.CallerFlow:
        register(shapes.CalledFlow)
    register(shape)
    bob = make_user("bob", full_name="Bob Brown", is_superuser=True).id
    process_id = shape.start.run().id
    found = []
    for _ in range(12):
        task_id = session.scalar(
            select(Task.id)
            .where(
                Task.process_id == process_id, Task.flow_task_type == "ManualTask", Task.finished.is_(None)
            )
            .order_by(Task.number)
        )
        if task_id is None:
            break
        with acting(session, task_id, bob) as activation:
            activation.execute()
            standing = queries.standing_after(session, activation.process)
        found.append(standing)
        assert standing is None or told(standing) == told(queries.standing(session, process_id))
    assert len([each for each in found if each is not None]) >= known, found


def test_of_a_process_that_was_just_started(register, make_user, session):
    register(OwnedFlow)
    make_user("bob", full_name="Bob Brown")
    alice = make_user("alice", is_superuser=True)
    with actions.starting(session, OwnedFlow.start, alice) as activation:
        activation.execute()
        session.flush()
        process_id, standing = activation.process.id, queries.standing_after(session, activation.process)
    now = queries.standing(session, process_id)
    assert told(standing) == told(now)
    assert {each.flow_task: (each.status, each.owner) for each in now.positions} == {
        "mine": ("ASSIGNED", "Bob Brown"), "theirs": ("NEW", None), "fails": ("ERROR", None),
    }  # fmt: skip
    assert now.asks == {"theirs": ("owned.can_theirs", None)}


def test_what_others_may_have_open_is_not_told(register, make_user, session):
    register(shapes.MeetFlow)
    bob = make_user("bob", is_superuser=True).id
    process_id = shapes.MeetFlow.start.run().id
    task_id = session.scalar(select(Task.id).where(Task.process_id == process_id, Task.flow_task == "one"))
    with acting(session, task_id, bob) as activation:
        activation.execute()
        assert queries.standing_after(session, activation.process) is None


class NewsFlow(flow.Flow):
    """What follows its commit moves it on."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.waits).Next(this.tells)
    waits = flow.SignalCatch("news").Next(this.end)
    tells = flow.SignalThrow("news").Next(this.end)
    end = flow.End()


def test_what_follows_the_commit_is_waited_for(register, session):
    register(NewsFlow)
    with actions.starting(session, NewsFlow.start, None) as activation:
        activation.execute()
        session.flush()
        assert queries.standing_after(session, activation.process) is None
        process_id = activation.process.id
    assert queries.standing(session, process_id).status == "DONE"


def test_outside_an_action_nothing_is_known(register, session):
    register(HerFlow)
    assert queries.standing_after(session, HerFlow.start.run()) is None
    assert db.session.scalars(select(User)).all() == []
