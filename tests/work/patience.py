"""Waiting for what other processes do."""

import time

from portal.models import db

PATIENCE = 300


def until(condition):
    """Wait until it holds, and return what it says."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        db.session.rollback()
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {PATIENCE} seconds in vain")
