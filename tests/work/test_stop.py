"""A signal that comes at any instant stops a worker."""

import subprocess
import sys

OURS = "from portal.work.worker import Stop"
AN_EVENT = "from threading import Event as Stop"

#: a signal is raised at the n-th step of the wait, for every n until the wait is over before it
EVERY_INSTANT = """
import os, signal, sys, threading, time

def wait_with_a_signal_at(instant):
    stop, steps = Stop(), 0
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

def watch(seen=0):
    while seen != instant:
        seen = instant
        time.sleep(patience)
    print(0, flush=True)
    os._exit(0)

instant = 1
threading.Thread(target=watch, daemon=True).start()
while wait_with_a_signal_at(instant):
    instant += 1
print(instant)
"""

#: the system hands the signal to another thread, long after the main one has gone to sleep
OTHER_THREAD = """
import os, signal, sys, threading, time

stop = Stop()
signal.signal(signal.SIGTERM, lambda *_: stop.set())

main = threading.get_ident()

def receive():
    while sys._current_frames()[main].f_code.co_name != "wait":
        time.sleep(0.01)
    time.sleep(0.2)
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
    time.sleep(patience)
    print(0, flush=True)
    os._exit(0)

threading.Thread(target=receive, daemon=True).start()
stop.wait()
print(1)
"""


def ended(script, kind, patience):
    """At which instant the script has come to its end; 0: it waits for ever, as it seems after so many seconds."""
    command = [sys.executable, "-c", f"{kind}\npatience = {patience}\n{script}"]
    return int(subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout)


def test_a_signal_at_any_instant_of_the_wait_ends_it():
    assert ended(EVERY_INSTANT, OURS, 60) > 3
    assert ended(EVERY_INSTANT, AN_EVENT, 0.5) == 0, "an event would do"


def test_a_signal_that_another_thread_gets_ends_it():
    assert ended(OTHER_THREAD, OURS, 60) == 1
    assert ended(OTHER_THREAD, AN_EVENT, 0.5) == 0, "an event would do"
