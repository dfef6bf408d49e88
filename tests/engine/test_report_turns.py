"""Workers keep the counts of reports up to date: each event once, however many of them, whatever dies."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import func, select

from portal import flow, this
from portal.engine.reports import counting
from portal.models import DailyFlow, DailyStep, Event, ReportCursor, db


class CountedFlow(flow.Flow):
    start = flow.StartHandle().Next(this.look)
    look = flow.Function(lambda activation: None).Next(this.end)
    end = flow.End()


def started():
    db.session.rollback()
    return db.session.scalar(select(func.coalesce(func.sum(DailyFlow.started), 0)))


def count_all():
    while counting.turn(db.session()) or counting._is_behind(db.session()):
        pass


@pytest.fixture
def run(flow_tester):
    made = flow_tester(CountedFlow)
    made.start()
    return made


def test_two_workers_count_each_event_once(run, at_once):
    for _ in range(20):
        CountedFlow.start.run()
    for _ in range(12):
        at_once(*[lambda: counting.turn(db.session(), 9)] * 3)
    count_all()
    assert started() == 21
    assert db.session.scalar(select(func.sum(DailyStep.done)).where(DailyStep.step == "look")) == 21


def test_a_worker_that_dies_leaves_counts_and_cursor_as_they_were(run, monkeypatch):
    count_all()
    CountedFlow.start.run()
    before = db.session.scalar(select(ReportCursor.event_id))
    write = counting._write

    def dies(session, counted):
        write(session, counted)
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(counting, "_write", dies)
        with pytest.raises(SystemExit):
            count_all()
    assert (started(), db.session.scalar(select(ReportCursor.event_id))) == (1, before)
    count_all()
    assert started() == 2


def test_what_is_committed_late_is_counted(run, app, database_url):
    """Its events have lower numbers than those that were there before."""
    if database_url.startswith("sqlite"):
        pytest.skip("one transaction writes at a time")
    count_all()
    written, go_on = threading.Event(), threading.Event()

    def slowly():
        with app.app_context():
            db.session.connection(execution_options={"writes": True})
            with pytest.MonkeyPatch.context() as patched:
                commit = db.session().commit
                patched.setattr(db.session(), "commit", lambda: None)
                process = CountedFlow.start.run()
                db.session.flush()
                assert process.id
                written.set()
                go_on.wait(300)
                commit()

    thread = threading.Thread(target=slowly)
    thread.start()
    assert written.wait(300)
    CountedFlow.start.run()
    for _ in range(4):
        counting.turn(db.session())
    go_on.set()
    thread.join(300)
    count_all()
    assert started() == 3


def test_counting_costs_few_statements(run, count):
    count_all()
    for _ in range(30):
        CountedFlow.start.run()
    counting.turn(db.session())
    newest = db.session.scalar(select(func.max(Event.id)))
    db.session.rollback()
    with count() as statements:
        counting.turn(db.session())
    assert len(statements) <= 14, str(statements)
    count_all()
    assert db.session.scalar(select(ReportCursor.event_id)) == newest
    db.session.rollback()
    with count() as statements:
        assert counting.turn(db.session()) == 0
    assert len(statements) == 1
