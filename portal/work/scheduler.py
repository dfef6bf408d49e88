"""The clock in the web process: an APScheduler thread that asks the engine what is due."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from typing import TYPE_CHECKING

from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

from portal.engine import clock, jobs, transaction
from portal.models import db

from .local import LocalExecutor

if TYPE_CHECKING:
    from flask import Flask

log = logging.getLogger("portal.work")

#: seconds between two looks; a commit that leaves work wakes the clock at once
INTERVAL = 0.5
#: between two signs of life of the jobs that run here; well below the lease
BEAT = dt.timedelta(seconds=15)


class Scheduler:
    """Turns the engine's clock. The rows are the truth: any number of schedulers may run, or none."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.executor = LocalExecutor(app)
        self._scheduler: BackgroundScheduler | None = None
        self._starting = threading.Lock()
        self._beat = dt.datetime.min.replace(tzinfo=dt.UTC)
        if app.extensions["portal"].scheduler and not app.testing:
            app.before_request(self.start)

    def start(self) -> None:
        """Start the thread, once."""
        with self._starting:
            if self._scheduler is not None:
                return
            self._scheduler = BackgroundScheduler(timezone=dt.UTC, daemon=True)
            self._scheduler.add_job(
                self.tick, "interval", seconds=INTERVAL, id="tick", coalesce=True, max_instances=1,
                misfire_grace_time=None, next_run_time=dt.datetime.now(dt.UTC),
            )  # fmt: skip
            logging.getLogger("apscheduler").setLevel(logging.ERROR)
            self._scheduler.start()
            self._sleep = transaction.on_commit(self.wake)
            self.app.extensions["portal_sender"].start()

    def stop(self) -> None:
        """Stop looking, and wait for the jobs that run."""
        with self._starting:
            if self._scheduler is not None:
                self._sleep()
                self._scheduler.shutdown()
                self._scheduler = None
                self.app.extensions["portal_sender"].stop()
        self.executor.stop()

    def wake(self) -> None:
        if self._scheduler is not None:
            try:
                self._scheduler.modify_job("tick", next_run_time=dt.datetime.now(dt.UTC))
            except JobLookupError:
                log.debug("the clock has just stopped")

    def tick(self) -> None:
        """Fire what is due, and hand jobs to the executor."""
        with self.app.app_context():
            try:
                self._look_after(self.executor.held())
                jobs.reclaim(db.session())
                clock.turn(db.session())
                for each in clock.due(db.session(), clock.now()):
                    self._turn_to(each)
            except Exception:
                log.exception("the clock could not look for what is due; it tries again")

    def _look_after(self, held: list[jobs.Claim]) -> None:
        """Beat now and then for the jobs that run here, and end those that take too long."""
        moment = clock.now()
        for claimed in held:
            jobs.expire(db.session(), claimed)
        if held and moment - self._beat >= BEAT:
            self._beat = moment
            jobs.heartbeat(db.session(), held)

    def _turn_to(self, each: clock.Due) -> None:
        if each.works:
            self.executor.submit(each.task_id)
            return
        try:
            clock.fire(db.session(), each.task_id)
        except Exception:
            log.exception("timer of task %s could not fire; it tries again", each.task_id)
