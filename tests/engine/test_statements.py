"""What is read and written beside the unit of work: callers and authors see no difference."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, event, func, inspect, select
from sqlalchemy.orm import reconstructor
from sqlalchemy.orm.exc import StaleDataError

from portal import flow, jsonstore, this
from portal.engine import actions
from portal.models import Process, Task, db


class WatchedProcess(Process):
    """Of an author who listens."""

    text = jsonstore.StringField("Text", max_length=50)

    @reconstructor
    def _read(self):
        self.reads = getattr(self, "reads", 0) + 1


class WatchedFlow(flow.Flow):
    process_class = WatchedProcess

    start = flow.StartHandle(this.begin).Next(this.approve)
    approve = flow.ManualTask().Next(this.end)
    end = flow.End()

    def begin(self, activation, text):
        activation.process.text = text
        return activation.process


@pytest.fixture
def people(flow_tester, make_user):
    flow_tester(WatchedFlow)
    made = [make_user(name, roles=[f"{name}s", "staff"], is_superuser=True) for name in ("alice", "bob")]
    keys = [each.id for each in made]
    db.session.commit()
    db.session.expunge_all()
    return keys


def open_task(session):
    task_id = session.scalars(select(Task.id).where(Task.flow_task == "approve")).one()
    session.rollback()
    return task_id


def test_an_author_s_mapper_events_fire(people, session):
    told = []
    names = ("before_insert", "after_insert", "before_update", "after_update")
    listeners = {
        name: lambda _mapper, _connection, target, name=name: told.append((name, target.text))
        for name in names
    }
    for name, listener in listeners.items():
        event.listen(WatchedProcess, name, listener)
    try:
        WatchedFlow.start.run(text="one")
        with actions.activation(session, open_task(session), people[0]) as activation:
            activation.assign()
            activation.process.text = "two"
    finally:
        for name, listener in listeners.items():
            event.remove(WatchedProcess, name, listener)
    assert told == [
        ("before_insert", "one"),
        ("after_insert", "one"),
        ("before_update", "two"),
        ("after_update", "two"),
    ]


def test_what_a_listener_sets_before_an_update_is_stored(people, session):
    def stamp(_mapper, _connection, target):
        target.text = "stamped"

    event.listen(WatchedProcess, "before_update", stamp)
    try:
        process = WatchedFlow.start.run(text="one")
        with actions.activation(session, open_task(session), people[0]) as activation:
            activation.assign()
            activation.process.text = "two"
    finally:
        event.remove(WatchedProcess, "before_update", stamp)
    assert process.text == "stamped"


def test_an_author_s_class_is_told_of_each_object_that_is_read(people, session):
    WatchedFlow.start.run(text="one")
    session.expunge_all()
    with actions.activation(session, open_task(session), people[0]) as activation:
        assert activation.process.reads == 1


def test_the_people_of_a_task_are_read_with_it(people, session, count):
    alice, bob = people
    WatchedFlow.start.run(text="one", _user=alice)
    task_id = open_task(session)
    with actions.activation(session, task_id, alice) as activation:
        activation.assign(bob)
    session.expunge_all()
    with actions.activation(session, task_id, alice) as activation, count() as statements:
        task, process = activation.task, activation.process
        assert process.created_by is activation.user
        assert sorted(role.name for role in activation.user.roles) == ["alices", "staff"]
        assert task.owner.username == "bob"
        assert task.process is process
    assert not statements, str(statements)


def test_objects_that_the_session_has_are_those_of_the_action(people, session):
    process = WatchedFlow.start.run(text="one")
    task = session.scalars(select(Task).where(Task.flow_task == "approve")).one()
    with actions.activation(session, task, people[0]) as activation:
        assert activation.task is task
        assert activation.process is process
        activation.assign()
        activation.process.text = "two"
    assert (task.status, task.owner.username, process.text) == ("ASSIGNED", "alice", "two")


def test_what_was_not_committed_is_nowhere(people, session):
    def refuse(_session):
        raise OSError("not now")

    event.listen(session, "before_commit", refuse)
    try:
        with pytest.raises(OSError, match="not now"):
            WatchedFlow.start.run(text="one")
    finally:
        event.remove(session, "before_commit", refuse)
    assert not [each for each in session if isinstance(each, Process | Task)]
    assert session.scalar(select(func.count()).select_from(Process)) == 0


def test_an_action_that_fails_behind_its_statements_leaves_all_as_it_was(people, session):
    process = WatchedFlow.start.run(text="one")
    task_id = open_task(session)

    def fail():
        with actions.activation(session, task_id, people[0]) as activation:
            activation.assign()
            activation.process.text = "two"
            session.flush()
            assert not session.dirty
            raise OSError("not now")

    with pytest.raises(OSError, match="not now"):
        fail()
    assert (process.text, session.get(Task, task_id).status) == ("one", "NEW")


def test_a_reader_of_the_same_session_sees_what_was_done_at_once(people, session):
    WatchedFlow.start.run(text="one")
    with actions.activation(session, open_task(session), people[0]) as activation:
        activation.assign()
        activation.process.text = "two"
        found = session.execute(select(Task.status, WatchedProcess.text).join(Task.process)).all()
        assert ("ASSIGNED", "two") in [tuple(row) for row in found]


def test_a_change_behind_a_statement_is_stored_too(people, session):
    process = WatchedFlow.start.run(text="one")
    with actions.activation(session, open_task(session), people[0]) as activation:
        activation.process.text = "two"
        session.flush()
        activation.process.text = "three"
        activation.assign()
    assert process.text == "three"


def test_a_row_that_is_gone_is_no_silent_change(people, session):
    WatchedFlow.start.run(text="one")
    table = Task.__table__

    def change():
        with actions.activation(session, open_task(session)) as activation:
            session.connection().execute(delete(table).where(table.c.id == activation.task.id))
            activation.task.data["n"] = 1

    with pytest.raises(StaleDataError):
        change()


def test_an_object_tells_its_key_though_the_session_is_to_read_it_again(people, session):
    process = WatchedFlow.start.run(text="one")
    assert inspect(process).dict["id"] == process.id
    assert "status" not in inspect(process).dict
