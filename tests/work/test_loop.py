"""Threads that do one thing again and again."""

import logging
import threading
import time

import pytest
from sqlalchemy import create_engine

from portal.work import loop as loops
from portal.work.loop import Loop


@pytest.fixture
def loop():
    """Start a loop; the fixture ends all of them."""
    made = []

    def start(turn, seconds=0.02, name="turn"):
        made.append(Loop(turn, name, seconds))
        made[-1].start()
        return made[-1]

    yield start
    for each in made:
        each.stop()
        assert each.join(60)


def until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def test_it_is_woken_also_in_the_middle_of_a_turn(loop):
    turns, go = [], threading.Event()

    def turn():
        turns.append("begun")
        go.wait(60)

    made = loop(turn, seconds=60)
    until(lambda: turns)
    made.wake()
    go.set()
    until(lambda: len(turns) == 2)


def test_a_turn_is_finished_and_no_other_begun(loop):
    turns, go = [], threading.Event()

    def turn():
        turns.append("begun")
        go.wait(60)
        turns.append("ended")

    made = loop(turn)
    until(lambda: turns)
    made.stop()
    assert not made.join(0.05)
    go.set()
    assert made.join(60)
    assert turns == ["begun", "ended"]
    made.start()
    until(lambda: len(turns) > 2)


def test_an_outage_of_the_database_is_told_once_and_so_is_its_end(loop, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(loops, "LONGEST", 0.05)
    engine, tries = create_engine(f"sqlite:///{tmp_path / 'away' / 'portal.sqlite'}"), [0, 0]

    def asks(number):
        def turn():
            tries[number] += 1
            engine.connect().close()

        return turn

    loop(asks(0), name="one")
    loop(asks(1), name="another")
    until(lambda: min(tries) > 3)
    assert [each.message for each in caplog.records] == [
        "the database does not serve this process, and is asked again and again: unable to open database file"
    ]
    (tmp_path / "away").mkdir()
    until(lambda: len(caplog.records) > 1)
    seen = list(tries)
    until(lambda: all(now > before + 2 for now, before in zip(tries, seen, strict=True)))
    assert [each.message for each in caplog.records[1:]] == ["the database serves this process again"]
    engine.dispose()


def test_another_failure_is_told_with_its_traceback_and_more_and_more_seldom(caplog):
    def turn():
        raise KeyError("a bug")

    pauses, made = [], Loop(turn, "turn", 1)

    class Woken(threading.Event):
        """Waits no time, and ends the loop after the fifth pause."""

        def wait(self, timeout=None):
            pauses.append(timeout)
            if len(pauses) == 5:
                made.stop()
            return True

    made._woken = Woken()
    made.start()
    assert made.join(60)
    assert pauses == [2, 4, 5, 5, 5]
    failures = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert len(failures) == 5
    assert failures[0].exc_info
