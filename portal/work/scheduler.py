"""The scheduler of a process: it runs timers, jobs, schedules and maintenance when they are due."""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from portal.engine import transaction
from portal.engine.queue import due, maintenance, timers
from portal.models import db

from . import operations
from .heartbeat import Heartbeat
from .turns import Turns

if TYPE_CHECKING:
    from flask import Flask
    from sqlalchemy.orm import Session

    from portal.config import Config

    from .executor import Executor

log = logging.getLogger("portal.work")

#: seconds between two looks at what falls due next: so soon is seen what another process has left
LOOK = 1.0
#: seconds after which everything is done once, whether the look has said so or not
AT_LATEST = 60.0
#: timers claimed at a time: few, so that several dispatchers share them and none holds them long
BATCH = 20


class Scheduler:
    """Turns the engine's clock. The rows are the truth: any number of schedulers may run, or none.

    Its look asks in one statement when the first row of each kind falls due, and plans the turns that do the work.
    A commit in this process that leaves work makes it look at once.
    """

    def __init__(self, app: Flask, executor: Executor, settings: Config) -> None:
        self.app, self.executor, self.grace = app, executor, settings.grace
        self.turns = Turns(app)
        self._sender = app.extensions["portal_sender"]
        self._keeper = Heartbeat(app, "web", executor.held)
        self._starting, self._runs = threading.Lock(), False
        self._keeper.join(self.turns)
        self.turns.add("look", self.look, LOOK)
        self.turns.add("timers", self._fire, AT_LATEST, thread="dispatch")
        self.turns.add("jobs", self._submit, AT_LATEST, thread="dispatch")
        for name, call in maintenance.ROUNDS.items():
            self.turns.add(name, partial(_with_session, call), AT_LATEST, thread="rounds")
        for name, (sweep, seconds) in maintenance.SWEEPS.items():
            self.turns.add(name, partial(_with_session, sweep), seconds, thread="rounds")
        self.turns.add("operations", self._operate, AT_LATEST)
        self._sender.join(self.turns)
        if settings.scheduler and not app.testing:
            app.before_request(self.start)

    def start(self, kind: str = "web") -> None:
        """Start the threads, once.

        Args:
            kind: of process that this is, for who watches: web or worker.
        """
        with self._starting:
            if self._runs:
                return
            self._runs, self._keeper.kind = True, kind
            self.executor.start()
            self.turns.start()
            self._sleep = transaction.on_commit(self.wake)
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
            if not self._runs:
                return True
            self._sleep()
            self.claim_no_more()
            # Meanwhile the keeper goes on: what runs keeps its lease.
            ended = [self.executor.stop(_left(until)), self.turns.stop(*self._claiming, timeout=_left(until))]
            ended.append(self._sender.wait(_left(until)))
            self._keeper.leave(self.turns)
            self.turns.close()
            self._runs = False
            atexit.unregister(self.stop)
            return all(ended)

    def claim_no_more(self) -> None:
        """Begin nothing new; what runs goes on."""
        self.turns.stop(*self._claiming, timeout=0)

    @property
    def _claiming(self) -> list[str]:
        return [name for name in self.turns.names if name != self._keeper.NAME]

    def wake(self) -> None:
        """There may be work: look at once."""
        self.turns.wake("look")

    def look(self) -> None:
        """Plan each turn for the moment in which its first row falls due."""
        for name, moment in due.first_moments(db.session()).items():
            if name != "jobs" or self.executor.room() > 0:  # a job that ends here makes us look again
                self.turns.plan(name, moment)

    # -- timers and jobs -----------------------------------------------------------------------------------

    def _fire(self) -> int:
        """Claim timers and fire them. The number claimed."""
        claimed = timers.claim_due(db.session(), timers.now(), BATCH)
        timers.fire_all(db.session(), claimed, lambda: self.turns.is_stopping("timers"))
        return len(claimed)

    def _operate(self) -> int:
        """Turn to an operation that is due."""
        return operations.turn(db.session(), lambda: self.turns.is_stopping("operations"))

    def _submit(self) -> int:
        """Claim as many jobs as the executor has room for, and hand them over. The number taken."""
        room = self.executor.room()
        if room <= 0 or self.turns.is_stopping("jobs"):
            return 0
        claimed = timers.claim_due(
            db.session(), timers.now(), min(room, BATCH), works=True, lease=self.executor.resend_after
        )
        taken, left = self.executor.submit(claimed)
        timers.release(db.session(), left)
        return taken


def _with_session(call: Callable[[Session], object]) -> object:
    return call(db.session())


def _left(until: float) -> float:
    return max(0.0, until - time.monotonic())
