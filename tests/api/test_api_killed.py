"""A process that is killed in the middle of a request with an `Idempotency-Key`: sent again, it is done once."""

from __future__ import annotations

import os
import signal
import time

import pytest
from sqlalchemy import event

from portal.models import Event, KeptAnswer, Process, db

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    pytest.mark.filterwarnings("ignore:This process:DeprecationWarning"),
]
PATH = "/flows/order/starts/start"
#: seconds for one request, on a busy machine
STANDSTILL = 60


def kill_at(statement, call):
    """Make a call in a process that is killed before its n-th statement. False if it came to its end before.

    What another thread held of SQLite at the fork, a lock of its memory, nobody gives back in the child. It stands
    still before its first statement, and is forked again.
    """
    db.session.rollback()
    db.session.remove()
    while (status := ended(fork(statement, call))) is None:
        pass
    return os.WIFSIGNALED(status)


def fork(statement, call):
    child = os.fork()
    if child == 0:
        try:
            db.engine.dispose(close=False)
            left = [statement]

            def die(*_):
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

            event.listen(db.engine, "before_cursor_execute", die)
            event.listen(db.engine, "commit", die)
            call()
        finally:
            os._exit(0)
    return child


def ended(child):
    """How it has ended; None for one that had to be ended, as it stood still."""
    until = time.monotonic() + STANDSTILL
    while time.monotonic() < until:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return status
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def test_it_is_done_once(app, program):
    alice = program("alice")
    killed, statement = 0, 0
    while True:
        statement += 1
        body = {"data": {"title": f"killed at {statement}"}}
        if not kill_at(statement, lambda body=body: alice.post(PATH, body, Idempotency_Key=f"k{body}")):
            break
        killed += 1
        again = alice.post(PATH, body, Idempotency_Key=f"k{body}")
        assert again.status_code == 201, again.text
        db.session.rollback()
        assert db.session.scalar(db.select(db.func.count(Process.id))) == killed
    assert killed > 10
    # what was killed after its commit was answered from what is kept, which is all there is of it
    assert db.session.scalar(db.select(db.func.count()).select_from(KeptAnswer)) == killed + 1
    starts = db.select(db.func.count(Event.id)).where(Event.action == "start", Event.task_id.is_(None))
    assert db.session.scalar(starts) == killed + 1
