"""The clock of a process: APScheduler's threads ask the engine what is due."""

from __future__ import annotations

import atexit
import datetime as dt
import logging
import math
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from portal.engine import clock, jobs, rounds, transaction, workers
from portal.models import db

if TYPE_CHECKING:
    from flask import Flask
    from sqlalchemy.orm import Session

    from portal.config import Config

    from .executor import Executor

log = logging.getLogger("portal.work")

#: seconds between two looks; a commit that leaves work wakes the clock at once
INTERVAL = 0.5
#: timers claimed at a time: few, so that several dispatchers share them and none holds them long
BATCH = 20
#: seconds between two looks at the jobs that run here
WATCH = 1.0


class Every(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """Counts from now, where the library's own interval lists every look that was missed: a clock that is set
    forward by years would fill the memory.

    Args:
        seconds: between two looks.
    """

    def __init__(self, seconds: float) -> None:
        self.interval = dt.timedelta(seconds=seconds)

    def get_next_fire_time(self, _previous: dt.datetime | None, now: dt.datetime) -> dt.datetime:
        return now + self.interval


class Scheduler:
    """Turns the engine's clock. The rows are the truth: any number of schedulers may run, or none."""

    def __init__(self, app: Flask, executor: Executor, settings: Config) -> None:
        self.app = app
        self.executor = executor
        self.grace = settings.grace
        self._scheduler: BackgroundScheduler | None = None
        self._starting = threading.Lock()
        self._stopping = threading.Event()
        self._woken = threading.Event()
        #: held by what is under way, so that a stop can wait for it
        self._dispatching, self._rounding, self._watching = (threading.Lock() for _ in range(3))
        self._looked: dict[Callable[..., int], float] = {}
        #: when this process last said that it lives, and the row in which it does
        self._kind, self._beat = "web", -math.inf
        self._row: int | None = None
        if settings.scheduler and not app.testing:
            app.before_request(self.start)

    def start(self, kind: str = "web") -> None:
        """Start the threads, once.

        Args:
            kind: of process that this is, for who watches: web or worker.
        """
        with self._starting:
            if self._scheduler is not None:
                return
            self._stopping.clear()
            self._kind, self._beat = kind, -math.inf
            self.executor.start()
            self._scheduler = BackgroundScheduler(timezone=dt.UTC, daemon=True)
            for name, call, seconds in (
                ("dispatch", self.dispatch, INTERVAL),
                ("rounds", self.rounds, INTERVAL),
                ("watch", self.watch, WATCH),
            ):
                self._scheduler.add_job(
                    call, Every(seconds), id=name, max_instances=1, misfire_grace_time=None,
                    next_run_time=dt.datetime.now(dt.UTC),
                )  # fmt: skip
            logging.getLogger("apscheduler").setLevel(logging.ERROR)
            self._scheduler.start()
            self._sleep = transaction.on_commit(self.wake)
            self.app.extensions["portal_sender"].start()
            atexit.register(self.stop)

    def stop(self, grace: float | None = None) -> bool:
        """Claim no more, finish what runs, and hand back what is not done in time.

        Args:
            grace: seconds; `PORTAL_GRACE` otherwise.

        Returns:
            True if everything has ended; False if a thread still runs whose result no longer counts.
        """
        until = time.monotonic() + (self.grace if grace is None else grace)
        with self._starting:
            if self._scheduler is None:
                return True
            self._stopping.set()
            self._sleep()
            ended = self.executor.stop(_left(until))  # while `watch` goes on: what runs keeps its lease
            for under_way in (self._dispatching, self._rounding):
                free = under_way.acquire(timeout=_left(until))
                ended = ended and free
                if free:
                    under_way.release()
            self._scheduler.shutdown(wait=False)
            self._scheduler = None
            with self._watching, self.app.app_context():
                if self._row is not None:
                    _guarded("the row of this worker could not be removed", workers.leave, self._row)
                    self._row = None
            ended = self.app.extensions["portal_sender"].stop(_left(until)) and ended
            atexit.unregister(self.stop)
            return ended

    def wake(self) -> None:
        self._woken.set()
        if self._scheduler is not None:
            try:
                for name in ("dispatch", "rounds"):
                    self._scheduler.modify_job(name, next_run_time=dt.datetime.now(dt.UTC))
            except JobLookupError:
                log.debug("the clock has just stopped")

    # -- timers and jobs -----------------------------------------------------------------------------------

    def dispatch(self) -> None:
        """Fire timers that are due and hand jobs to the executor, until there are none."""
        with self._dispatching, self.app.app_context():
            try:
                again = True
                while again and not self._stopping.is_set():
                    self._woken.clear()
                    again = bool(self._fire() + self._submit()) or self._woken.is_set()
            except Exception:
                log.exception("the clock could not look for what is due; it tries again")

    def _fire(self) -> int:
        """Claim timers and fire each in its own transaction. The number claimed."""
        claimed = clock.claim_due(db.session(), clock.now(), BATCH)
        for position, each in enumerate(claimed):
            late = each.until is not None and clock.now() >= each.until
            if late or self._stopping.is_set():
                clock.release(db.session(), claimed[position:])
                break
            clock.fire_claimed(db.session(), each)
        return len(claimed)

    def _submit(self) -> int:
        """Claim as many jobs as the executor has room for, and hand them over. The number taken."""
        room = self.executor.room()
        if room <= 0:
            return 0
        patience = self.executor.patience
        claimed = clock.claim_due(db.session(), clock.now(), min(room, BATCH), works=True, lease=patience)
        taken, left = 0, []
        for each in claimed:
            try:
                accepted = self.executor.submit(each.task_id)
            except Exception as error:
                log.exception("job of task %s could not be handed over", each.task_id)
                clock.put_off(db.session(), each.task_id, error)
                continue
            taken += accepted
            if not accepted:
                left.append(each)
        clock.release(db.session(), left)
        return taken

    # -- the rest ------------------------------------------------------------------------------------------

    def rounds(self) -> None:
        """What comes round: each part on its own, so that one that fails keeps no other waiting."""
        with self._rounding, self.app.app_context():
            for call, seconds in rounds.ROUNDS:
                now = time.monotonic()
                if self._stopping.is_set() or now - self._looked.get(call, -seconds) < seconds * 0.9:
                    continue
                self._looked[call] = now
                try:
                    call(db.session())
                except Exception:
                    log.exception("%s failed; it is tried again", call.__module__)

    def watch(self) -> None:
        """Say that this process lives, keep the leases of its jobs, and end those that take too long."""
        with self._watching, self.app.app_context():
            if self._scheduler is None:
                return  # it has just stopped
            held = self.executor.held()
            for claimed in held:
                _guarded("a job that takes too long could not be ended", jobs.expire, claimed)
            if time.monotonic() - self._beat >= workers.BEAT.total_seconds():
                self._beat = time.monotonic()
                _guarded("the jobs that run here could not be kept", jobs.heartbeat, held)
                _guarded("this worker could not say that it lives", self._say, len(held))

    def _say(self, session: Session, held: int) -> None:
        self._row = workers.beat(session, self._row, self._kind, held)


def _left(until: float) -> float:
    return max(0.0, until - time.monotonic())


def _guarded(trouble: str, call: Callable[..., Any], *args: Any) -> None:
    try:
        call(db.session(), *args)
    except Exception:
        log.exception(trouble)
