"""The flow that goes through the chaos: every kind of wait, and a mark for everything that is done.

Leases are short here, so that a worker which is paused for some seconds is taken for dead.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import time
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Mapped, mapped_column

from portal import flow, jsonstore, this, views
from portal.engine import jobs, outbox, workers
from portal.models import Process, UTCDateTime, db, utcnow
from portal.work import outbox as senders

from . import breaks

jobs.LEASE = dt.timedelta(seconds=4)
workers.BEAT = dt.timedelta(seconds=1)
outbox.LEASE = dt.timedelta(seconds=8)
senders.MARGIN = dt.timedelta(seconds=4)


#: seconds that jobs take; now and then long enough to be at work when a worker is paused or killed
DURATIONS = (0, 0, 0.3, 6) if os.environ.get("CHAOS_BREAK") != "fence" else (6,)


class Mark(db.Model):  # type: ignore[name-defined,misc]
    """Written by a function in the transaction of its action: it stands or falls with it."""

    __tablename__ = "chaos_mark"

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int]
    node: Mapped[str]


class Try(db.Model):  # type: ignore[name-defined,misc]
    """Written by a job past everything else: what its code really did."""

    __tablename__ = "chaos_try"

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int]
    attempt: Mapped[int]
    pid: Mapped[int]
    began: Mapped[bool]
    moment: Mapped[dt.datetime] = mapped_column(UTCDateTime)


def mark(activation: Any) -> None:
    db.session.execute(insert(Mark).values(task_id=activation.task.id, node=activation.task.flow_task))


def note(activation: Any, began: bool) -> None:
    row = {"task_id": activation.task.id, "attempt": activation.attempt, "pid": os.getpid(), "began": began}
    with db.engine.begin() as connection:
        connection.execute(insert(Try).values(**row, moment=utcnow()))


class ErrandProcess(Process):
    text = jsonstore.StringField("Text", max_length=100)
    approved = jsonstore.BooleanField("Approved", default=False)
    #: the attempt whose result counted
    done_by = jsonstore.IntegerField()


class ParcelFlow(flow.Flow):
    """Parcel"""

    start = flow.StartHandle().Next(this.travel)
    travel = flow.Timer(lambda activation: dt.timedelta(seconds=random.uniform(0, 2))).Next(this.arrive)
    arrive = flow.Function(mark).Next(this.end)
    end = flow.End()


class ErrandFlow(flow.Flow):
    """Errand"""

    process_class = ErrandProcess

    start = flow.Start(views.CreateProcessView.as_view(fields=["text"])).Next(this.split)
    split = flow.Split().Next(this.check).Next(this.wait).Next(this.work).Next(this.parcel)
    check = (
        flow.View(views.UpdateProcessView.as_view(fields=["approved"]))
        .Permission(auto_create=True)
        .OnTimeout(dt.timedelta(seconds=5), this.remind, interrupting=False)
        .Next(this.checked)
    )
    remind = flow.Function(mark).Next(this.reminded)
    reminded = flow.End()
    checked = flow.Function(mark).Next(this.join)
    wait = flow.Timer(lambda activation: dt.timedelta(seconds=random.uniform(0, 3))).Next(this.waited)
    waited = flow.Function(mark).Next(this.join)
    work = flow.Job(this.do_it, retries=50, backoff=dt.timedelta(seconds=0.2)).Next(this.worked)
    worked = flow.Function(mark).Next(this.join)
    parcel = flow.Subprocess(ParcelFlow.start).Next(this.join)
    join = flow.Join().Next(this.joined)
    joined = flow.Function(mark).Next(this.sign)
    sign = flow.ManualTask().Permission(auto_create=True).Next(this.end)
    end = flow.End()

    def do_it(self, activation: Any) -> None:
        note(activation, began=True)
        time.sleep(random.choice(DURATIONS))
        if random.random() < 0.1:
            raise RuntimeError("a job may fail")
        activation.process.done_by = activation.attempt
        note(activation, began=False)


breaks.apply(os.environ.get("CHAOS_BREAK", ""))
