"""A copy of an SQLite database, taken while people work. The deployment's tests do the same with PostgreSQL."""

import threading

import pytest
from sqlalchemy import func, select

from portal import create_app, flow, jsonstore, this, views
from portal.models import Process, Task, create_user, db, init_db, schema_fault
from tests.audit import faults


class LetterProcess(Process):
    text = jsonstore.StringField("Text")


class LetterFlow(flow.Flow):
    process_class = LetterProcess
    start = flow.Start(views.CreateProcessView.as_view(fields=["text"])).Next(this.read)
    read = flow.ManualTask().Next(this.end)
    end = flow.End()


@pytest.fixture
def opened(tmp_path):
    """Opens the database in a file of the folder."""

    def application(name):
        given = {
            "DATABASE_URL": f"sqlite:///{tmp_path / name}",
            "FLOWS": [],
            "SCHEDULER": "off",
            "TESTING": True,
        }
        app = create_app(given)
        app.extensions["portal_flows"].register(LetterFlow)
        return app

    return application


def begin_and_read(user_id, text):
    process = views.submit(LetterFlow.start, user_id, text=text)
    task = db.session.scalars(select(Task).filter_by(process_id=process.id, flow_task="read")).one()
    with task.activation(user_id) as activation:
        activation.assign(activation.user)
    with task.activation(user_id) as activation:
        activation.execute()


def test_a_backup_that_is_taken_while_people_work_is_whole_and_goes_on(opened, tmp_path):
    app = opened("portal.sqlite")
    with app.app_context():
        init_db()
        alice = create_user("alice", is_superuser=True).id
        begin_and_read(alice, "first")
    done, began = threading.Event(), threading.Semaphore(0)

    def work():
        while not done.is_set():
            with app.app_context():
                begin_and_read(alice, "x" * 2000)
            began.release()

    people = [threading.Thread(target=work) for _ in range(3)]
    for person in people:
        person.start()
    try:
        for number in range(3):
            assert began.acquire(timeout=300)
            result = app.test_cli_runner().invoke(args=["backup", str(tmp_path / f"copy{number}.sqlite")])
            assert result.exit_code == 0, result.output
            assert began.acquire(timeout=300)  # and they went on
    finally:
        done.set()
        for person in people:
            person.join()

    for number in range(3):
        assert (tmp_path / f"copy{number}.sqlite").stat().st_mode & 0o777 == 0o600
        with opened(f"copy{number}.sqlite").app_context():
            session = db.session()
            assert schema_fault(session) is None
            assert faults(session) == []
            before = session.scalar(select(func.count()).select_from(Process))
            begin_and_read(alice, "after its return")
            assert session.scalar(select(func.count()).select_from(Process)) == before + 1
            assert faults(session) == []


def test_a_backup_is_never_written_over_another_one(opened, tmp_path):
    app = opened("portal.sqlite")
    with app.app_context():
        init_db()
    (tmp_path / "monday").write_text("what there was")
    result = app.test_cli_runner().invoke(args=["backup", str(tmp_path / "monday")])
    assert result.exit_code == 1
    assert (tmp_path / "monday").read_text() == "what there was"


def test_a_backup_that_cannot_be_written_is_told_in_one_line(opened, tmp_path):
    app = opened("portal.sqlite")
    with app.app_context():
        init_db()
    target = tmp_path / "nowhere" / "monday"
    result = app.test_cli_runner().invoke(args=["backup", str(target)])
    said = f"Error: {target} cannot be written: No such file or directory\n"
    assert (result.exit_code, result.output) == (1, said)
