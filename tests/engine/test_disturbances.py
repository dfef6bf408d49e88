"""What the database refuses for the moment is done again at the edge, or told in words, with nothing half done."""

from __future__ import annotations

import sqlite3
import threading

import pytest
from eventually import eventually
from sqlalchemy import event, select, text
from sqlalchemy.exc import OperationalError

from portal import flow, jsonstore, this
from portal.engine import actions
from portal.engine.retries import TRIES
from portal.errors import Busy, TransientError, Uncertain
from portal.models import Process, Task, db
from portal.work.local import LocalExecutor

HELD = "UPDATE portal_process SET depth = depth WHERE id = :id"
WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


class NamedProcess(Process):
    name = jsonstore.StringField()


class NamedFlow(flow.Flow):
    process_class = NamedProcess
    start = flow.StartHandle(this.call_it).Next(this.answer)
    answer = flow.MessageCatch().Next(this.end)
    end = flow.End()

    def call_it(self, activation):
        activation.process.name = "bee"
        return activation.process


class WaitingFlow(flow.Flow):
    start = flow.StartHandle().Next(this.wait)
    wait = flow.Handle(this.note).Next(this.other)
    other = flow.Function(this.work).Next(this.end)
    end = flow.End()

    #: called in the middle of the action
    in_between = staticmethod(lambda: None)

    def note(self, activation, text):
        activation.process.data["text"] = text

    def work(self, activation):
        type(self).in_between()


class OrderingFlow(flow.Flow):
    """Its job reads, and then writes what somebody has written between: SQLite refuses that at once."""

    start = flow.StartHandle().Next(this.order)
    order = flow.Job(this.work).Next(this.end)
    end = flow.End()

    #: called between the job's read and its write
    in_between = staticmethod(lambda: None)

    def work(self, activation):
        process = db.session.get(Process, activation.process.id)
        type(self).in_between()
        process.data["ordered"] = activation.attempt
        db.session.commit()


@pytest.fixture
def waiting(flow_tester, session):
    flow_tester(WaitingFlow)
    process = WaitingFlow.start.run()
    session.commit()
    return process.id


@pytest.fixture
def on_postgresql(app):
    if db.engine.dialect.name != "postgresql":
        pytest.skip("a server's own")


@pytest.fixture
def between(monkeypatch):
    """Have a function called in the middle of the action; the number of calls."""
    calls = []

    def set_to(call):
        def counted():
            calls.append(1)
            call(len(calls))

        monkeypatch.setattr(WaitingFlow, "in_between", staticmethod(counted))
        return calls

    return set_to


def cut():
    """Have the server end the connection of the action, as an administrator or a restart would."""
    pid = db.session.scalar(text("SELECT pg_backend_pid()"))
    with db.engine.connect() as other:
        other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})


@pytest.mark.usefixtures("on_postgresql")
def test_a_lost_connection_is_made_anew_and_the_action_done_once(waiting, session, between):
    calls = between(lambda call: cut() if call == 1 else None)
    WaitingFlow.wait.run(process=waiting, text="kept")
    found = session.get_one(Process, waiting)
    assert (found.status, found.data["text"], len(calls)) == ("DONE", "kept", 2)


@pytest.mark.usefixtures("on_postgresql")
def test_a_connection_that_is_lost_again_and_again_is_told(waiting, session, between):
    calls = between(lambda _: cut())
    with pytest.raises(TransientError, match="nothing was changed"):
        WaitingFlow.wait.run(process=waiting, text="lost")
    assert len(calls) == TRIES
    assert "text" not in session.get_one(Process, waiting).data


@pytest.mark.usefixtures("on_postgresql")
@pytest.mark.parametrize("lost", [1, 99])
def test_a_connection_lost_while_the_receiver_of_a_message_is_looked_for(flow_tester, session, lost):
    flow_tester(NamedFlow)
    process = NamedFlow.start.run()
    session.commit()
    reads = []

    def before(connection, _cursor, sql, *_rest):
        if "pg_" not in sql:
            reads.append(sql)
            if len(reads) <= lost:
                pid = connection.connection.driver_connection.info.backend_pid
                with db.engine.connect() as other:
                    other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})

    event.listen(db.engine, "before_cursor_execute", before)
    try:
        if lost == 1:
            NamedFlow.answer.run(_where={"name": "bee"})
        else:
            with pytest.raises(TransientError, match="nothing was changed"):
                NamedFlow.answer.run(_where={"name": "bee"})
    finally:
        event.remove(db.engine, "before_cursor_execute", before)
    session.refresh(process)
    assert process.status == ("DONE" if lost == 1 else "NEW")


@pytest.mark.usefixtures("on_postgresql")
def test_a_deadlock_is_done_again(waiting, session, between, make_user):
    """The other one holds a row that the author's function wants, and wants the process that the action holds."""
    alice = make_user().id
    ready, blocked = threading.Barrier(2, timeout=300), []

    def other(engine):
        with engine.connect() as connection:
            connection.execute(text("SET deadlock_timeout = '20s'"))  # so that it is ours that is broken
            connection.execute(text("UPDATE portal_user SET full_name = 'x' WHERE id = :id"), {"id": alice})
            ready.wait()
            ready.wait()
            connection.execute(text(HELD), {"id": waiting})
            connection.commit()

    def other_waits():
        with db.engine.connect() as connection:
            return connection.scalar(text(WAITING))

    def collide(call):
        if call == 1:
            ready.wait()
            eventually(other_waits)  # our own look for a deadlock is the only one
        db.session.execute(text("SET LOCAL deadlock_timeout = '200ms'"))
        blocked.append(call)
        db.session.execute(text("UPDATE portal_user SET full_name = 'y' WHERE id = :id"), {"id": alice})

    calls = between(collide)
    thread = threading.Thread(target=other, args=(db.engine,))
    thread.start()
    ready.wait()
    WaitingFlow.wait.run(process=waiting, text="again")
    thread.join()
    assert session.get_one(Process, waiting).status == "DONE"
    assert len(calls) == 2


@pytest.fixture
def impatient(monkeypatch):
    """Settings of an application that is made later."""
    monkeypatch.setenv("PORTAL_DATABASE_LOCK_TIMEOUT", "0.1")


def test_who_waits_too_long_for_a_lock_is_told_so(impatient, waiting, session):
    with db.engine.connect().execution_options(writes=True) as other:
        other.execute(text(HELD), {"id": waiting})
        with pytest.raises(Busy, match="Somebody else"):
            WaitingFlow.wait.run(process=waiting, text="late")
    WaitingFlow.wait.run(process=waiting, text="now")
    assert session.get_one(Process, waiting).data["text"] == "now"


@pytest.mark.usefixtures("on_postgresql")
def test_a_connection_lost_at_the_commit_is_never_tried_again(waiting, session, between):
    calls = between(lambda _: None)

    def lose(_session):
        cut()

    event.listen(session, "before_commit", lose)
    with pytest.raises(Uncertain, match="look whether it was saved"):
        WaitingFlow.wait.run(process=waiting, text="who knows")
    event.remove(session, "before_commit", lose)
    assert len(calls) == 1
    WaitingFlow.wait.run(process=waiting, text="again")


@pytest.mark.usefixtures("on_postgresql")
def test_limits_of_the_url_stay(app, database_url, tmp_path, monkeypatch):
    from sqlalchemy import make_url

    from portal import create_app

    url = make_url(database_url).update_query_dict({"options": "-c lock_timeout=1234"})
    made = create_app(
        {"DATABASE_URL": url.render_as_string(hide_password=False), "FLOWS": [], "TESTING": True}
    )
    with made.app_context():
        shown = {
            name: db.session.scalar(text(f"SHOW {name}")) for name in ("lock_timeout", "statement_timeout")
        }
        db.session.remove()
        db.engine.dispose()
    assert shown == {"lock_timeout": "1234ms", "statement_timeout": "1min"}


def test_a_fault_of_the_authors_own_is_no_disturbance(waiting, session, between):
    between(lambda _: db.session.execute(text("SELECT nothing FROM nowhere")))
    WaitingFlow.wait.run(process=waiting, text="kept")
    failed = [task for task in session.get_one(Process, waiting).tasks if task.status == "ERROR"]
    assert [task.flow_task for task in failed] == ["other"]


@pytest.mark.usefixtures("on_postgresql")
def test_a_block_is_told_to_be_done_again(waiting, session):
    """What stands in a `with` block cannot be run again by us."""
    task = session.get_one(Process, waiting).tasks[-1].id
    with pytest.raises(TransientError), actions.activation(session, task) as activation:  # noqa: PT012
        cut()
        activation.process.data["text"] = "lost"
    assert "text" not in session.get_one(Process, waiting).data


def test_a_job_that_the_database_refuses_for_the_moment_has_not_failed(
    flow_tester, session, monkeypatch, app
):
    """It has no `retries`, and is done again all the same: what refused it was no fault of its code."""
    run = flow_tester(OrderingFlow)
    OrderingFlow.start.run()
    task = session.scalars(select(Task).where(Task.flow_task == "order")).unique().one()
    task_id = task.id

    def refused():
        monkeypatch.setattr(OrderingFlow, "in_between", staticmethod(lambda: None))
        raise OperationalError("UPDATE portal_process", {}, Refused())

    monkeypatch.setattr(OrderingFlow, "in_between", staticmethod(refused))
    session.rollback()
    LocalExecutor(app)._work(task_id, None)
    session.rollback()
    task = session.get_one(Task, task_id, populate_existing=True)
    assert (task.status, task.failures, task.data.get("_exception")) == ("SCHEDULED", 1, None)
    run.advance(minutes=1)
    run.jobs()
    task = session.get_one(Task, task_id, populate_existing=True)
    assert (task.status, task.process.status, task.process.data["ordered"]) == ("DONE", "DONE", 2)


class Refused(Exception):
    """As drivers say that somebody else has the lock."""

    sqlite_errorcode = sqlite3.SQLITE_BUSY
