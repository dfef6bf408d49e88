"""The executor `celery`: sends a message for each due job. The row is the queue.

A message that is lost, doubled, late or early changes nothing but the delay: a Celery worker claims the row itself, and
a row that nobody has claimed for a while is sent again.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from portal.engine.queue import jobs, timers
from portal.engine.queue.timers import Due
from portal.engine.retries import report
from portal.models import Task, db

from .celery import UNREACHABLE, make, reference

if TYPE_CHECKING:
    from flask import Flask

log = logging.getLogger("portal.work")

#: seconds that a broker has to take one message
PUBLISH = 2
#: of the sender only: it tries once, for the row stays; a worker waits for its broker as long as it takes
SENDER = {
    "broker_connection_timeout": PUBLISH,
    "broker_transport_options": {
        "max_retries": 0,
        "connect_retries_timeout": PUBLISH,
        "socket_connect_timeout": PUBLISH,
        "socket_timeout": PUBLISH,
        "read_timeout": PUBLISH,
        "write_timeout": PUBLISH,
        "confirm_publish": True,
        "confirm_timeout": PUBLISH,
    },
}
#: a message that nobody has followed for so long is sent again in any case
LONGEST_WAIT = dt.timedelta(hours=1)
#: messages sent in one go
BATCH = 100
#: seconds until a broker that was away is asked again: doubled each time, up to the second
PAUSES = (1.0, 30.0)


class CeleryExecutor:
    """Sends a message for each due job. A broker that is away is left alone for a while; the rows wait."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.celery = make(app, **SENDER)
        self._resend_after = dt.timedelta(seconds=app.extensions["portal"].celery_patience)
        self._connection: Any = None
        self._pause, self._until = 0.0, 0.0

    def start(self) -> None:
        """The connection is made by the first message."""

    def resend_after(self, waited: dt.timedelta) -> dt.timedelta:
        """As long as it has been due: while no Celery worker runs, messages must not pile up in the broker."""
        return max(self._resend_after, min(waited, LONGEST_WAIT))

    def room(self) -> int:
        return BATCH if time.monotonic() >= self._until else 0

    def submit(self, due: Sequence[Due]) -> tuple[int, list[Due]]:
        """Send the messages of due jobs. Each is claimed by the process that gets the message."""
        taken: int = 0
        left: list[Due] = []
        for each in due:
            try:
                if self._send(each.task_id):
                    taken += 1
                else:
                    left.append(each)
            except Exception as error:
                report(log, error, "job of task %s could not be handed over", each.task_id)
                timers.put_off(db.session(), each.task_id, error)
        return taken, left

    def _send(self, task_id: int) -> bool:
        """Send the message of a due job. False if the broker does not take it."""
        if not self.room():
            return False
        task = db.session().get(Task, task_id)
        own = getattr(None if task is None else task.node, "celery_task", None)
        db.session().rollback()
        sent = self.celery.tasks["portal.run_job" if own is None else own.name]
        try:
            if self._connection is None:
                self._connection = self.celery.connection_for_write()
            with self.celery.amqp.Producer(self._connection, auto_declare=False) as producer:
                sent.apply_async((reference(task_id),), producer=producer, retry=False)
        except Exception as error:
            if not isinstance(error, (*UNREACHABLE, *self._errors())):
                raise
            self._away(error)
            return False
        if self._pause:
            log.warning("the broker takes messages again")
            self._pause = 0.0
        return True

    def held(self) -> list[jobs.Claim]:
        """None: a Celery worker keeps its own."""
        return []

    def stop(self, grace: float) -> bool:
        self._close()
        return True

    def _errors(self) -> tuple[type[Exception], ...]:
        if self._connection is None:
            return ()
        return (*self._connection.connection_errors, *self._connection.channel_errors)

    def _away(self, error: Exception) -> None:
        if not self._pause:
            log.warning("the broker does not take messages: %s; jobs wait in the database", error)
        first, last = PAUSES
        self._pause = min(last, self._pause * 2 or first)
        self._until = time.monotonic() + self._pause
        self._close()

    def _close(self) -> None:
        """Throw the connection away without a word to the broker, who may not listen."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.collect(socket_timeout=PUBLISH)
