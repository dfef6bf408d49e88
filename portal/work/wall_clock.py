"""APScheduler as turns need it. Who schedules nothing does not import it."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

#: seconds by which the wall clock may fall behind the monotonic one before it has been set back
TOLERANCE = 1.0

#: APScheduler's own words about each run are of no use to an operator; its errors are
_quiet = logging.getLogger("portal.work.apscheduler")
_quiet.setLevel(logging.ERROR)


class After(BaseTrigger):  # type: ignore[misc]
    """So many seconds after the last run. Missed runs are not counted, however far the clock is set forward."""

    def __init__(self, seconds: float) -> None:
        self.span = dt.timedelta(seconds=seconds)

    def get_next_fire_time(self, _previous: dt.datetime | None, now: dt.datetime) -> dt.datetime:
        return now + self.span


class WallClockScheduler(BackgroundScheduler):  # type: ignore[misc]
    """APScheduler plans by the wall clock. Where that is set back, the next runs would be hours away: they are planned
    anew.

    Args:
        replan: called in the scheduler's thread each time before it looks for what to run. A run can end while the
            scheduler still plans the next one, so that nobody else may change its plan.
        taken: called with APScheduler's event when a run has ended and the next one can be planned.
        threads: their names.
    """

    def __init__(
        self, replan: Callable[[], None], taken: Callable[[Any], None], threads: Iterable[str]
    ) -> None:
        super().__init__(
            timezone=dt.UTC,
            logger=_quiet,
            executors={
                name: ThreadPoolExecutor(1, {"thread_name_prefix": f"portal-{name}"}) for name in threads
            },
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self.add_listener(taken, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
        self._replan = replan
        self._offset = _offset()

    def repeat(
        self, name: str, call: Callable[[Any], None], argument: object, seconds: float, thread: str
    ) -> None:
        """Call now, and again so many seconds after each time, in a thread of those named."""
        self.add_job(
            call, After(seconds), (argument,), id=name, executor=thread,
            next_run_time=dt.datetime.now(dt.UTC),
        )  # fmt: skip

    def _process_jobs(self) -> Any:
        offset = _offset()
        if offset < self._offset - TOLERANCE:
            now = dt.datetime.now(dt.UTC)
            for job in self.get_jobs():
                job.modify(next_run_time=now)
        self._offset = offset
        self._replan()
        return super()._process_jobs()


def _offset() -> float:
    return time.time() - time.monotonic()
