"""Jobs and timers: what runs, what comes up, and a manager's levers on them."""

import datetime as dt

import pytest

from portal import flow, this
from portal.engine.queue import heartbeats, jobs, timers
from portal.models import Event, Process, Task, db, utcnow
from portal.queries.jobs import time_left


def work(activation):
    raise OSError("no disk")


class DeskFlow(flow.Flow):
    """Desk"""

    start = flow.StartHandle().Next(this.rest)
    rest = flow.Timer(dt.timedelta(hours=5)).Next(this.work)
    work = flow.Job(work, retries=2, backoff=dt.timedelta(hours=1)).Next(this.end)
    end = flow.End()


@pytest.fixture
def desk(register, people, make_user):
    register(DeskFlow)
    make_user("mary", "desk.manage", password="correct horse")
    return DeskFlow


def task_of(node):
    db.session.expire_all()
    return db.session.scalars(db.select(Task).where(Task.flow_task == node)).unique().one()


def run_now(client, task_id):
    answer = client.post(f"/tasks/{task_id}/reschedule", data={"at": "now", "next": "/admin/jobs"})
    assert answer.status_code == 303
    assert answer.location == "/admin/jobs"


def test_who_sees_the_page(desk, client_of, app):
    desk.start.run()
    for who, status in (("dave", 403), ("alice", 403), ("mary", 200), ("erin", 200)):
        assert client_of(who).get("/admin/jobs").status_code == status, who
    assert app.test_client().get("/admin/jobs").status_code == 303
    assert "Rest" not in client_of("carol").get("/admin/jobs").text  # who manages another flow


def test_a_timer_is_run_now_and_a_job_waits_for_its_next_attempt(desk, client_of, session):
    desk.start.run()
    mary = client_of("mary")
    page = mary.get("/admin/jobs").text
    assert "Waits for this moment" in page
    assert "No job is running." in page
    run_now(mary, task_of("rest").id)
    assert timers.fire_all(session, timers.claim_due(session, timers.now(), 20)) == 1
    assert "First attempt" in mary.get("/admin/jobs").text
    (due,) = timers.claim_due(session, timers.now(), 20, works=True)
    claimed = jobs.claim(session, due.task_id)
    page = mary.get("/admin/jobs").text
    assert heartbeats.name() in page
    jobs.perform(session, claimed)
    page = mary.get("/admin/jobs").text
    assert "Attempt 2 of 3" in page
    assert "OSError" in page
    run_now(mary, task_of("work").id)
    assert timers.claim_due(session, timers.now(), 20, works=True)


def test_a_timer_is_moved(desk, client_of):
    desk.start.run()
    mary, task = client_of("mary"), task_of("rest")
    address = f"/tasks/{task.id}/reschedule"
    assert "Run this at another time?" in mary.get(address).text
    for wrong in ("", "soon", "2026-02-30T25:61"):
        assert mary.post(address, data={"at": wrong}).status_code == 422, wrong
    assert mary.post(address, data={"at": "2100-01-02T03:04+00:00", "reason": "not yet"}).status_code == 303
    assert task_of("rest").scheduled == dt.datetime(2100, 1, 2, 3, 4, tzinfo=dt.UTC)
    event = db.session.scalars(db.select(Event).where(Event.action == "reschedule")).one()
    assert (event.user.username, event.detail["reason"]) == ("mary", "not yet")
    assert client_of("alice").post(address, data={"at": "now"}).status_code == 403


def test_cancel_says_what_the_process_does_then(desk, client_of):
    desk.start.run()
    page = client_of("mary").get(f"/tasks/{task_of('rest').id}/cancel").text
    assert "No other step is open: the process stands still and needs attention." in page


def test_the_time_left_is_told_from_a_twentieth_on():
    now = utcnow()
    task = Task(started=now - dt.timedelta(minutes=10), progress={"done": 4, "total": 100})
    assert time_left(task, now) is None
    task.progress = {"done": 25, "total": 100}
    assert time_left(task, now) == dt.timedelta(minutes=30)
    for progress in (None, {}, {"done": 1, "total": None}, {"done": 1, "total": 0}):
        task.progress = progress
        assert time_left(task, now) is None


def test_workers_are_an_administrators(desk, client_of, session):
    assert "No worker has been seen" in client_of("erin").get("/admin/jobs").text
    heartbeats.beat(session, None, "worker", 1)
    page = client_of("erin").get("/admin/jobs").text
    assert heartbeats.name() in page
    assert "No worker has been seen" not in page
    assert heartbeats.name() not in client_of("mary").get("/admin/jobs").text


def test_the_page_costs_few_statements_and_pages_by_keys(desk, client_of, count):
    mary = client_of("mary")
    desk.start.run()
    with count() as few:
        mary.get("/admin/jobs")
    for _ in range(34):
        desk.start.run()
    with count() as many:
        page = mary.get("/admin/jobs").text
    assert len(many) == len(few) <= 9, str(many)
    after = page.split("after=")[1].split('"')[0]
    rest = mary.get(f"/admin/jobs?after={after}").text
    assert rest.count("Run now") == 5
    number = db.session.scalar(db.select(db.func.max(Process.id)))
    assert mary.get(f"/admin/jobs?q=%23{number}").text.count("Run now") == 1
    assert "Rest,35,desk" in mary.get("/admin/jobs?format=csv&q=35").text
