"""Runs the periodic work of a process on one APScheduler: when rows fall due, and when a commit wakes it."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from portal.engine.retries import disturbance, reason

if TYPE_CHECKING:
    from flask import Flask

    from .wall_clock import WallClockScheduler

log = logging.getLogger("portal.work")

#: seconds until a turn that failed is taken again; doubled each time, up to the second
PAUSES = (0.5, 5.0)


@dataclass(eq=False)
class Turn:
    """Something that is done again and again, by one thread at a time."""

    name: str
    #: returns something true if there may be more to do
    call: Callable[[], object]
    #: taken at the latest so many seconds after the last time
    seconds: float
    #: turns with one name share a thread, and wait for each other
    thread: str
    running: bool = False
    #: until APScheduler would take it again; longer than `running` by an instant
    busy: bool = False
    #: when it was asked to be taken, unless that is planned already
    asked: dt.datetime | None = None
    stopping: bool = False
    #: seconds to leave it alone since it has failed, and until when by the monotonic clock
    pause: float = 0.0
    rests_until: float = 0.0

    def rested(self) -> dt.datetime:
        """When it may be taken again."""
        return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=max(0.0, self.rests_until - time.monotonic()))


class Turns:
    """The turns of a process. Each takes place in an application context; one that fails is taken again."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self._turns: dict[str, Turn] = {}
        self._changed = threading.Condition(threading.RLock())
        self._scheduler: WallClockScheduler | None = None

    @property
    def names(self) -> list[str]:
        return list(self._turns)

    def add(self, name: str, call: Callable[[], object], seconds: float, thread: str | None = None) -> None:
        """Take a turn at the start, and whenever it is asked for.

        Args:
            name: of the turn.
            call: what is done; it returns something true if there may be more to do.
            seconds: it is taken at the latest so long after the last time.
            thread: turns with the same name share a thread; its own one otherwise.
        """
        self._turns[name] = Turn(name, call, seconds, thread or name)

    def start(self) -> None:
        """Start the threads, unless they run."""
        with self._changed:
            if self._scheduler is not None:
                return
            for turn in self._turns.values():
                turn.running = turn.busy = turn.stopping = False
                turn.asked = None
                turn.pause = turn.rests_until = 0.0
            self._scheduler = self._made()
            self._scheduler.start()

    def _made(self) -> WallClockScheduler:
        from .wall_clock import WallClockScheduler  # 3 MB: a process that leaves this to workers does without

        threads = {turn.thread for turn in self._turns.values()}
        made = WallClockScheduler(self._replan, self._taken, threads)
        for turn in self._turns.values():
            made.repeat(turn.name, self._take, turn, turn.seconds, turn.thread)
        return made

    def stop(self, *names: str, timeout: float | None = None) -> bool:
        """Begin these turns no more, and wait for those under way.

        Args:
            timeout: seconds.

        Returns:
            False if one of them is still under way.
        """
        with self._changed:
            turns = [self._turns[name] for name in names]
            for turn in turns:
                turn.stopping = True
            return self._changed.wait_for(lambda: not any(turn.running for turn in turns), timeout)

    def close(self) -> None:
        """End the threads. Those under way end with their turn."""
        with self._changed:
            scheduler, self._scheduler = self._scheduler, None
        if scheduler is not None:
            scheduler.shutdown(wait=False)

    def is_stopping(self, name: str) -> bool:
        return self._turns[name].stopping

    def wake(self, name: str) -> None:
        """Take a turn at once; once more, if it is under way."""
        self.plan(name, dt.datetime.now(dt.UTC))

    def plan(self, name: str, moment: dt.datetime) -> None:
        """Take a turn at a moment, unless it is to be taken sooner."""
        turn = self._turns[name]
        with self._changed:
            if self._scheduler is None or turn.stopping:
                return
            turn.asked = moment if turn.asked is None else min(turn.asked, moment)
            self._scheduler.wakeup()

    def _replan(self) -> None:
        """Plan what was asked for; what is under way is planned when it has ended."""
        with self._changed:
            scheduler = self._scheduler
            asked = [turn for turn in self._turns.values() if turn.asked is not None and not turn.busy]
            plans = [(turn, max(turn.asked, turn.rested())) for turn in asked if turn.asked is not None]
            for turn in asked:
                turn.asked = None
        for turn, moment in plans:
            job = None if scheduler is None else scheduler.get_job(turn.name)
            if job is not None and job.next_run_time > moment:
                job.modify(next_run_time=moment)

    def take(self, name: str) -> bool:
        """Take a turn here and now, as its thread would. True if there may be more to do."""
        return self._call(self._turns[name])

    def _take(self, turn: Turn) -> None:
        with self._changed:
            if turn.stopping:
                return
            turn.running = turn.busy = True
        try:
            more = self._call(turn)
        finally:
            with self._changed:
                turn.running = False
                self._changed.notify_all()
        if more:
            self.wake(turn.name)

    def _call(self, turn: Turn) -> bool:
        try:
            with self.app.app_context():
                more = bool(turn.call())
        except Exception as error:
            turn.pause = min(turn.pause * 2 or PAUSES[0], PAUSES[1])
            turn.rests_until = time.monotonic() + turn.pause
            if disturbance(error) is None:
                log.exception("%s failed; it is tried again", turn.name)
            else:
                outage.met(turn.name, error)
            return True
        turn.pause = turn.rests_until = 0.0
        outage.over(turn.name)
        return more

    def _taken(self, event: Any) -> None:
        """APScheduler can take the turn again."""
        turn = self._turns[event.job_id]
        with self._changed:
            turn.busy = False
            if turn.asked is not None and self._scheduler is not None:
                self._scheduler.wakeup()


class Outage:
    """The database does not serve: that, and its end, is told once, however many threads meet it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._met: set[str] = set()

    def met(self, name: str, error: Exception) -> None:
        with self._lock:
            first = not self._met
            self._met.add(name)
        if first:
            log.warning(
                "the database does not serve this process, and is asked again and again: %s", reason(error)
            )

    def over(self, name: str) -> None:
        with self._lock:
            last = self._met == {name}
            self._met.discard(name)
        if last:
            log.warning("the database serves this process again")


#: of this process
outage = Outage()
