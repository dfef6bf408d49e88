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

from .site import Machine, Site

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
    WEIGHTS = {"web process": 4, "web": 2, "worker": 5, "pause": 4, "database": 1}

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
        if what == "web process":
            children = self.random.choice(self.site.webs).children()
            if children:
                _kill(self.random.choice(children))
        elif what == "pause":
            thread = threading.Thread(
                target=self._pause, args=(self.random.choice(self.site.workers), self.random.uniform(*PAUSE))
            )
            thread.start()
            self._pausing.append(thread)
        else:
            machines = {"web": self.site.webs, "worker": self.site.workers, "database": [self.site.database]}
            _kill(self.random.choice(machines[what]).pid)

    def _pause(self, machine: Machine, seconds: float) -> None:
        pid = machine.pid
        began = utcnow()
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            time.sleep(seconds)
            os.kill(pid, signal.SIGCONT)
        self.pauses.append(Pause(pid, began, utcnow()))


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
