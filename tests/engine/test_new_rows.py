"""What an action adds has no key at first: it is found all the same, and taken back whole."""

from __future__ import annotations

import sqlite3
from contextlib import suppress

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError

from portal import flow, this
from portal.models import Process, Task, db
from tests.audit import faults


class WaitingFlow(flow.Flow):
    start = flow.StartHandle().Next(this.wait)
    wait = flow.Handle().Next(this.end)
    end = flow.End()


class CaughtFlow(flow.Flow):
    """The items of its children cannot be told, and an event catches that."""

    start = flow.StartHandle().Next(this.each)
    each = flow.NSubprocess(WaitingFlow.start, this.items).OnError(this.caught).Next(this.end)
    caught = flow.Function(lambda activation: None).Next(this.end)
    end = flow.End()

    def items(self, activation):
        raise ValueError("no items")


class OneByOneFlow(flow.Flow):
    start = flow.StartHandle().Next(this.each)
    each = flow.NSubprocess(this.child, [1, 2], sequential=True).Next(this.end)
    end = flow.End()
    child = flow.StartHandle(this.begin).Next(this.wait)
    wait = flow.Handle().Next(this.over)
    over = flow.End()

    def begin(self, activation, item):
        if item == 2:
            raise ValueError(item)


class SavepointFlow(flow.Flow):
    """Its code sets a savepoint of its own, and gives up what it did behind it."""

    start = flow.StartHandle().Next(this.try_it)
    try_it = flow.Function(this.work).Next(this.wait)
    wait = flow.Handle().Next(this.end)
    end = flow.End()

    def work(self, activation):
        with suppress(ZeroDivisionError), db.session.begin_nested():
            WaitingFlow.start.run()
            raise ZeroDivisionError


class FourEyesFlow(flow.Flow):
    start = flow.StartHandle().Next(this.write)
    write = flow.View(lambda activation: activation.execute()).Next(this.check)
    check = (
        flow.View(lambda activation: activation.execute())
        .Assign(lambda activation: activation.task.previous[0].owner)
        .NotSameAs(this.write)
        .Next(this.end)
    )
    end = flow.End()


@pytest.fixture
def waiting(flow_tester, session):
    flow_tester(WaitingFlow)
    process = WaitingFlow.start.run()
    session.commit()
    return process.id


def test_a_caller_that_fails_before_it_has_children_leaves_other_processes_alone(
    waiting, flow_tester, session
):
    tester = flow_tester(CaughtFlow)
    tester.start("start")
    assert tester.process.status == "DONE"
    assert session.get(Process, waiting).status == "NEW"
    assert not faults(session)


def test_a_later_child_that_cannot_start_leaves_nothing_behind(flow_tester, session):
    flow_tester(OneByOneFlow)
    parent = OneByOneFlow.start.run().id
    child = session.scalars(select(Process).where(Process.parent_task_id.is_not(None))).unique().one()
    OneByOneFlow.wait.run(process=child)
    assert session.query(Process).count() == 2
    failed = session.query(Task).filter_by(process_id=parent, flow_task="each").one()
    assert (failed.status, failed.data["_exception"]["message"]) == ("ERROR", "2")
    assert not faults(session)


def test_what_an_authors_savepoint_takes_back_is_gone(waiting, flow_tester, session):
    flow_tester(SavepointFlow)
    process = SavepointFlow.start.run()
    assert [task.status for task in process.tasks] == ["DONE", "DONE", "STARTED"]
    assert {each.id for each in session.query(Process)} == {waiting, process.id}
    assert not faults(session)


def test_an_action_whose_commit_is_refused_is_done_again(waiting, session):
    commits = []

    def refuse_first(_connection):
        commits.append(1)
        if len(commits) == 1:
            busy = sqlite3.OperationalError("database is locked")
            busy.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise OperationalError("COMMIT", {}, busy)

    event.listen(db.engine, "commit", refuse_first)
    try:
        process = WaitingFlow.start.run()
    finally:
        event.remove(db.engine, "commit", refuse_first)
    assert len(commits) == 2
    assert [task.status for task in process.tasks] == ["DONE", "STARTED"]
    assert session.query(Process).count() == 2
    assert not faults(session)


def test_a_rule_gives_no_new_task_to_who_must_not_do_it(flow_tester, make_user):
    make_user("bob", is_superuser=True)
    tester = flow_tester(FourEyesFlow)
    tester.start("start")
    tester.task("write").assign("bob")
    tester.task("write").execute()
    assert tester.task("check").status == "NEW"
