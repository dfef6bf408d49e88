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
        #: task ids, with the attempt once the job is claimed
        self._held: dict[int, int | None] = {}

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

    def held(self) -> dict[int, int]:
        """The claimed jobs that run here: task id and attempt."""
        with self._lock:
            return {task_id: attempt for task_id, attempt in self._held.items() if attempt is not None}

    def stop(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True)
            self._pool = None

    def _run(self, task_id: int) -> None:
        try:
            with self.app.app_context():
                attempt = jobs.claim(db.session(), task_id)
                if attempt is not None:
                    self._held[task_id] = attempt
                    jobs.perform(db.session(), task_id, attempt)
        except Exception:
            log.exception("job of task %s could not be completed; it is tried again", task_id)
        finally:
            with self._lock:
                self._held.pop(task_id, None)
