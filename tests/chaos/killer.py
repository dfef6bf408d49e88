"""Ends processes at random instants, and pauses others past their lease."""

from __future__ import annotations

import datetime as dt
import os
import random
import signal
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass

from portal.models import utcnow

from .site import Site

#: seconds that a process is paused: mostly longer than the lease of its jobs
PAUSE = (5.0, 12.0)


@dataclass(frozen=True)
class Pause:
    """While a process was stopped it could not keep its leases: only then may it be late."""

    pid: int
    began: dt.datetime
    ended: dt.datetime


class Killer:
    """Everything it does comes from one seed, but for the instants at which processes die of it."""

    #: how often each is chosen
    WEIGHTS = {
        "web process": 4, "web": 2, "worker": 4, "celery process": 3, "celery": 1, "pause": 4,
        "broker": 1, "database": 1,
    }  # fmt: skip

    def __init__(self, site: Site, seed: str, broken: str = "") -> None:
        self.site = site
        self.random = random.Random(seed)
        # Only who is paused can be late, and only then a fence is needed.
        self.weights = {"pause": 1} if broken == "fence" else self.WEIGHTS
        self.kills: Counter[str] = Counter()
        self.pauses: list[Pause] = []
        self._pausing: list[threading.Thread] = []

    def run(self, seconds: float, kills: int) -> None:
        moments = sorted(self.random.uniform(0, seconds) for _ in range(kills))
        began = time.monotonic()
        for moment in moments:
            time.sleep(max(0.0, began + moment - time.monotonic()))
            self._strike()
        time.sleep(max(0.0, began + seconds - time.monotonic()))
        for thread in self._pausing:
            thread.join()

    def _strike(self) -> None:
        what = self.random.choices(list(self.weights), list(self.weights.values()))[0]
        self.kills[what] += 1
        pid = self._chosen(what)
        if pid is None:
            return
        if what == "pause":
            thread = threading.Thread(target=self._pause, args=(pid, self.random.uniform(*PAUSE)))
            thread.start()
            self._pausing.append(thread)
        else:
            _kill(pid)

    def _chosen(self, what: str) -> int | None:
        """The process of the system that is struck. None if a machine has none at the moment."""
        site = self.site
        if what == "pause":
            return self.random.choice([*(worker.pid for worker in site.workers), *site.celery.children()])
        if what.endswith(" process"):
            machine = site.celery if what.startswith("celery") else self.random.choice(site.webs)
            children = machine.children()
            return self.random.choice(children) if children else None
        machines = {
            "web": site.webs, "worker": site.workers, "celery": [site.celery], "broker": [site.broker],
            "database": [site.database],
        }  # fmt: skip
        return self.random.choice(machines[what]).pid

    def _pause(self, pid: int, seconds: float) -> None:
        began = utcnow()
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            time.sleep(seconds)
            os.kill(pid, signal.SIGCONT)
        self.pauses.append(Pause(pid, began, utcnow()))


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
