"""A signal that comes at any instant stops a worker."""

import subprocess
import sys

import pytest

#: a signal is raised at the n-th step of the wait, for every n until the wait is over before it
EVERY_INSTANT = """
import signal, sys
from threading import Event
from portal.work.worker import Stop

def wait_with_a_signal_at(instant):
    stop, steps = {kind}(), 0
    signal.signal(signal.SIGTERM, lambda *_: stop.set())

    def step(*_):
        nonlocal steps
        steps += 1
        if steps == instant:
            sys.setprofile(None)
            signal.raise_signal(signal.SIGTERM)

    sys.setprofile(step)
    stop.wait(0.05)
    sys.setprofile(None)
    return steps >= instant

instant = 1
while wait_with_a_signal_at(instant):
    instant += 1
print(instant)
"""

#: the system hands the signal to another thread, long after the main one has gone to sleep
OTHER_THREAD = """
import signal, sys, threading, time
from portal.work.worker import Stop

stop = {kind}()
signal.signal(signal.SIGTERM, lambda *_: stop.set())

main = threading.get_ident()

def receive():
    while sys._current_frames()[main].f_code.co_name != "wait":
        time.sleep(0.01)
    time.sleep(0.5)
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

threading.Thread(target=receive, daemon=True).start()
stop.wait()
print(1)
"""


def run(kind, seconds, script=EVERY_INSTANT):
    command = [sys.executable, "-c", script.format(kind=kind)]
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=True).stdout


def test_a_signal_at_any_instant_of_the_wait_ends_it():
    assert int(run("Stop", 60)) > 3


def test_a_signal_that_another_thread_gets_ends_it():
    assert run("Stop", 60, OTHER_THREAD)
    with pytest.raises(subprocess.TimeoutExpired):
        run("threading.Event", 5, OTHER_THREAD)


def test_that_an_event_would_not_do():
    with pytest.raises(subprocess.TimeoutExpired):
        run("Event", 5)
