"""One side of a comparison: it does a work for a while whenever it is asked, and says how long it took.

A request and its answer are a line of JSON each. This file needs the standard library alone: both sides use it, each in
an environment of its own.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

#: what opens and closes a transaction, and is no statement
FRAME = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


@dataclass(frozen=True)
class Work:
    """What is timed."""

    act: Callable[[], Any]
    #: what is made ready before each, untimed
    prepare: Callable[[], Any] = lambda: None
    #: how many things one call does
    number: int = 1


def is_statement(sql: str) -> bool:
    return not sql.lstrip().upper().startswith(FRAME)


def serve(works: dict[str, Work], counting: Callable[[], AbstractContextManager[list[str]]]) -> None:
    """Answer requests until there are no more.

    Args:
        counting: collects the statements that are sent in its block.
    """
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what anything prints is no answer
    print("ready", file=answers)
    for line in sys.stdin:
        request = json.loads(line)
        work = works[request["work"]]
        if request["seconds"] is None:
            work.prepare()
            with counting() as statements:
                work.act()
            found = {"statements": len([sql for sql in statements if is_statement(sql)]) / work.number}
        else:
            found = timed(work, request["seconds"])
        print(json.dumps(found), file=answers)


def timed(work: Work, seconds: float) -> dict[str, float]:
    """Do it for so long, and three times at the least: how often, in how many seconds, and those of the processor."""
    count, took, cpu = 0, 0.0, 0.0
    while took < seconds or count < 3:
        work.prepare()
        before, cpu_before = time.perf_counter(), time.process_time()
        work.act()
        took += time.perf_counter() - before
        cpu += time.process_time() - cpu_before
        count += work.number
    return {"count": count, "seconds": took, "cpu": cpu}
