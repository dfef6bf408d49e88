"""Ends processes at random instants, and pauses others past their lease."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from contextlib import suppress

from .site import Machine, Site

#: seconds that a process is paused: longer than the lease of its jobs
PAUSE = 6.0


class Killer:
    """Everything it does comes from one seed, but for the instants at which processes die of it."""

    def __init__(self, site: Site, seed: str) -> None:
        self.site = site
        self.random = random.Random(seed)
        self.kills: Counter[str] = Counter()
        #: processes that were paused: these may be late, and only these
        self.paused: set[int] = set()
        self._pauses: list[threading.Thread] = []

    def run(self, seconds: float, kills: int) -> None:
        moments = sorted(self.random.uniform(0, seconds) for _ in range(kills))
        began = time.monotonic()
        for moment in moments:
            time.sleep(max(0.0, began + moment - time.monotonic()))
            self._strike()
        time.sleep(max(0.0, began + seconds - time.monotonic()))
        for pause in self._pauses:
            pause.join()

    def _strike(self) -> None:
        what = self.random.choices(("web process", "web", "worker", "pause", "database"), (4, 2, 5, 4, 1))[0]
        self.kills[what] += 1
        if what == "web process":
            children = self.random.choice(self.site.webs).children()
            if children:
                _kill(self.random.choice(children))
        elif what == "pause":
            thread = threading.Thread(target=self._pause, args=(self.random.choice(self.site.workers),))
            thread.start()
            self._pauses.append(thread)
        else:
            machines = {"web": self.site.webs, "worker": self.site.workers, "database": [self.site.database]}
            _kill(self.random.choice(machines[what]).pid)

    def _pause(self, machine: Machine) -> None:
        pid = machine.pid
        self.paused.add(pid)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            time.sleep(PAUSE)
            os.kill(pid, signal.SIGCONT)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
