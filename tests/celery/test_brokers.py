"""The same on Redis and on RabbitMQ: the row is the queue, and a message only makes it prompt."""

import datetime as dt

import pytest
from eventually import PATIENCE, eventually
from flows_of_celery import ForgetfulFlow, GreetFlow, LongFlow, MendFlow
from kombu import Connection
from sqlalchemy import update

from portal.models import Process, Task, db
from portal.work.celery import reference

pytestmark = pytest.mark.usefixtures("celery_worker")


def read(process):
    db.session.rollback()
    return db.session.get_one(Process, process.id, populate_existing=True)


def job(process):
    return next(task for task in read(process).tasks if task.flow_task == "job")


def done(process):
    return eventually(lambda: read(process).status == "DONE" and read(process))


def send(portal, process, name="portal.run_job"):
    """A message that nobody asked for."""
    sender = portal.extensions["portal_scheduler"].executor.celery
    sender.tasks[name].apply_async((reference(job(process).id),))


def portal_connection(sender):
    """A connection with a worker's patience."""
    return Connection(sender.conf.broker_url)


def greetings(portal, process):
    return (portal.folder / f"greeted-{process.id}").read_text().split()


def test_a_task_of_the_authors_own_is_sent_and_completes_the_job(portal):
    process = GreetFlow.start.run()
    assert done(process).data["text"] == "Background Processing Done"


def test_a_failed_try_is_tried_again(portal):
    process = MendFlow.start.run()
    assert done(process).data["attempt"] == 2


def test_a_task_that_forgets_to_activate_fails(portal):
    process = ForgetfulFlow.start.run()
    eventually(lambda: job(process).status == "ERROR")
    assert "activate" in str(job(process).data["_exception"])


def test_doubled_and_late_messages_do_nothing(portal):
    process = GreetFlow.start.run()
    for _ in range(3):
        send(portal, process, "flows_of_celery.greet")
    done(process)
    send(portal, process, "flows_of_celery.greet")
    other = GreetFlow.start.run()
    done(other)
    assert greetings(portal, process) == ["1"]


def test_progress_shows_while_it_runs_and_a_cancelled_job_counts_no_more(portal):
    process = LongFlow.start.run()
    eventually(lambda: job(process).progress)
    assert job(process).progress == {"done": 1, "total": 2, "message": "half way"}
    read(process).cancel()
    (portal.folder / f"go-{process.id}").write_text("on")
    done(GreetFlow.start.run())
    assert read(process).status == "CANCELED"
    assert "attempt" not in read(process).data


def test_a_job_whose_worker_is_killed_is_done_again(portal):
    process = LongFlow.start.run()
    eventually(lambda: job(process).progress)
    (portal.folder / f"go-{process.id}").write_text("die")
    eventually(lambda: (portal.folder / "worker.log").read_text().count("signal 9"))
    over = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    with db.engine.begin() as connection:  # the minute of its lease
        connection.execute(update(Task).where(Task.id == job(process).id).values(lease=over))
    assert done(process).data["attempt"] == 2


def test_what_is_due_while_the_broker_is_away_runs_when_it_is_back(portal, broker):
    broker.kill()
    try:
        process = GreetFlow.start.run()
        eventually(lambda: not portal.extensions["portal_scheduler"].executor.room())
        assert job(process).status == "SCHEDULED"
    finally:
        broker.start()
    done(process)
    assert greetings(portal, process) == ["1"]


def test_a_message_that_was_lost_is_sent_again(portal):
    sender = portal.extensions["portal_scheduler"].executor.celery
    asked = {"reply": True, "timeout": PATIENCE, "limit": 1}  # the one worker that there is
    with portal_connection(sender) as connection:
        assert sender.control.cancel_consumer("portal", connection=connection, **asked)
        try:
            process = GreetFlow.start.run()
            queue = connection.SimpleQueue(sender.amqp.queues["portal"])
            queue.get(timeout=PATIENCE).ack()
            queue.close()
        finally:
            assert sender.control.add_consumer("portal", connection=connection, **asked)
    done(process)
    assert greetings(portal, process) == ["1"]
