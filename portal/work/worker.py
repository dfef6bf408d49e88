"""`portal worker`: waits for the database, works until a signal, and finishes what it has begun."""

from __future__ import annotations

import math
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

import click
from sqlalchemy.exc import SQLAlchemyError

from portal.engine.retries import disturbance, reason
from portal.errors import PortalError, Unusable
from portal.models import db, schema_fault
from portal.models.schema import COLUMNS

if TYPE_CHECKING:
    from .scheduler import Scheduler

#: seconds between two looks at a database that is not ready
READY = 2.0
#: seconds between two looks whether a signal has come
LOOK = 0.2


class Stop:
    """Set once, by the handler of a signal, while the main thread waits for it.

    It waits by short sleeps and without a lock. The lock of a `threading.Event` is not reentrant: a signal that comes
    just as the thread goes to sleep has the handler wait for ever for the thread that it runs in. And a signal that
    the system hands to another thread, as Linux does just after SIGCONT, wakes nobody: Python runs the handler when
    the main thread does something next.
    """

    def __init__(self) -> None:
        self.is_set = False

    def set(self) -> None:
        self.is_set = True

    def wait(self, timeout: float = math.inf) -> None:
        """Until it is set, at most `timeout` seconds."""
        until = time.monotonic() + timeout
        while not self.is_set and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, LOOK))


def work(scheduler: Scheduler, grace: float | None) -> None:
    """Fire timers and run jobs until SIGTERM or SIGINT; a second one ends the process at once.

    Args:
        grace: seconds to finish what has begun; `PORTAL_GRACE` otherwise.
    """
    stop = Stop()

    def asked(number: int, _frame: Any) -> None:
        if stop.is_set:  # what is held comes up again when its lease is over
            os._exit(128 + number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, asked)
    _wait_until_ready(stop)
    if stop.is_set:
        return
    scheduler.start(kind="worker")
    _say("The worker runs; SIGTERM stops it when its jobs are done.")
    stop.wait()
    scheduler.claim_no_more()
    _say("The worker claims no more and finishes what it has begun; a second signal ends it at once.")
    if not scheduler.stop(grace):
        _say("The grace time is over: what was not done has been handed back.")
        os._exit(0)  # a thread still runs; the interpreter would wait for it


def _wait_until_ready(stop: Stop) -> None:
    """Wait for the database, and for somebody to make its schema; say so once.

    Raises:
        PortalError: tables lack columns.
        DBAPIError: the database cannot be used until somebody mends it.
    """
    told = None
    while not stop.is_set:
        try:
            fault = schema_fault(db.session())
            lacking = fault is not None and fault.startswith(COLUMNS)
        except SQLAlchemyError as error:
            fault, lacking = f"it does not answer: {reason(error)}", False
            if isinstance(disturbance(error), Unusable):
                raise
        finally:
            db.session.remove()
        if fault is None:
            return
        if lacking:  # nothing but a release mends that
            raise PortalError(f"the schema of the database is not that of the flows: {fault}")
        if fault != told:
            click.echo(f"The worker waits for the database: {fault}", err=True)
        told = fault
        stop.wait(READY)


def _say(words: str) -> None:
    click.echo(words)
    sys.stdout.flush()
