"""A `celery.Job` without a broker."""

import datetime as dt
import subprocess
import sys

import pytest
from celery import shared_task
from flows_of_celery import GreetFlow

from portal import celery, create_app, flow, this
from portal.errors import FlowError


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.setattr("flows_of_celery.FOLDER", tmp_path)


def test_in_the_tester_its_task_is_called_directly(flow_tester):
    run = flow_tester(GreetFlow)
    run.start("start")
    assert run.task("job").status == "SCHEDULED"
    run.jobs()
    assert run.process.data["text"] == "Background Processing Done"
    assert run.process.status == "DONE"


def test_an_error_in_the_block_is_a_failed_try(flow_tester):
    @shared_task
    def fails(activation_ref):
        with celery.Job.activate(activation_ref) as activation:
            activation.process.data["text"] = "never"
            raise ConnectionError("no answer")

    class FailFlow(flow.Flow):
        start = flow.StartHandle().Next(this.job)
        job = celery.Job(fails, retries=1).Next(this.end)
        end = flow.End()

    run = flow_tester(FailFlow)
    run.start("start")
    run.jobs()
    assert run.task("job").status == "SCHEDULED"
    run.advance(minutes=1).jobs()
    assert run.task("job").status == "ERROR"
    assert run.task("job").attempt == 2
    assert "text" not in run.process.data


def test_what_is_no_celery_task_is_refused():
    with pytest.raises(FlowError, match="@shared_task"):

        class WrongFlow(flow.Flow):
            start = flow.StartHandle().Next(this.job)
            job = celery.Job(lambda ref: None).Next(this.end)
            end = flow.End()


def test_a_task_that_takes_no_reference_is_refused():
    @shared_task
    def deaf():
        pass

    with pytest.raises(FlowError, match=r"its Celery task: `.*deaf` takes nothing.*`\(activation_ref\)`"):

        class DeafFlow(flow.Flow):
            start = flow.StartHandle().Next(this.send)
            send = celery.Job(deaf).Next(this.end)
            end = flow.End()


def test_without_the_extra_the_error_names_it():
    code = "import sys; sys.modules['celery'] = None; from portal import celery"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'flask-flow-portal[celery]'" in ended.stderr


def test_importing_it_makes_no_application():
    code = "from portal import celery; assert 'app' not in vars(celery)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("waited", "again_after"),
    [(0, 30), (29, 30), (100, 100), (86_400, 3600)],
    ids=lambda seconds: f"{seconds}s",
)
def test_messages_do_not_pile_up_while_no_worker_runs(waited, again_after):
    app = create_app({"EXECUTOR": "celery", "CELERY_PATIENCE": "30", "FLOWS": [], "TESTING": True})
    after = app.extensions["portal_scheduler"].executor.resend_after(dt.timedelta(seconds=waited))
    assert after == dt.timedelta(seconds=again_after)


@pytest.mark.parametrize(("settings", "queue"), [({}, "portal"), ({"CELERY_QUEUE": "letters"}, "letters")])
def test_each_portal_on_a_broker_may_have_a_queue_of_its_own(settings, queue):
    from portal.work.celery import make

    app = create_app(
        {"DATABASE_URL": "sqlite://", "FLOWS": [], "SCHEDULER": "off", "TESTING": True, **settings}
    )
    assert make(app, broker_connection_timeout=1).conf.task_default_queue == queue
