"""Ends processes at random instants, pauses others past their lease, and asks some to stop as an admin would."""

from __future__ import annotations

import datetime as dt
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from sqlalchemy import NullPool, create_engine, func, select

from portal.models import utcnow

from .ledger import Try
from .site import Machine, Site, alive, until

#: seconds for which something is paused: mostly longer than the lease of its jobs
PAUSE = (5.0, 12.0)
#: seconds in which another worker sees that a lease is over, and begins
TAKEN_OVER = 30
#: processes with a job that has begun and not ended, and has been left in peace for a while
AT_WORK = (
    select(Try.pid, Try.task_id, Try.attempt)
    .group_by(Try.task_id, Try.attempt, Try.pid)
    .having(func.count() == 1, func.max(Try.moment) < func.now() - dt.timedelta(seconds=2))
    .order_by(func.max(Try.id).desc())
)


class Killer:
    """Everything it does comes from one seed, but for the instants at which processes die of it."""

    #: how often each is killed
    KILLS = {
        "web process": 4, "web": 2, "worker": 4, "celery process": 3, "celery": 1, "broker": 1,
        "database": 1, "database process": 1,
    }  # fmt: skip
    #: how often each is paused, beside the kills: one pause to three kills
    PAUSES = {"worker": 4, "celery process": 3, "web process": 3, "broker": 1, "database": 1}
    #: how often each is asked to stop, or to begin afresh: once in ten kills
    STOPS = {"worker": 2, "celery": 1, "web": 1}

    def __init__(self, site: Site, seed: str, broken: str = "") -> None:
        self.site = site
        self.random = random.Random(seed)
        self.broken = broken
        self.done = {"killed": Counter[str](), "paused": Counter[str](), "stopped": Counter[str]()}
        #: what was done, and when
        self.strikes: list[tuple[dt.datetime, str]] = []
        self._pausing: list[threading.Thread] = []

    def run(self, seconds: float, kills: int) -> None:
        """Kill so many processes within this time; where one has to be brought back first, a little later."""
        began = time.monotonic()
        for moment, strike in self._plan(seconds, kills):
            time.sleep(max(0.0, began + moment - time.monotonic()))
            # in a broken run one strike may take as long as another worker needs to take over
            if not self.broken or time.monotonic() < began + seconds:
                strike()
        time.sleep(max(0.0, began + seconds - time.monotonic()))
        for thread in self._pausing:
            thread.join()

    def _plan(self, seconds: float, kills: int) -> list[tuple[float, Callable[[], None]]]:
        """When to do what."""
        numbers: dict[Callable[[], None], int] = {
            self._kill: kills, self._pause: kills // 3, self._stop: kills // 10,
        }  # fmt: skip
        if self.broken == "fence":
            numbers = {self._pause_who_works: kills}
        plan = [
            (self.random.uniform(0, seconds), do) for do, number in numbers.items() for _ in range(number)
        ]
        return sorted(plan, key=lambda each: each[0])

    def _kill(self) -> None:
        what, (pid, *_) = self._chosen(self.KILLS)
        self._note("killed", what, pid)
        _send(signal.SIGKILL, pid)

    def _stop(self) -> None:
        what, (pid, *_) = self._chosen(self.STOPS)
        self._note("stopped", what, pid)
        _send(signal.SIGHUP if what == "web" else signal.SIGTERM, pid)

    def _pause(self) -> None:
        thread = threading.Thread(
            target=self._hold, args=(*self._chosen(self.PAUSES), self.random.uniform(*PAUSE))
        )
        thread.start()
        self._pausing.append(thread)

    def _pause_who_works(self) -> None:
        """Until another one has taken over: who is late then needs a fence."""
        with create_engine(self.site.url, poolclass=NullPool).connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            at_work = [each for each in connection.execute(AT_WORK) if alive(each.pid)]
            if not at_work:
                return
            pid, task, attempt = at_work[0]
            following = select(Try.id).where(Try.task_id == task, Try.attempt > attempt)
            self._note("paused", "at work", pid)
            _send(signal.SIGSTOP, pid)
            with suppress(TimeoutError):
                until(lambda: connection.scalar(following), TAKEN_OVER, "another one takes over")
            _send(signal.SIGCONT, pid)

    def _hold(self, what: str, pids: list[int], seconds: float) -> None:
        self._note("paused", what, *pids, seconds=seconds)
        _send(signal.SIGSTOP, *pids)
        time.sleep(seconds)
        _send(signal.SIGCONT, *pids)

    def _chosen(self, weights: dict[str, int]) -> tuple[str, list[int]]:
        """Something that is alive, and its processes of the system."""
        while True:
            what = self.random.choices(list(weights), list(weights.values()))[0]
            if pids := [pid for pid in self._pids(what) if alive(pid)]:
                return what, pids
            time.sleep(0.1)  # it is just being brought back

    def _pids(self, what: str) -> list[int]:
        site = self.site
        name, _, process = what.partition(" ")
        machines: dict[str, list[Machine]] = {
            "web": site.webs, "worker": site.workers, "celery": [site.celery], "broker": [site.broker],
            "database": [site.database],
        }  # fmt: skip
        machine = self.random.choice(machines[name])
        children = machine.children()
        if process:
            return [self.random.choice(children)] if children else []
        return [machine.pid, *children] if what == "database" else [machine.pid]

    def _note(self, how: str, what: str, *pids: int, seconds: float = 0) -> None:
        self.done[how][what] += 1
        words = f"{what} {how}: {', '.join(map(str, pids))}" + (f" for {seconds:.1f} s" if seconds else "")
        self.strikes.append((utcnow(), words))
        with suppress(OSError), Path(self.site.folder / "strikes.log").open("a") as log:
            log.write(f"{utcnow():%H:%M:%S.%f} {words}\n")


def _send(number: signal.Signals, *pids: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
