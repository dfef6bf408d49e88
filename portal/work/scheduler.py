"""The clock of a process: threads that ask the engine what is due."""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from portal.engine import clock, rounds, transaction
from portal.engine.disturbances import disturbance, report
from portal.models import db

from .keeper import Keeper
from .loop import Loop

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


class Scheduler:
    """Turns the engine's clock. The rows are the truth: any number of schedulers may run, or none."""

    def __init__(self, app: Flask, executor: Executor, settings: Config) -> None:
        self.app, self.executor, self.grace = app, executor, settings.grace
        self._keeper = Keeper(app, "web", executor.held)
        self._dispatch = Loop(self.dispatch, "dispatch", INTERVAL)
        self._rounds = Loop(self.rounds, "rounds", INTERVAL)
        self._sender = app.extensions["portal_sender"]
        self._starting, self._runs = threading.Lock(), False
        #: when each part of the rounds was last done
        self._looked: dict[Callable[[Session], int], float] = {}
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
            for each in (self._keeper, self._dispatch, self._rounds, self._sender):
                each.start()
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
            ended = [self.executor.stop(_left(until))]  # while the keeper goes on: what runs keeps its lease
            ended += [loop.join(_left(until)) for loop in (self._dispatch, self._rounds)]
            self._keeper.stop()
            ended.append(self._sender.stop(_left(until)))
            self._runs = False
            atexit.unregister(self.stop)
            return all(ended)

    def claim_no_more(self) -> None:
        """Begin nothing new; what runs goes on."""
        for loop in (self._dispatch, self._rounds):
            loop.stop()

    def wake(self) -> None:
        """There may be work: look at once."""
        self._dispatch.wake()
        self._rounds.wake()

    # -- timers and jobs -----------------------------------------------------------------------------------

    def dispatch(self) -> None:
        """Fire timers that are due and hand jobs to the executor, until there are none."""
        with self.app.app_context():
            while self._fire() + self._submit() and not self._dispatch.stopping:
                pass

    def _fire(self) -> int:
        """Claim timers and fire each in its own transaction. The number claimed."""
        claimed = clock.claim_due(db.session(), clock.now(), BATCH)
        for position, each in enumerate(claimed):
            late = each.until is not None and clock.now() >= each.until
            if late or self._dispatch.stopping:
                clock.release(db.session(), claimed[position:])
                break
            clock.fire_claimed(db.session(), each)
        return len(claimed)

    def _submit(self) -> int:
        """Claim as many jobs as the executor has room for, and hand them over. The number taken."""
        room = self.executor.room()
        if room <= 0 or self._dispatch.stopping:
            return 0
        claimed = clock.claim_due(
            db.session(), clock.now(), min(room, BATCH), works=True, lease=self.executor.patience
        )
        taken, left = 0, []
        for each in claimed:
            try:
                accepted = self.executor.submit(each.task_id)
            except Exception as error:
                report(log, error, "job of task %s could not be handed over", each.task_id)
                clock.put_off(db.session(), each.task_id, error)
                continue
            taken += accepted
            if not accepted:
                left.append(each)
        clock.release(db.session(), left)
        return taken

    # -- the rest ------------------------------------------------------------------------------------------

    def rounds(self) -> None:
        """What comes round: each part on its own, so that one that fails keeps no other waiting.

        What has done something is asked again at once, after the others: there may be more.

        Raises:
            Exception: what the database refused in one of them.
        """
        again, trouble = True, None
        with self.app.app_context():
            while again and trouble is None:
                again = False
                for call, seconds in rounds.ROUNDS:
                    if self._rounds.stopping:
                        return
                    now = time.monotonic()
                    if now - self._looked.get(call, -seconds) < seconds * 0.9:
                        continue
                    self._looked[call] = now
                    try:
                        if call(db.session()):
                            del self._looked[call]
                            again = True
                    except Exception as error:
                        db.session.rollback()
                        if disturbance(error) is None:
                            log.exception("%s failed; it is tried again", call.__module__)
                        else:
                            trouble = error
            if trouble is not None:
                raise trouble


def _left(until: float) -> float:
    return max(0.0, until - time.monotonic())
