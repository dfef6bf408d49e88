"""Writes the heartbeat of a process, keeps the leases of its jobs, and ends those that take too long."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from portal.engine.queue import heartbeats, jobs, timers
from portal.engine.retries import report
from portal.models import db

from .turns import Turns

if TYPE_CHECKING:
    from flask import Flask

log = logging.getLogger("portal.work")

#: seconds between two looks
WATCH = 1.0


class Heartbeat:
    """A turn beside the threads that do the jobs.

    Args:
        kind: of process that this is, for who watches: web, worker or celery.
        held: the claims of the jobs that run here now.
    """

    def __init__(self, app: Flask, kind: str, held: Callable[[], list[jobs.Claim]]) -> None:
        self.app, self.kind, self.held = app, kind, held
        self._beat: float | None = None
        self._row: int | None = None

    #: the name of its turn
    NAME = "heartbeat"

    def join(self, turns: Turns) -> None:
        """Take a turn among those of this process."""
        turns.add(self.NAME, self.turn, WATCH)

    def leave(self, turns: Turns, timeout: float = WATCH) -> None:
        """This process ends: its row among the workers goes."""
        if turns.stop(self.NAME, timeout=timeout) and self._row is not None:
            with self.app.app_context():
                try:
                    heartbeats.leave(db.session(), self._row)
                except Exception as error:
                    report(log, error, "the row of this worker could not be removed")
            self._row = self._beat = None

    def turn(self) -> None:
        """One look."""
        with self.app.app_context():
            session, held, now = db.session(), self.held(), time.monotonic()
            if self._beat is None or now - self._beat >= heartbeats.BEAT.total_seconds():
                jobs.heartbeat(session, held)
                lost = sum(each.deadline < timers.now() for each in held)
                self._row = heartbeats.beat(session, self._row, self.kind, len(held), lost)
                self._beat = now
            for claimed in held:
                try:
                    if jobs.expire(session, claimed):
                        log.warning("job of task %s took too long, and is given up", claimed.task_id)
                except Exception as error:
                    words = "job of task %s takes too long, and could not be ended"
                    report(log, error, words, claimed.task_id)
