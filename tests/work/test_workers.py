"""`portal worker` in processes of its own: stopped, paused, killed, and many of them."""

import datetime as dt
import signal
from contextlib import suppress
from urllib.request import urlopen

import pytest
from flows_of_workers import LongFlow, PauseFlow
from patience import until
from sqlalchemy import func, select, update

from portal.engine.queue import heartbeats, jobs, timers
from portal.models import Event, Process, Task, Worker, db, init_db
from portal.queries import workers_seen
from tests.ports import free_port

#: a process of its own takes its time to start, so most of these run on one of the databases
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def work_of(process):
    query = select(Task).where(Task.process_id == process.id, Task.flow_task == "work")
    return db.session.scalars(query.execution_options(populate_existing=True)).one()


def completions(process):
    query = (
        select(func.count())
        .select_from(Event)
        .where(Event.process_id == process.id, Event.to_state == "DONE")
    )
    return db.session.scalar(query.where(Event.task_id == work_of(process).id))


@pytest.fixture
def long(shared, tmp_path):
    return LongFlow.start.run(folder=str(tmp_path))


@on_sqlite
def test_a_worker_tells_what_it_has_done(worker, long, tmp_path):
    port = free_port()
    (tmp_path / "go on").touch()
    worker("--metrics", f"127.0.0.1:{port}")

    def counted():
        with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            return 'portal_actions_total{action="job",flow="long"}' in answer.read().decode()

    until(counted)


@on_sqlite
def test_a_worker_that_is_told_to_stop_finishes_what_it_has_begun(worker, long, tmp_path):
    alone = worker()
    until((tmp_path / "began 1").exists)
    alone.send_signal(signal.SIGTERM)
    assert "claims no more" in alone.stdout.readline()
    assert alone.poll() is None, "it waits for its job"
    later = PauseFlow.start.run()
    (tmp_path / "go on").touch()
    assert alone.wait(300) == 0
    db.session.refresh(long)
    assert (long.status, long.data["done by"]) == ("DONE", 1)
    db.session.refresh(later)
    assert later.status == "NEW", "it takes nothing new"
    assert workers_seen(db.session(), timers.now() - heartbeats.KEPT) == []


@on_postgresql
def test_what_is_not_done_in_the_grace_time_is_handed_back(worker, long, tmp_path):
    alone = worker("--grace", "0.5")
    until((tmp_path / "began 1").exists)
    alone.send_signal(signal.SIGTERM)
    assert alone.wait(300) == 0
    task = work_of(long)
    assert (task.status, task.lease, task.attempt) == ("SCHEDULED", None, 1)
    last = db.session.scalars(select(Event).where(Event.task_id == task.id).order_by(Event.id.desc())).first()
    assert (last.from_state, last.to_state, last.detail) == ("STARTED", "SCHEDULED", {"handed_back": 1})
    worker()
    until((tmp_path / "ended 2").exists)
    until(lambda: work_of(long).status == "DONE")
    assert completions(long) == 1


@on_sqlite
def test_a_second_signal_ends_a_worker_at_once(worker, long, tmp_path):
    alone = worker(PORTAL_GRACE="60")
    until((tmp_path / "began 1").exists)
    alone.send_signal(signal.SIGTERM)
    assert "claims no more" in alone.stdout.readline()
    alone.send_signal(signal.SIGINT)
    assert alone.wait(300) == 128 + signal.SIGINT
    assert work_of(long).status == "STARTED", "its lease will tell"


@on_postgresql
def test_a_worker_that_was_paused_past_its_lease_cannot_complete(worker, long, tmp_path):
    paused = worker()
    until((tmp_path / "began 1").exists)
    paused.send_signal(signal.SIGSTOP)
    late = {"lease": timers.now() - dt.timedelta(seconds=1)}
    db.session.execute(update(Task).where(Task.id == work_of(long).id).values(late))
    db.session.commit()
    assert jobs.reclaim(db.session()) == 1
    claimed = jobs.claim(db.session(), work_of(long).id)
    assert claimed.attempt == 2

    (tmp_path / "go on").touch()
    paused.send_signal(signal.SIGCONT)
    until((tmp_path / "ended 1").exists)
    paused.send_signal(signal.SIGTERM)
    assert paused.wait(300) == 0
    task = work_of(long)
    assert (task.status, task.attempt) == ("STARTED", 2), "the late result was dropped"
    assert jobs.perform(db.session(), claimed) is None
    db.session.refresh(long)
    assert (long.status, long.data["done by"], completions(long)) == ("DONE", 2, 1)


@on_sqlite
def test_a_worker_says_that_it_lives_and_a_portal_tells(worker, app):
    worker()
    row = until(lambda: workers_seen(db.session(), timers.now() - dt.timedelta(minutes=1)))[0]
    assert (row.kind, row.held) == ("worker", 0)
    assert app.test_client().get("/readyz").json["workers"] == 1


def test_the_rows_of_workers_without_a_word_are_forgotten(shared, session):
    old = heartbeats.beat(session, None, "worker", 0)
    session.execute(update(Worker).values(seen=timers.now() - heartbeats.KEPT * 2))
    session.commit()
    new = heartbeats.beat(session, None, "worker", 3)
    assert heartbeats.prune(session) == 1
    assert heartbeats.beat(session, new, "worker", 4) == new
    assert heartbeats.beat(session, old, "worker", 1) != old, "one that was forgotten comes back"
    assert sorted(session.scalars(select(Worker.held))) == [1, 4]


@on_postgresql
def test_what_a_killed_worker_held_is_done_by_another(worker, shared):
    made = [PauseFlow.start.run().id for _ in range(30)]
    first = worker()
    until(lambda: db.session.scalar(select(func.count()).where(Process.status == "DONE")))
    first.kill()
    first.wait()
    # as it would be when their time is over
    db.session.execute(update(Task).where(Task.lease.is_not(None)).values(lease=timers.now()))
    db.session.commit()
    worker()
    until(lambda: db.session.scalar(select(func.count()).where(Process.status == "DONE")) == len(made))
    fired = select(func.count()).select_from(Event).where(Event.action == "timer", Event.to_state == "DONE")
    assert db.session.scalar(fired) == len(made)


def test_a_worker_waits_for_the_schema(app, process):
    db.drop_all()
    db.session.remove()
    alone = process()
    line = alone.stdout.readline()
    assert line.startswith("The worker waits for the database: missing:"), line
    assert "portal init-db" in line
    init_db()
    assert "The worker runs" in alone.stdout.readline()
    alone.terminate()
    assert alone.wait(300) == 0


@on_postgresql
def test_a_worker_that_waits_for_its_database_can_be_stopped(process):
    alone = process(PORTAL_DATABASE_URL="postgresql+psycopg://portal@127.0.0.1:1/portal")
    assert "does not answer: connection" in alone.stdout.readline()
    alone.terminate()
    assert alone.wait(300) == 0
