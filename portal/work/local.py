"""The executor `local`: jobs run in threads of this process."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from portal.engine import transaction
from portal.engine.leases import LEASE
from portal.engine.queue import jobs, timers
from portal.engine.queue.timers import Due
from portal.engine.retries import report
from portal.models import db

if TYPE_CHECKING:
    from flask import Flask
    from sqlalchemy.orm import Session

log = logging.getLogger("portal.work")

#: jobs that run at a time
THREADS = 4
#: threads in all, when some take long, or do not end: a thread cannot be ended from outside
MOST = 4 * THREADS
#: seconds after which a job no longer keeps others waiting for its thread
LONG = 30.0


class LocalExecutor:
    """Takes no more jobs than it has threads, so that other processes can take the rest.

    One that takes long gets a thread beside them, up to a bound: four that hang keep nobody waiting.
    """

    def __init__(self, app: Flask, threads: int = THREADS) -> None:
        self.app = app
        self.threads = threads
        #: guards the three below; told when a job has left
        self._changed = threading.Condition(threading.RLock())
        #: tasks whose thread has not claimed them yet, and the claims of the others with when they began
        self._coming: set[int] = set()
        self._held: dict[jobs.Claim, float] = {}
        self._suspects: set[int] = set()
        self._told_full = False
        self._stopping = False

    def start(self) -> None:
        self._stopping = False

    def resend_after(self, _waited: dt.timedelta) -> dt.timedelta:
        return LEASE  # a thread begins at once

    def room(self) -> int:
        with self._changed:
            threads = MOST - len(self._coming) - len(self._held)
            self._tell_full(threads <= 0)
            return 0 if self._stopping else min(self.threads - self._quick(), threads)

    def _tell_full(self, full: bool) -> None:
        if full and not self._told_full:
            stuck = ", ".join(str(each.task_id) for each in self._held)
            log.error(
                "every thread is held by a job that does not end, of the tasks %s: restart this process",
                stuck,
            )
        self._told_full = full

    def _running(self) -> int:
        """The jobs that count: those that took too long are given up, though their code goes on."""
        now = timers.now()
        return len(self._coming) + sum(each.deadline > now for each in self._held)

    def _quick(self) -> int:
        """The jobs for whose threads others wait."""
        now, began = timers.now(), time.monotonic() - LONG
        quick = [each for each, since in self._held.items() if since > began and each.deadline > now]
        return len(self._coming) + len(quick)

    def admits_suspect(self) -> bool:
        """Whether a job may begin that perhaps kills its process: one at a time, so that no other comes to look like
        it."""
        with self._changed:  # one that was given up counts no more, though its code may go on for ever
            now = timers.now()
            running = self._coming | {each.task_id for each in self._held if each.deadline > now}
            return not self._suspects & running

    def submit(self, due: Sequence[Due]) -> tuple[int, list[Due]]:
        """Run due jobs, each in a thread. Their claims are one transaction; a suspect is claimed alone, in its thread.

        What is on its way already, or finds every thread busy, is left.
        """
        taken, left = self._admitted(due)
        claims = jobs.claim_some(db.session(), [each.task_id for each in taken if not each.suspect])
        for each in taken:
            self._begin(each.task_id, claims.get(each.task_id))
        return len(taken), left

    def _begin(self, task_id: int, claimed: jobs.Claim | None) -> None:
        # A daemon: at the end of the grace time the process goes without it, its job having been handed back.
        name = f"portal-job-{task_id}"
        thread = threading.Thread(target=self._run, args=(task_id, claimed), name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the system has no thread left
            report(log, error, "job of task %s got no thread", task_id)
            timers.put_off(db.session(), task_id, error, None if claimed is None else claimed.attempt)
            self._leave(task_id)

    def _admitted(self, due: Sequence[Due]) -> tuple[list[Due], list[Due]]:
        """Those for which there is a thread, and those for which there is none."""
        taken: list[Due] = []
        left: list[Due] = []
        with self._changed:
            for each in due:
                if self.room() <= 0 or each.task_id in self._coming:
                    left.append(each)
                elif not each.suspect or self.admits_suspect():
                    taken.append(each)
                    self._coming.add(each.task_id)
                    if each.suspect:
                        self._suspects.add(each.task_id)
        return taken, left

    def held(self) -> list[jobs.Claim]:
        """The claims of the jobs that run here."""
        with self._changed:
            return list(self._held)

    def stop(self, grace: float) -> bool:
        """Wait for what runs here, at most `grace` seconds; hand back the rest. False if something still runs."""
        with self._changed:
            self._stopping = True
            self._changed.wait_for(lambda: not self._running(), grace)
            left = self.held()
            ended = not left and not self._coming
        with self.app.app_context():
            jobs.hand_back_all(db.session(), left)
        return ended

    def _run(self, task_id: int, claimed: jobs.Claim | None) -> None:
        try:
            with self.app.app_context():
                self._work(task_id, claimed)
        finally:
            self._leave(task_id)
            transaction.wake()  # there is room for another one

    def _leave(self, task_id: int) -> None:
        with self._changed:
            self._coming.discard(task_id)
            self._suspects.discard(task_id)
            self._changed.notify_all()

    def _work(self, task_id: int, claimed: jobs.Claim | None) -> None:
        session = db.session()
        try:
            if claimed is None:
                claimed = jobs.claim(session, task_id)
            if claimed is not None:
                self._perform(session, claimed)
        except Exception as error:
            report(log, error, "job of task %s was disturbed", task_id)
            timers.put_off(session, task_id, error, None if claimed is None else claimed.attempt)

    def _perform(self, session: Session, claimed: jobs.Claim) -> None:
        with self._changed:
            self._coming.discard(claimed.task_id)
            self._held[claimed] = time.monotonic()
            stopping = self._stopping
        try:
            if stopping:  # it has not begun: another process may
                jobs.hand_back(session, claimed)
            else:
                jobs.perform(session, claimed)
        finally:
            with self._changed:
                del self._held[claimed]
                self._changed.notify_all()
