"""Timers, deadlines and jobs, with a clock that the test moves."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy.orm import Mapped, mapped_column

from portal import flow, jsonstore, this
from portal.engine.queue import jobs, timers
from portal.models import Event, Process, Task, db


class JobProcess(Process):
    left = jsonstore.StringField()
    right = jsonstore.StringField()
    names = jsonstore.JSONField(default=list)


class NapFlow(flow.Flow):
    start = flow.StartHandle().Next(this.nap)
    nap = flow.Timer(dt.timedelta(hours=1)).Next(this.end)
    end = flow.End()


def test_a_timer_fires_when_its_moment_has_come(flow_tester):
    run = flow_tester(NapFlow)
    run.start()
    assert run.task("nap").status == "SCHEDULED"
    run.advance(minutes=59)
    assert run.process.status == "NEW"
    run.advance(minutes=2)
    assert run.path == ["start", "nap", "end"]


def test_a_timer_waits_while_its_process_is_suspended(flow_tester):
    run = flow_tester(NapFlow)
    run.start()
    run.process.suspend()
    run.advance(days=2)
    assert run.task("nap").status == "SCHEDULED"
    run.process.resume()
    run.advance(seconds=1)
    assert run.process.status == "DONE"


@pytest.mark.parametrize("until", [lambda a: None, lambda a: dt.datetime(2030, 1, 1), lambda a: "soon"])
def test_a_moment_that_is_none_is_an_error(flow_tester, until):
    class OddFlow(flow.Flow):
        start = flow.StartHandle().Next(this.nap)
        nap = flow.Timer(until).Next(this.end)
        end = flow.End()

    run = flow_tester(OddFlow)
    run.start()
    assert run.task("nap").status == "ERROR"


class DeadlineFlow(flow.Flow):
    start = flow.StartHandle().Next(this.work)
    work = (
        flow.ManualTask()
        .OnTimeout(dt.timedelta(days=1), this.remind, interrupting=False)
        .OnTimeout(dt.timedelta(days=2), this.escalate)
        .Next(this.end)
    )
    remind = flow.Function(lambda activation: None).Next(this.reminded)
    escalate = flow.ManualTask().Next(this.end)
    reminded = flow.End()
    end = flow.End()


def test_a_reminder_leaves_its_host_alone_a_deadline_interrupts_it(flow_tester):
    run = flow_tester(DeadlineFlow)
    run.start()
    assert {t.flow_task for t in run.process.tasks} == {"start", "work", "work__timeout", "work__timeout_2"}
    run.advance(hours=25)
    assert run.task("work").status == "NEW"
    assert run.path == ["start", "work__timeout", "remind", "reminded"]
    run.advance(days=1)
    assert run.tasks("work")[0].status == "CANCELED"
    assert run.task("escalate").token == "start"
    run.advance(days=5)
    assert len(run.tasks("remind")) == len(run.tasks("escalate")) == 1
    run.task("escalate").assign("alice").execute()
    assert run.process.status == "DONE"


def test_a_task_that_is_done_in_time_disarms_its_deadlines(flow_tester):
    run = flow_tester(DeadlineFlow)
    run.start()
    run.task("work").assign("alice").execute()
    assert run.process.status == "DONE"
    assert run.path == ["start", "work", "end"]
    run.advance(days=5)
    assert run.path == ["start", "work", "end"]
    assert {run.tasks(n)[0].status for n in ("work__timeout", "work__timeout_2")} == {"CANCELED"}


@pytest.mark.parametrize("action", ["cancel", "process"])
def test_what_is_cancelled_disarms_its_deadlines(flow_tester, action):
    run = flow_tester(DeadlineFlow)
    run.start()
    if action == "cancel":
        run.task("work").cancel()
    else:
        run.process.cancel()
    run.advance(days=5)
    assert run.path == ["start"]


class JobFlow(flow.Flow):
    process_class = JobProcess
    fails: int = 0

    start = flow.StartHandle(this.begin).Next(this.work)
    work = flow.Job(this.do_work, retries=2, backoff=dt.timedelta(minutes=1)).Next(this.end)
    end = flow.End()

    def begin(self, activation, fails=0):
        activation.process.data["fails"] = fails
        return activation.process

    def do_work(self, activation):
        activation.process.left = f"attempt {activation.attempt}"
        activation.progress(activation.attempt, 3, "working")
        if activation.attempt <= activation.process.data["fails"]:
            raise ConnectionError(f"try {activation.attempt}")


def test_a_job_runs_when_its_turn_comes(flow_tester):
    run = flow_tester(JobFlow)
    run.start()
    assert run.task("work").status == "SCHEDULED"
    run.jobs()
    assert run.path == ["start", "work", "end"]
    assert run.process.left == "attempt 1"
    assert run.tasks("work")[0].progress == {"done": 1, "total": 3, "message": "working"}


def test_a_failing_job_is_tried_again_with_a_growing_wait(flow_tester):
    run = flow_tester(JobFlow)
    run.start(fails=2)
    run.jobs()
    waiting = run.task("work")
    assert (waiting.status, waiting.attempt) == ("SCHEDULED", 1)
    assert waiting.data["_exception"]["message"] == "try 1"
    run.jobs()
    assert run.task("work").attempt == 1
    run.advance(seconds=80)
    run.jobs()
    assert run.task("work").attempt == 2
    run.advance(seconds=80)
    run.jobs()
    assert run.task("work").attempt == 2
    run.advance(seconds=80)
    run.jobs()
    assert run.process.status == "DONE"
    assert run.process.left == "attempt 3"


def test_a_rule_for_the_wait_gets_the_attempt_that_failed(flow_tester):
    asked = []

    class RuleFlow(JobFlow):
        work = flow.Job(
            this.do_work,
            retries=2,
            backoff=lambda attempt: asked.append(attempt) or dt.timedelta(minutes=attempt),
        ).Next(this.end)

    run = flow_tester(RuleFlow)
    run.start(fails=2)
    run.jobs().advance(minutes=1).jobs()
    assert run.task("work").attempt == 2
    run.advance(minutes=2).jobs()
    assert run.process.status == "DONE"
    assert asked == [1, 2]


def test_a_job_out_of_tries_is_an_error_and_revive_starts_anew(flow_tester, session):
    run = flow_tester(JobFlow)
    run.start(fails=3)
    for _ in range(4):
        run.jobs().advance(hours=1)
    failed = run.task("work")
    assert (failed.status, failed.attempt) == ("ERROR", 3)
    assert run.process.left is None
    process = run.process
    process.data["fails"] = 0
    session.commit()
    fresh = failed.revive()
    assert (fresh.status, fresh.attempt) == ("SCHEDULED", 0)
    assert "_exception" not in fresh.data
    run.jobs()
    assert run.process.status == "DONE"


@pytest.fixture
def started(flow_tester, session):
    """A job that a worker has claimed and not finished."""
    run = flow_tester(JobFlow)
    run.start()
    task_id = run.task("work").id
    return run, task_id, jobs.claim(session, task_id)


def test_a_job_is_claimed_once(session, started):
    run, task_id, claimed = started
    assert claimed is not None
    assert run.task("work").status == "STARTED"
    assert jobs.claim(session, task_id) is None


@pytest.mark.parametrize("way", ["task", "process"])
def test_the_result_of_a_cancelled_job_is_dropped(session, started, way):
    run, _, claimed = started
    if way == "task":
        run.task("work").cancel()
    else:
        run.process.cancel()
    jobs.perform(session, claimed)
    assert run.tasks("work")[0].status == "CANCELED"
    assert run.process.left is None
    assert run.path == ["start"]


def test_a_lost_worker_is_fenced_off(flow_tester, session, started):
    run, task_id, first = started
    flow_tester.clock.offset += jobs.LEASE + dt.timedelta(seconds=1)
    assert jobs.reclaim(session) == 1
    assert run.task("work").status == "SCHEDULED"
    second = jobs.claim(session, task_id)
    assert (first.attempt, second.attempt) == (1, 2)
    jobs.perform(session, first)
    assert run.task("work").status == "STARTED"
    jobs.perform(session, second)
    assert (run.process.status, run.process.left) == ("DONE", "attempt 2")
    assert session.query(Event).filter_by(task_id=task_id, to_state="DONE").count() == 1


def test_a_heartbeat_keeps_a_claim(flow_tester, session, started):
    run, _, claimed = started
    for _ in range(3):
        flow_tester.clock.offset += jobs.LEASE / 2
        jobs.heartbeat(session, [claimed])
    assert jobs.reclaim(session) == 0
    assert run.task("work").status == "STARTED"


class MergeFlow(flow.Flow):
    process_class = JobProcess

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.one).Next(this.two)
    one = flow.Job(this.write_left).Next(this.join)
    two = flow.Job(this.write_right).Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()

    def write_left(self, activation):
        activation.process.left = "left"
        activation.process.names.append("one")
        activation.task.data["mine"] = 1

    def write_right(self, activation):
        activation.process.data = {**activation.process.data, "right": "right"}


def test_two_jobs_at_work_keep_each_others_fields(flow_tester, session):
    run = flow_tester(MergeFlow)
    run.start()
    claims = [jobs.claim(session, run.task(name).id) for name in ("one", "two")]
    at_work = [
        jobs.begin(jobs.PrivateSession(bind=db.engine, expire_on_commit=False), c.task_id) for c in claims
    ]
    for each in at_work:  # both have read the process before either of them has written it
        each.node.work(each)
    for each, claimed in zip(at_work, claims, strict=True):
        assert jobs.finish(session, claimed, each, None)
        each._work.session.close()

    assert (run.process.left, run.process.right) == ("left", "right")
    assert run.process.names == ["one"]
    assert run.tasks("one")[0].data == {"mine": 1}
    assert run.process.status == "DONE"


def test_a_clock_that_comes_late_does_nothing(flow_tester, session):
    run = flow_tester(NapFlow)
    run.start()
    task_id = run.task("nap").id
    assert timers.fire(session, task_id) is False  # not due yet
    run.advance(hours=2)
    assert timers.fire(session, task_id) is False  # done already
    assert timers.fire(session, 4711) is False  # not there
    assert session.query(Task).filter_by(flow_task="end").count() == 1


def test_what_a_job_has_assigned_before_it_refreshes_is_gone_when_it_fails(flow_tester):
    class FailingFlow(flow.Flow):
        process_class = JobProcess
        start = flow.StartHandle().Next(this.work)
        work = flow.Job(this.do).Next(this.end)
        end = flow.End()

        def do(self, activation):
            activation.process.left = "half done"
            activation.task.data["seen"] = True
            activation.refresh()
            raise ValueError

    run = flow_tester(FailingFlow)
    run.start("start")
    run.jobs()
    assert run.task("work").status == "ERROR"
    assert run.process.left is None
    assert "seen" not in run.task("work").data


def test_a_job_that_refreshes_sees_others_and_keeps_its_own(flow_tester):
    class SharingFlow(flow.Flow):
        process_class = JobProcess
        start = flow.StartHandle().Next(this.both)
        both = flow.Split().Next(this.work).Next(this.news)
        work = flow.Job(this.do).Next(this.end)
        news = flow.Handle(this.note).Next(this.end)
        end = flow.End()

        def do(self, activation):
            activation.process.names.append("ann")
            activation.task.data["seen"] = 1
            SharingFlow.news.run(process=activation.process.id)
            assert activation.process.right is None
            activation.refresh()
            assert (activation.process.right, activation.process.names) == ("news", ["ann"])
            activation.process.names.append("bob")
            activation.task.data["seen"] = 2
            activation.refresh()

        def note(self, activation):
            activation.process.right = "news"

    run = flow_tester(SharingFlow)
    run.start("start")
    run.jobs()
    assert run.process.status == "DONE"
    assert (run.process.right, run.process.names) == ("news", ["ann", "bob"])
    assert run.tasks("work")[0].data["seen"] == 2


class Shelf(db.Model):
    __tablename__ = "job_shelf"
    id: Mapped[int] = mapped_column(primary_key=True)


class ShelfProcess(Process):
    shelf = jsonstore.ReferenceField(Shelf)


@pytest.mark.parametrize("stored", [False, True])
def test_a_job_stores_an_object_before_it_points_at_it(flow_tester, stored):
    """Through its own session it would keep the database from itself, until it gave up."""

    class ShelfFlow(flow.Flow):
        process_class = ShelfProcess
        start = flow.StartHandle().Next(this.work)
        work = flow.Job(this.do).Next(this.end)
        end = flow.End()

        def do(self, activation):
            shelf = Shelf(id=7)
            if stored:
                db.session.add(shelf)
                db.session.commit()
            activation.process.shelf = shelf

    run = flow_tester(ShelfFlow)
    run.start("start")
    run.jobs()
    if stored:
        assert (run.process.status, run.process.shelf.id) == ("DONE", 7)
    else:
        assert "points at a Shelf that is not stored" in run.task("work").data["_exception"]["message"]
