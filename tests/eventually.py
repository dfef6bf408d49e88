"""Waiting for what other processes do."""

import time

#: seconds for what takes one or two on a machine with nothing else to do
PATIENCE = 300


def eventually(says, seconds=PATIENCE):
    """Wait until this is true, and return it."""
    until = time.monotonic() + seconds
    while not (found := says()):
        assert time.monotonic() < until, f"it did not come about in {seconds} seconds"
        time.sleep(0.05)
    return found
