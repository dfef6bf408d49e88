"""The executor `local`: jobs run in threads of this process."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from portal.engine import jobs
from portal.models import db

if TYPE_CHECKING:
    from flask import Flask

log = logging.getLogger("portal.work")

#: jobs that run at a time
THREADS = 4


class LocalExecutor:
    """Takes no more jobs than it has threads, so that other processes can take the rest."""

    def __init__(self, app: Flask, threads: int = THREADS) -> None:
        self.app = app
        self.threads = threads
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        #: task ids, with the claim once there is one
        self._held: dict[int, jobs.Claim | None] = {}

    def submit(self, task_id: int) -> bool:
        """Run a due job in a thread. False if it is on its way already, or every thread is busy."""
        with self._lock:
            if task_id in self._held or len(self._held) >= self.threads:
                return False
            self._held[task_id] = None
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="portal-job")
        self._pool.submit(self._run, task_id)
        return True

    def held(self) -> list[jobs.Claim]:
        """The claimed jobs that run here."""
        with self._lock:
            return [claimed for claimed in self._held.values() if claimed is not None]

    def stop(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True)
            self._pool = None

    def _run(self, task_id: int) -> None:
        try:
            with self.app.app_context():
                claimed = jobs.claim(db.session(), task_id)
                if claimed is not None:
                    self._held[task_id] = claimed
                    jobs.perform(db.session(), claimed)
        except Exception:
            log.exception("job of task %s could not be completed; it is tried again", task_id)
        finally:
            with self._lock:
                self._held.pop(task_id, None)
