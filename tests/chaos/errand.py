"""The flows that go through the chaos: every kind of wait, and a mark for everything that is done.

Leases are short here, so that a worker which is paused for some seconds is taken for dead.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import time
from typing import Any

from celery import shared_task

from portal import act, celery, flow, jsonstore, this, views
from portal.engine import outbox
from portal.engine.queue import heartbeats, jobs
from portal.models import Process
from portal.work import outbox as senders

from . import breaks, ledger

#: how long the claim of a job holds on a site
LEASE = dt.timedelta(seconds=4)
#: set on the machines of a site: what is taken away, if anything
BROKEN = os.environ.get("CHAOS_BREAK")
#: seconds that jobs take; now and then long enough to be at work when a worker is paused or killed
DURATIONS: tuple[float, ...] = (0, 0, 0.3, 6) if BROKEN != "fence" else (6,)
#: how many of a hundred tries fail
FAILING = 10
#: between two throws of the signal
NEWS = dt.timedelta(seconds=2)


def seconds(most: float) -> Any:
    return lambda activation: dt.timedelta(seconds=random.uniform(0, most))


def work(activation: Any) -> None:
    """What every job does: it takes its time, and fails now and then."""
    ledger.began(activation)
    try:
        time.sleep(random.choice(DURATIONS))
        if random.randrange(100) < FAILING:
            raise RuntimeError("a job may fail")
    finally:
        ledger.ended(activation)


@shared_task
def fetch(activation_ref: str) -> None:
    """A job that sends a message to its own process: in every try, under one key."""
    with celery.Job.activate(activation_ref) as activation:
        key = f"reply to {activation.task.id}"
        ErrandFlow.reply.run(process=activation.process.id, attempt=activation.attempt, _key=key)
        work(activation)
        activation.process.fetched_by = activation.attempt


class ErrandProcess(Process):
    text = jsonstore.StringField("Text", max_length=100)
    approved = jsonstore.BooleanField("Approved", default=False)
    #: the attempt of each job whose result counted
    worked_by = jsonstore.IntegerField()
    fetched_by = jsonstore.IntegerField()
    #: how many messages were received
    replies = jsonstore.IntegerField(default=0)


class NewsFlow(flow.Flow):
    """News"""

    start = flow.StartTimer(interval=NEWS).Next(this.throw)
    throw = flow.SignalThrow("news").Next(this.end)
    end = flow.End()


class ParcelFlow(flow.Flow):
    """Parcel"""

    start = flow.StartHandle().Next(this.travel)
    travel = flow.Timer(seconds(2)).Next(this.hear)
    hear = flow.SignalCatch("news").Next(this.arrive)
    arrive = flow.Function(ledger.mark).Next(this.end)
    end = flow.End()


class ErrandFlow(flow.Flow):
    """Errand"""

    process_class = ErrandProcess

    start = flow.Start(views.CreateProcessView.as_view(fields=["text"])).Next(this.split)
    split = (
        flow.Split().Next(this.check).Next(this.wait).Next(this.work).Next(this.fetch).Next(this.parcel)
        .Next(this.reply).Next(this.enough)
    )  # fmt: skip
    check = (
        flow.View(views.UpdateProcessView.as_view(fields=["approved"]))
        .Permission(auto_create=True)
        .OnTimeout(dt.timedelta(seconds=5), this.remind, interrupting=False)
        .Next(this.checked)
    )
    remind = flow.Function(ledger.mark).Next(this.reminded)
    reminded = flow.End()
    checked = flow.Function(ledger.mark).Next(this.join)
    wait = flow.Timer(seconds(3)).Next(this.waited)
    waited = flow.Function(ledger.mark).Next(this.join)
    work = flow.Job(this.do_it, retries=50, backoff=dt.timedelta(seconds=0.2)).Next(this.worked)
    worked = flow.Function(ledger.mark).Next(this.join)
    fetch = celery.Job(fetch, retries=50, backoff=dt.timedelta(seconds=0.2)).Next(this.fetched)
    fetched = flow.Function(ledger.mark).Next(this.join)
    parcel = flow.Subprocess(ParcelFlow.start).Next(this.join)
    reply = flow.MessageCatch(this.receive).Next(this.join)
    enough = flow.ConditionalCatch(act.process.replies > 0).Next(this.join)
    join = flow.Join().Next(this.joined)
    joined = flow.Function(ledger.mark).Next(this.sign)
    sign = (
        flow.ManualTask()
        .Permission(auto_create=True)
        .Due(dt.timedelta(seconds=2))
        .OnTimeout(seconds(20), this.lapsed)
        .Next(this.end)
    )
    lapsed = flow.Function(ledger.mark).Next(this.end)
    end = flow.End()

    def do_it(self, activation: Any) -> None:
        work(activation)
        activation.process.worked_by = activation.attempt

    def receive(self, activation: Any, attempt: int) -> None:
        activation.process.replies += 1
        ledger.mark(activation)


class TangleFlow(flow.Flow):
    """Tangle

    Managers cancel, undo and revive in it at random: branches that meet, a race, and a host with two deadlines."""

    start = flow.Start(views.CreateProcessView.as_view(fields=[])).Next(this.split)
    split = flow.Split().Next(this.race).Next(this.ask).Next(this.inner)
    race = flow.SplitFirst().Next(this.first).Next(this.second)
    first = flow.ManualTask().Next(this.join)
    second = flow.ManualTask().Next(this.join)
    ask = (
        flow.ManualTask()
        .OnTimeout(dt.timedelta(seconds=2), this.reminded, interrupting=False)
        .OnTimeout(dt.timedelta(seconds=6), this.late)
        .Next(this.join)
    )
    reminded = flow.End()
    late = flow.ManualTask().Next(this.join)
    inner = flow.Split().Next(this.left).Next(this.right)
    left = flow.ManualTask().Next(this.inner_join)
    right = flow.ManualTask().Next(this.inner_join)
    inner_join = flow.Join().Next(this.join)
    join = flow.Join().Next(this.last)
    last = flow.ManualTask().Next(this.end)
    end = flow.End()


class LetterProcess(Process):
    text = jsonstore.StringField()


class LetterFlow(flow.Flow):
    """Letter

    Written by a program, and answered by it: the answer may be there before the letter."""

    process_class = LetterProcess

    start = flow.StartHandle(this.write).Next(this.answer)
    answer = flow.MessageCatch(this.read).Next(this.end)
    end = flow.End()

    def write(self, activation: Any, text: str) -> None:
        activation.process.text = text

    def read(self, activation: Any) -> None:
        ledger.mark(activation)


def report_to(hook: str) -> None:
    """Have all flows but the news, which never end, tell what happens at this address."""
    for each in (ErrandFlow, ParcelFlow, LetterFlow):
        each.process_webhooks = [hook] if hook else []


def _hurry() -> None:
    jobs.LEASE = LEASE
    heartbeats.BEAT = dt.timedelta(seconds=1)
    outbox.LEASE = dt.timedelta(seconds=8)
    senders.MARGIN = dt.timedelta(seconds=4)


if BROKEN is not None:
    _hurry()
    ledger.listen()
    report_to(os.environ["CHAOS_HOOK"])
    breaks.apply(BROKEN)
