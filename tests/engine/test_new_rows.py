"""What an action adds has no key at first: it is found all the same, and taken back whole."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from typing import ClassVar

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


class RelatedFlow(flow.Flow):
    """Its code asks for what is related to rows that are not stored yet."""

    start = flow.StartHandle().Next(this.ask)
    ask = flow.Function(this.look).Next(this.again)
    again = flow.Function(this.look).Next(this.end)
    end = flow.End()
    seen: list = []

    def look(self, activation):
        task, process = activation.task, activation.process
        self.seen.append(
            (
                [each.flow_task for each in task.previous],
                [each.flow_task for each in task.previous[0].leading],
                [each.flow_task for each in process.tasks],
            )
        )


def test_what_new_rows_are_related_to_is_told_without_a_statement(flow_tester, session, count):
    flow_tester(RelatedFlow)
    RelatedFlow.seen.clear()
    with count() as statements:
        process = RelatedFlow.start.run()
    assert RelatedFlow.seen == [
        (["start"], ["ask"], ["start", "ask"]),
        (["ask"], ["again"], ["start", "ask", "again"]),
    ]
    on_postgresql = db.engine.dialect.name == "postgresql"
    assert len(statements) == (3 if on_postgresql else 4), str(statements)
    assert [each.flow_task for each in process.tasks] == ["start", "ask", "again", "end"]  # of the database
    assert [each.flow_task for each in process.tasks[1].leading] == ["again"]


class TakenBackFlow(flow.Flow):
    """Of two branches one is taken back behind its savepoint, after somebody has asked for the links."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.first).Next(this.second)
    first = flow.Function(this.fail).Next(this.join)
    second = flow.Function(this.look).Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()
    seen: list = []

    def fail(self, activation):
        with suppress(ZeroDivisionError), db.session.begin_nested():
            WaitingFlow.start.run()
            assert activation.task.previous
            raise ZeroDivisionError

    def look(self, activation):
        self.seen.append([each.flow_task for each in activation.task.previous[0].leading])


def test_links_are_told_anew_where_some_were_taken_back(flow_tester, session):
    flow_tester(WaitingFlow)
    flow_tester(TakenBackFlow)
    TakenBackFlow.seen.clear()
    process = TakenBackFlow.start.run()
    assert process.status == "DONE"
    assert TakenBackFlow.seen == [["first", "second"]]
    (join,) = [each for each in process.tasks if each.flow_task == "join"]
    assert [each.flow_task for each in join.previous] == ["first", "second"]


class HeldFlow(flow.Flow):
    """Its function keeps a task, which is done when the action ends."""

    start = flow.StartHandle().Next(this.keep)
    keep = flow.Function(this.hold).Next(this.pass_on)
    pass_on = flow.Function(lambda activation: None).Next(this.end)
    end = flow.End()

    held: ClassVar[list[Task]] = []

    def hold(self, activation):
        self.held[:] = [activation.task]


def test_a_task_that_somebody_holds_is_current_behind_the_action(flow_tester, session, count):
    """Of those that are done within one, nobody else's are made objects of the session."""
    flow_tester(HeldFlow)
    process = HeldFlow.start.run()
    [task] = HeldFlow.held
    assert [each for each in session if isinstance(each, Task)] == [task]
    with count() as statements:
        assert task.id
    assert not statements  # its key is told
    with count() as statements:
        assert (task.status, task.process) == ("DONE", process)
    assert len(statements) == 2, str(statements)  # read again
    task.data["seen"] = True
    session.commit()
    assert session.scalars(select(Task.data).where(Task.id == task.id)).one() == {"seen": True}
    assert task.previous[0].flow_task == "start"
    assert task.leading[0].flow_task == "pass_on"


def test_who_hears_of_objects_of_the_session_hears_of_each_task(flow_tester, session):
    flow_tester(HeldFlow)
    heard = []

    def note(_session, instance):
        if isinstance(instance, Task):
            heard.append(instance.flow_task)

    event.listen(session, "after_attach", note)
    try:
        HeldFlow.start.run()
    finally:
        event.remove(session, "after_attach", note)
    assert sorted(heard) == ["end", "keep", "pass_on", "start"]


def test_a_task_that_somebody_holds_is_the_one_that_others_read(flow_tester, session):
    """A listener of the application around the portal reads tasks while the action tells of its end."""

    class ToldFlow(HeldFlow):
        process_webhooks = ("https://hooks.example/told",)

    flow_tester(ToldFlow)
    read = []

    def look(state):
        if state.is_insert and not read:
            read.extend(session.scalars(select(Task).where(Task.flow_task == "keep")))

    event.listen(session, "do_orm_execute", look)
    try:
        process = ToldFlow.start.run()
    finally:
        event.remove(session, "do_orm_execute", look)
    assert process.status == "DONE"
    assert read == HeldFlow.held
    assert read[0] in session


def test_a_task_that_somebody_holds_goes_with_a_commit_that_fails(flow_tester, session):
    flow_tester(HeldFlow)
    refusals = [True]

    def refuse(_connection):
        if refusals:
            refusals.pop()
            raise ZeroDivisionError

    event.listen(db.engine, "commit", refuse)
    try:
        with pytest.raises(ZeroDivisionError):
            HeldFlow.start.run()
    finally:
        event.remove(db.engine, "commit", refuse)
    assert not refusals
    assert not list(session)
    assert session.scalars(select(Task)).all() == []
    assert HeldFlow.start.run().status == "DONE"
    assert not faults(session)
