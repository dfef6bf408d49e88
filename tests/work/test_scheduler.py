"""The clock in the web process: timers fire and jobs run by themselves, also after a restart."""

import datetime as dt
import threading
import time
from contextlib import contextmanager

import pytest
import time_machine
from sqlalchemy import update

from portal import create_app, flow, this
from portal.engine.queue import heartbeats, jobs, timers
from portal.models import Event, Process, Task, db, init_db
from portal.work import local
from portal.work.local import THREADS, LocalExecutor

PATIENCE = 60


class NapFlow(flow.Flow):
    start = flow.StartHandle(this.begin).Next(this.nap)
    nap = flow.Timer(this.moment).Next(this.work)
    work = flow.Job(this.do_work).Next(this.end)
    end = flow.End()

    def begin(self, activation, seconds=0.0, fails=False):
        activation.process.data.update(seconds=seconds, fails=fails)
        return activation.process

    def moment(self, activation):
        return dt.timedelta(seconds=activation.process.data["seconds"])

    def do_work(self, activation):
        activation.progress(1, 2, "half way")
        if activation.process.data["fails"]:
            raise RuntimeError("out of paper")
        activation.process.data["worked"] = activation.attempt


class StuckFlow(flow.Flow):
    """Its first try does not end before the test does"""

    start = flow.StartHandle().Next(this.work)
    work = flow.Job(this.do_work, retries=1, backoff=dt.timedelta(0), timeout=dt.timedelta(seconds=0.2)).Next(
        this.end
    )
    end = flow.End()

    stuck = threading.Event()

    def do_work(self, activation):
        if activation.attempt == 1:
            self.stuck.wait(PATIENCE)
        activation.process.data["done by"] = activation.attempt


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'portal.sqlite'}"


@contextmanager
def portal(url, clock_runs=True, **settings):
    app = create_app({"DATABASE_URL": url, "FLOWS": [], "TESTING": True, **settings})
    app.extensions["portal_flows"].register(NapFlow)
    scheduler = app.extensions["portal_scheduler"]
    with app.app_context():
        init_db()
        if clock_runs:
            scheduler.start()
        try:
            yield app
        finally:
            scheduler.stop()
            db.session.remove()
            db.engine.dispose()


def started_job():
    """A job that is due now; its task."""
    process = NapFlow.start.run()
    timers.turn(db.session())
    db.session.execute(update(Task).values(scheduled=timers.now() - dt.timedelta(hours=1)))
    db.session.commit()
    for each in timers.due(db.session(), timers.now()):
        timers.fire(db.session(), each.task_id)
    return db.session.query(Task.id).filter_by(process_id=process.id, flow_task="work").scalar()


def lost(session, task_id):
    """A worker takes the job, and is not heard of again."""
    session.execute(update(Task).where(Task.id == task_id).values(lease=None, scheduled=timers.now()))
    session.commit()
    assert jobs.claim(session, task_id) is not None
    session.execute(update(Task).where(Task.id == task_id).values(lease=timers.now() - jobs.LEASE))
    session.commit()
    assert jobs.reclaim(session) == 1


def wait_until(holds):
    until = time.monotonic() + PATIENCE
    while not (found := holds()) and time.monotonic() < until:
        time.sleep(0.1)
    return found


def wait_for(process_id, done):
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        process = db.session.get_one(Process, process_id, populate_existing=True)
        if done(process):
            return process
        db.session.rollback()
        time.sleep(0.02)
    raise AssertionError([(task.flow_task, task.status) for task in process.tasks])


def test_a_due_timer_fires_and_its_job_runs_in_a_thread(url):
    with portal(url):
        process_id = NapFlow.start.run(seconds=0.2).id
        process = wait_for(process_id, lambda p: p.status == "DONE")
        assert process.data["worked"] == 1
        assert next(t for t in process.tasks if t.flow_task == "work").progress == {
            "done": 1,
            "total": 2,
            "message": "half way",
        }


def test_a_timer_fires_soon_after_its_moment(url):
    with portal(url):
        made = [NapFlow.start.run(seconds=0.3 * number).id for number in range(1, 5)]
        late = []
        for process_id in made:
            process = wait_for(process_id, lambda p: p.status == "DONE")
            nap = next(task for task in process.tasks if task.flow_task == "nap")
            late.append(nap.finished - nap.scheduled)
        assert min(late) < dt.timedelta(seconds=5), "the machine that runs this may be busy"


def test_a_failing_job_is_recorded(url):
    with portal(url):
        process_id = NapFlow.start.run(fails=True).id
        failed = lambda p: any(task.status == "ERROR" for task in p.tasks)  # noqa: E731
        process = wait_for(process_id, failed)
        work = next(task for task in process.tasks if task.flow_task == "work")
        assert work.data["_exception"]["message"] == "out of paper"


def test_jobs_that_took_too_long_take_no_room_from_others(url, caplog):
    StuckFlow.stuck.clear()
    with portal(url) as app:
        app.extensions["portal_flows"].register(StuckFlow)
        made = [StuckFlow.start.run().id for _ in range(THREADS)]
        try:
            for process_id in made:
                assert wait_for(process_id, lambda p: p.status == "DONE").data["done by"] == 2
        finally:
            StuckFlow.stuck.set()
    assert caplog.text.count("took too long, and is given up") == THREADS


class SilentFlow(flow.Flow):
    """Its job says nothing of how long it may take, and does not end before the test does"""

    start = flow.StartHandle().Next(this.work)
    work = flow.Job(this.do_work).Next(this.end)
    end = flow.End()

    def do_work(self, activation):
        StuckFlow.stuck.wait(PATIENCE)


def test_a_job_that_says_no_limit_has_the_settings(url, caplog, monkeypatch):
    monkeypatch.setattr(heartbeats, "BEAT", dt.timedelta(0))  # each tells what is stuck
    StuckFlow.stuck.clear()
    with portal(url, clock_runs=False, JOB_TIMEOUT=0.2) as app:
        app.extensions["portal_flows"].register(SilentFlow)
        app.extensions["portal_scheduler"].start()
        made = [SilentFlow.start.run().id for _ in range(THREADS)]
        nap = NapFlow.start.run().id
        try:
            for each in made:
                wait_for(each, lambda p: [task for task in p.tasks if task.status == "ERROR"])
            wait_for(nap, lambda p: p.status == "DONE")
            ready = wait_until(lambda: app.test_client().get("/readyz").json.get("stuck_jobs") == THREADS)
        finally:
            StuckFlow.stuck.set()
    assert ready
    assert "silent.work failed in process" in caplog.text
    assert "took too long and was given up" in caplog.text


def test_jobs_that_take_long_keep_no_other_waiting_before_their_time_is_over(url, monkeypatch):
    monkeypatch.setattr(local, "LONG", 0.2)
    StuckFlow.stuck.clear()
    with portal(url) as app:
        app.extensions["portal_flows"].register(SilentFlow)
        for _ in range(THREADS):
            SilentFlow.start.run()
        nap = NapFlow.start.run().id
        try:
            wait_for(nap, lambda p: p.status == "DONE")
        finally:
            StuckFlow.stuck.set()


def test_a_process_whose_every_thread_is_lost_says_so_once(caplog):
    executor = LocalExecutor(None)
    past = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    for number in range(local.MOST):
        executor._held[jobs.Claim(number, 1, past)] = 0.0
    assert [executor.room(), executor.room()] == [0, 0]
    assert caplog.text.count("every thread is held by a job that does not end") == 1


def test_of_the_jobs_that_may_have_killed_their_process_one_runs_at_a_time():
    executor = LocalExecutor(None)
    assert executor.admits_suspect()
    executor._coming.add(1)
    executor._suspects.add(1)
    assert not executor.admits_suspect()


def test_a_suspect_that_does_not_end_keeps_no_other_waiting_for_ever():
    executor = LocalExecutor(None)
    executor._suspects.add(1)
    now = dt.datetime.now(dt.UTC)
    claim = jobs.Claim(1, 1, now + dt.timedelta(hours=1))
    executor._held[claim] = 0.0
    assert not executor.admits_suspect()
    del executor._held[claim]
    executor._held[jobs.Claim(1, 1, now - dt.timedelta(seconds=1))] = 0.0
    assert executor.admits_suspect()


def test_a_suspect_is_one_whose_workers_were_lost_twice(url):
    """What runs beside a job that kills its process is found out not to be it, and loses no try."""
    with portal(url, clock_runs=False):
        task_id = started_job()
        session, seen = db.session(), []
        for _ in range(3):
            now = timers.now()
            due = timers.claim_due(session, now + dt.timedelta(minutes=30), 5, works=True)
            seen += [each.suspect for each in due]
            timers.release(session, due)
            lost(session, task_id)
        task = db.session.get_one(Task, task_id, populate_existing=True)
        assert seen == [False, False, True]
        assert task.status == "SCHEDULED"


def test_after_a_restart_everything_due_is_still_due(url):
    with portal(url, clock_runs=False):
        process_id = NapFlow.start.run(seconds=0).id
    with portal(url):
        assert wait_for(process_id, lambda p: p.status == "DONE").data["worked"] == 1


def lost_job():
    """The claim of a job whose worker has not been heard of for too long."""
    NapFlow.start.run(seconds=0)
    timers.fire(db.session(), timers.due(db.session(), timers.now())[0].task_id)
    claimed = jobs.claim(db.session(), timers.due(db.session(), timers.now())[0].task_id)
    task = db.session.get_one(Task, claimed.task_id)
    task.lease = timers.now() - dt.timedelta(seconds=1)
    db.session.commit()
    return claimed


def test_a_job_of_a_dead_worker_runs_again(url):
    with portal(url, clock_runs=False):
        claimed = lost_job()
        process_id = db.session.get_one(Task, claimed.task_id).process_id
    with portal(url):
        assert wait_for(process_id, lambda p: p.status == "DONE").data["worked"] == 2
        assert not jobs.finish(db.session(), claimed, None, RuntimeError("too late"))


def test_many_clocks_fire_a_timer_once(url):
    with portal(url) as app, portal(url) as other:
        assert app is not other
        ids = [NapFlow.start.run(seconds=0.1).id for _ in range(10)]
        for process_id in ids:
            wait_for(process_id, lambda p: p.status == "DONE")
        done = db.session.query(Event).filter(Event.to_state == "DONE", Event.action == "timer").count()
        assert done == len(ids)


def looked_again(scheduler):
    """Wait until the clock has looked, found nothing and begun to wait for its next look."""
    looks, turn = threading.Semaphore(0), scheduler.turns._turns["look"]

    def look(call=turn.call):
        call()
        looks.release()

    turn.call = look
    assert looks.acquire(timeout=PATIENCE)
    assert looks.acquire(timeout=PATIENCE)


def test_a_clock_that_is_set_back_keeps_nobody_waiting(url):
    with portal(url) as app:
        process_id = NapFlow.start.run(seconds=3600).id
        looked_again(app.extensions["portal_scheduler"])
        now = dt.datetime.now(dt.UTC)
        with time_machine.travel(now - dt.timedelta(hours=1), tick=True):
            with db.engine.connect() as other, other.begin():  # wakes no clock
                due = {"scheduled": now - dt.timedelta(hours=2)}
                other.execute(
                    update(Task).where(Task.process_id == process_id, Task.flow_task == "nap").values(due)
                )
            wait_for(process_id, lambda p: p.status == "DONE")


def test_a_clock_that_is_set_forward_makes_one_look_due(url):
    with portal(url), time_machine.travel(dt.datetime(2100, 1, 1, tzinfo=dt.UTC), tick=True):
        process_id = NapFlow.start.run(seconds=0).id
        wait_for(process_id, lambda p: p.status == "DONE")
