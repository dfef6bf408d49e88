"""Threads that do one thing again and again, and what they say when the database is away."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from portal.engine.disturbances import disturbance, reason

log = logging.getLogger("portal.work")

#: seconds between two turns of what fails: doubled each time, up to these
LONGEST = 5.0


class Loop:
    """Does one thing every so many seconds, and at once when it is woken.

    It counts by a clock that nobody sets: where the machine's is set back, nothing waits for it to come there again.

    Args:
        turn: what is done.
        name: of the thread.
        seconds: between two turns.
    """

    def __init__(self, turn: Callable[[], object], name: str, seconds: float) -> None:
        self.turn, self.name, self.seconds = turn, name, seconds
        self._woken, self._stopping = threading.Event(), threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def stopping(self) -> bool:
        return self._stopping.is_set()

    def start(self) -> None:
        """Start the thread, once."""
        with self._starting:
            if self._thread is None:
                self._stopping.clear()
                self._thread = threading.Thread(target=self._run, name=f"portal-{self.name}", daemon=True)
                self._thread.start()

    def wake(self) -> None:
        """Take the next turn at once; after the one under way, if there is one."""
        self._woken.set()

    def stop(self) -> None:
        """Begin no other turn."""
        self._stopping.set()
        self._woken.set()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the turn under way, at most `timeout` seconds. False if it has not ended."""
        if self._thread is not None:
            self._thread.join(timeout)
            if self._thread.is_alive():
                return False
            self._thread = None
        return True

    def _run(self) -> None:
        pause = self.seconds
        while not self.stopping:
            self._woken.clear()
            try:
                self.turn()
            except Exception as error:
                pause = min(pause * 2, LONGEST)
                if disturbance(error) is None:
                    log.exception("%s failed; it is tried again", self.name)
                else:
                    outage.met(self.name, error)
            else:
                pause = self.seconds
                outage.over(self.name)
            if not self.stopping:  # else a stop from before the turn would be waited out
                self._woken.wait(pause)


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
