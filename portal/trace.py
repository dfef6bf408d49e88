"""The id that connects a request with the jobs that it causes.

It stands in every line of the log, in the answer's `X-Request-ID`, on the page of an error and in the row of a task.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

#: empty outside of a request, a command or the work on a task
current: ContextVar[str] = ContextVar("trace", default="")

LONGEST = 64
_FIT = re.compile(rf"[A-Za-z0-9._-]{{8,{LONGEST}}}")


def new() -> str:
    return secrets.token_hex(16)


def fit(given: str | None) -> str:
    """An id that came from outside if it can stand in a log as it is, a new one otherwise."""
    return given if given and _FIT.fullmatch(given) else new()


@contextmanager
def following(trace: str | None) -> Iterator[str]:
    """What happens in the block belongs to this id, or to a new one."""
    token = current.set(trace or new())
    try:
        yield current.get()
    finally:
        current.reset(token)
