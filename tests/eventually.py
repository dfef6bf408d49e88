"""Waiting for what other processes do."""

import time


def eventually(says, seconds=60):
    """Wait until this is true, and return it."""
    until = time.monotonic() + seconds
    while not (found := says()):
        assert time.monotonic() < until, "it did not come about in time"
        time.sleep(0.05)
    return found
