"""Flows whose jobs run in Celery workers."""

import os
import signal
import time
from datetime import timedelta
from pathlib import Path

from celery import shared_task

from portal import celery, flow, this

#: a job waits here for what a test says
FOLDER = Path(os.environ.get("TEST_FOLDER", "."))


@shared_task
def greet(activation_ref):
    with celery.Job.activate(activation_ref) as activation:
        with (FOLDER / f"greeted-{activation.process.id}").open("a") as file:
            file.write(f"{activation.attempt}\n")
        activation.process.data["text"] = "Background Processing Done"


@shared_task
def forgetful(activation_ref):
    return None


class GreetFlow(flow.Flow):
    start = flow.StartHandle().Next(this.job)
    job = celery.Job(greet).Next(this.end)
    end = flow.End()


class ForgetfulFlow(flow.Flow):
    start = flow.StartHandle().Next(this.job)
    job = celery.Job(forgetful).Next(this.end)
    end = flow.End()


class MendFlow(flow.Flow):
    """Fails once."""

    start = flow.StartHandle().Next(this.job)
    job = flow.Job(this.work, retries=1, backoff=timedelta(milliseconds=100)).Next(this.end)
    end = flow.End()

    def work(self, activation):
        if activation.attempt == 1:
            raise ConnectionError("not yet")
        activation.process.data["attempt"] = activation.attempt


class LongFlow(flow.Flow):
    """Tells its progress and waits for the test."""

    start = flow.StartHandle().Next(this.job)
    job = flow.Job(this.work, timeout=timedelta(minutes=5)).Next(this.end)
    end = flow.End()

    def work(self, activation):
        activation.progress(1, 2, "half way")
        go = FOLDER / f"go-{activation.process.id}"
        until = time.monotonic() + 300
        while (
            not (go.exists() and go.read_text()) and time.monotonic() < until
        ):  # it is there before its text is
            time.sleep(0.05)
        if go.read_text() == "die" and activation.attempt == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        activation.process.data["attempt"] = activation.attempt
