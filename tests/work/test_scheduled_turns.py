"""The turns of a process: taken when they are asked for, one at a time, and again where they failed."""

import datetime as dt
import logging
import threading
import time

import pytest
from flask import Flask
from sqlalchemy import create_engine

from portal.work import turns as module
from portal.work.turns import Turns


@pytest.fixture
def start():
    """Start turns of these names; the fixture ends all of them."""
    made = []

    def start(seconds=60.0, **calls):
        turns = Turns(Flask("turns"))
        for name, call in calls.items():
            turns.add(name, call, seconds)
        turns.start()
        made.append((turns, calls))
        return turns

    yield start
    for turns, calls in made:
        assert turns.stop(*calls, timeout=300)
        turns.close()


def until(condition):
    end = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def test_it_is_woken_also_in_the_middle_of_a_turn(start):
    taken, go = [], threading.Event()

    def turn():
        taken.append(time.monotonic())
        go.wait(300)

    turns = start(turn=turn)
    until(lambda: taken)
    turns.wake("turn")
    go.set()
    until(lambda: len(taken) == 2)


def test_it_goes_on_while_there_is_more(start):
    left = [3, 2, 1, 0]
    start(turn=lambda: left.pop(0))
    until(lambda: not left)


def test_it_is_taken_at_the_moment_that_it_is_planned_for(start):
    taken = []
    turns = start(turn=lambda: taken.append(dt.datetime.now(dt.UTC)))
    until(lambda: taken)
    moment = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=0.2)
    turns.plan("turn", moment + dt.timedelta(hours=1))
    turns.plan("turn", moment)
    turns.plan("turn", moment + dt.timedelta(hours=2))
    until(lambda: len(taken) == 2)
    assert taken[1] >= moment


def test_a_turn_is_finished_and_no_other_begun(start):
    taken, go = [], threading.Event()

    def turn():
        taken.append("begun")
        go.wait(300)
        taken.append("ended")

    turns = start(turn=turn)
    until(lambda: taken)
    assert not turns.stop("turn", timeout=0.05)
    turns.wake("turn")
    go.set()
    assert turns.stop("turn", timeout=300)
    assert taken == ["begun", "ended"]
    turns.close()
    turns.start()
    until(lambda: len(taken) > 2)


def test_an_outage_of_the_database_is_told_once_and_so_is_its_end(start, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(module, "PAUSES", (0.02, 0.05))
    engine, tries = create_engine(f"sqlite:///{tmp_path / 'away' / 'portal.sqlite'}"), [0, 0]

    def asks(number):
        def turn():
            tries[number] += 1
            engine.connect().close()

        return turn

    start(one=asks(0), another=asks(1))
    until(lambda: min(tries) > 3)
    assert [each.message for each in caplog.records] == [
        "the database does not serve this process, and is asked again and again: unable to open database file"
    ]
    (tmp_path / "away").mkdir()
    until(lambda: len(caplog.records) > 1)
    assert [each.message for each in caplog.records[1:]] == ["the database serves this process again"]
    engine.dispose()


def test_another_failure_is_told_with_its_traceback_and_more_and_more_seldom(caplog, monkeypatch):
    monkeypatch.setattr(module.time, "monotonic", lambda: 1000.0)

    def turn():
        raise KeyError("a bug")

    turns = Turns(Flask("turns"))
    turns.add("turn", turn, 60)
    pauses = []
    for _ in range(6):
        assert turns.take("turn")
        pauses.append(turns._turns["turn"].rests_until - 1000)
    assert pauses == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    failures = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert len(failures) == 6
    assert failures[0].exc_info
