"""Pull patterns: what people themselves choose."""

import datetime as dt

import pytest

from portal import flow, this
from portal.models import create_user, db, utcnow
from portal.queries import Filters, inbox, queue


class DeskFlow(flow.Flow):
    start = flow.StartHandle(this.take).Next(this.answer)
    answer = flow.ManualTask().Permission(auto_create=True).Due(this.deadline).Next(this.end)
    end = flow.End()

    def take(self, activation, days):
        activation.process.data["days"] = days

    def deadline(self, activation):
        return dt.timedelta(days=activation.process.data["days"])


@pytest.fixture
def desk(flow_tester):
    """Three letters at a desk; that of the first one is due first."""
    runs = [flow_tester(DeskFlow) for _ in range(3)]
    for days, run in enumerate(runs, 1):
        run.start(days=days)
    return runs


@pytest.fixture
def amy(desk):
    return create_user("amy", permissions=["desk.can_answer"])


def numbers(rows):
    return [row.process_id for row in rows]


def test_r21_resource_initiated_allocation(desk, amy):
    """Somebody commits to a task without beginning it.

    *Take* in the queue, also for many at once: the task is theirs and in their inbox, and nothing of it is
    done."""
    desk[1].task("answer").assign(amy)
    assert numbers(inbox(db.session(), amy)) == [2]
    assert desk[1].task("answer").status == "ASSIGNED"


def test_r22_resource_initiated_execution_allocated_work_item(desk, amy):
    """Somebody begins with a task that they have.

    They open it from the inbox, `/tasks/<id>/execute`, whenever they like."""
    desk[1].task("answer").assign(amy)
    with desk[1].task("answer").task.activation(amy) as activation:
        activation.execute()
    assert desk[1].process.status == "DONE"


def test_r23_resource_initiated_execution_offered_work_item(desk, amy):
    """Somebody takes a task and begins with it in one.

    *Take and open* on its page, and *Take next from queue*."""
    with desk[0].task("answer").task.activation(amy) as activation:
        activation.assign(amy)
        activation.execute()
    assert desk[0].process.status == "DONE"


def test_r24_system_determined_work_queue_content(desk, amy):
    """The portal says in which order tasks stand before people.

    Inbox and queue have what is due first at the top, then what has the higher priority: `.Due()` and
    `.Priority()`, which a manager may change for a task."""
    assert numbers(queue(db.session(), amy)) == [1, 2, 3]
    desk[2].task("answer").task.due = utcnow()
    db.session.commit()
    assert numbers(queue(db.session(), amy)) == [3, 1, 2]


def test_r25_resource_determined_work_queue_content(desk, amy):
    """People say what stands before them, and in which order.

    Lists are sorted, filtered by any field, and kept as views of one's own; what is put off is not in the
    way."""
    assert numbers(queue(db.session(), amy, Filters(sort="-due"))) == [3, 2, 1]
    desk[0].task("answer").assign(amy)
    desk[1].task("answer").assign(amy)
    with desk[0].task("answer").task.activation(amy) as activation:
        activation.snooze(activation.now + dt.timedelta(days=1))
    assert numbers(inbox(db.session(), amy)) == [2]


def test_r26_selection_autonomy(desk, amy):
    """People choose freely which of their tasks they do next.

    Nothing in the portal keeps the order of a list. *Take next* is there for who does not want to choose."""
    desk[2].task("answer").assign(amy).execute()
    desk[0].task("answer").assign(amy).execute()
    assert [run.process.status for run in desk] == ["DONE", "NEW", "DONE"]
