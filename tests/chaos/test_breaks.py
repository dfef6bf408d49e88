"""What chaos proves to hold, taken away one by one: the auditor notices each, and nothing while all are there."""

from __future__ import annotations

import datetime as dt
import threading
from contextlib import suppress
from contextvars import copy_context
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Select, update

from portal.engine.queue import jobs, schedules, timers
from portal.errors import TransitionNotAllowed
from portal.models import Task, db

BROKEN = pytest.mark.parametrize("broken", [False, True], ids=["whole", "broken"])


@pytest.fixture
def take_away(monkeypatch: pytest.MonkeyPatch) -> Any:
    from tests.chaos import breaks

    def apply(name: str, broken: bool) -> None:
        for place, what in ((jobs, "finish"), (jobs, "LEASE"), (Select, "with_for_update")):
            monkeypatch.setattr(place, what, getattr(place, what))  # so that it comes back
        breaks.apply(name if broken else "")

    return apply


def _second_try(task: int) -> None:
    """Another worker looks for jobs whose worker is lost, and does what it finds."""
    with suppress(TransitionNotAllowed):
        jobs.reclaim(db.session())
        claim = jobs.claim(db.session(), task)
        if claim is not None:
            jobs.perform(db.session(), claim)


def _work(task: int, meanwhile: Any) -> None:
    claim = jobs.claim(db.session(), task)
    assert claim is not None
    with jobs.at_work(db.session(), claim) as activation:
        assert activation is not None
        meanwhile()
        activation.node.work(activation)  # type: ignore[attr-defined]


@BROKEN
def test_without_a_fence(errand: Any, books: Any, take_away: Any, broken: bool) -> None:
    """A worker is late; another one has taken over, and is not done yet."""
    task = errand.task("work").id

    def take_over() -> None:
        silent = update(Task).where(Task.id == task).values(lease=timers.now() - dt.timedelta(minutes=1))
        db.session.execute(silent)
        db.session.commit()
        jobs.reclaim(db.session())
        assert jobs.claim(db.session(), task) is not None

    take_away("fence", broken)
    _work(task, take_over)
    found = [fault for fault in books.faults() if "the result of attempt" in fault]
    assert bool(found) == broken


@BROKEN
def test_without_a_lease(errand: Any, books: Any, take_away: Any, monkeypatch: Any, broken: bool) -> None:
    """A worker is at work, and says so; another one looks for something to do."""
    from tests.chaos import errand as module

    task = errand.task("work").id
    take_away("lease", broken)
    first = iter([task])
    sleep = SimpleNamespace(sleep=lambda _: [_second_try(each) for each in first])
    monkeypatch.setattr(module, "time", sleep)
    _work(task, lambda: None)
    found = [fault for fault in books.faults() if "of its job began while" in fault]
    assert bool(found) == broken


@BROKEN
def test_without_a_lock(
    errand: Any, books: Any, take_away: Any, flow_tester: Any, monkeypatch: Any, broken: bool
) -> None:
    """Two clocks look at one schedule at once."""
    app, both, next_start = flow_tester.app, threading.Barrier(2), schedules.next_start

    def together(*arguments: Any) -> Any:
        with suppress(threading.BrokenBarrierError):
            both.wait(60 if broken else 1)  # where the lock is, the second does not come
        return next_start(*arguments)

    def look() -> None:
        with app.app_context():
            schedules.fire(db.session())

    flow_tester.clock.offset += dt.timedelta(seconds=10)
    db.session.remove()
    take_away("lock", broken)
    monkeypatch.setattr(schedules, "next_start", together)
    threads = [threading.Thread(target=copy_context().run, args=(look,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [fault for fault in books.faults() if "for the same due moment" in fault]
    assert bool(found) == broken
