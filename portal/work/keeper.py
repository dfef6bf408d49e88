"""Keeps the leases of jobs that run in a Celery worker, and ends those that take too long."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from portal.engine import jobs, workers
from portal.models import db

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

log = logging.getLogger("portal.work")

#: seconds between two looks
WATCH = 1.0


class Keeper:
    """A thread of a process that does jobs. It starts with the first job, or when it is told to."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self._lock = threading.Lock()
        self._held: list[jobs.Claim] = []
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._row: int | None = None

    @contextmanager
    def keeping(self, claimed: jobs.Claim) -> Iterator[None]:
        """Keep this claim alive during the block."""
        self.start()
        with self._lock:
            self._held.append(claimed)
        try:
            yield
        finally:
            with self._lock:
                self._held.remove(claimed)

    def start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._stopping.clear()
                self._thread = threading.Thread(target=self._watch, name="portal-keeper", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """This process ends: its row among the workers goes."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(WATCH)
        with self.app.app_context():
            if self._row is not None:
                _guarded("the row of this worker could not be removed", workers.leave, self._row)

    def _watch(self) -> None:
        beat = time.monotonic() - workers.BEAT.total_seconds()
        while True:
            with self._lock:
                held = list(self._held)
            with self.app.app_context():
                for claimed in held:
                    _guarded("a job that takes too long could not be ended", jobs.expire, claimed)
                if time.monotonic() - beat >= workers.BEAT.total_seconds():
                    beat = time.monotonic()
                    _guarded("the jobs that run here could not be kept", jobs.heartbeat, held)
                    row = _guarded("this worker could not say that it lives", self._say, len(held))
                    self._row = row or self._row
            if self._stopping.wait(WATCH):
                return

    def _say(self, session: Any, held: int) -> int:
        return workers.beat(session, self._row, "celery", held)


def _guarded(trouble: str, call: Callable[..., Any], *args: Any) -> Any:
    try:
        return call(db.session(), *args)
    except Exception:
        log.exception(trouble)
        return None
