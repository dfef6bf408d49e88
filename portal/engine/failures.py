"""Failures of nodes and of other code of a flow's author: stored with the task, and logged once."""

from __future__ import annotations

import logging
import sysconfig
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import inspect

from portal import jsonstore, trace
from portal.errors import CodeExit
from portal.models import Process, Task

log = logging.getLogger("portal.failures")

#: where code lies that is no author's
_OURS = str(Path(__file__).parents[1])
_LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})


def cause(error: BaseException) -> BaseException:
    """What the author's code has raised itself."""
    return error.__cause__ if isinstance(error, CodeExit) and error.__cause__ is not None else error


def name(error: BaseException) -> str:
    return type(cause(error)).__name__


def place(error: BaseException) -> str:
    """The author's line that has failed, as `flows/offer.py:12`. Empty where no line is an author's."""
    frames = traceback.extract_tb(cause(error).__traceback__)
    for frame in reversed(frames):
        if not frame.filename.startswith((_OURS, *_LIBRARIES, "<")):
            return f"{_short(frame.filename)}:{frame.lineno}"
    return ""


def _short(filename: str) -> str:
    path = Path(filename)
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(Path(*path.parts[-2:]))


def describe(error: BaseException, moment: Any) -> dict[str, Any]:
    """What is kept of a failure. No local variables: they may hold secrets."""
    error = cause(error)
    return {
        "type": type(error).__name__,
        "message": jsonstore.storable(str(error)),
        "place": jsonstore.storable(place(error)),
        "traceback": jsonstore.storable("".join(traceback.format_exception(error))),
        "time": moment.isoformat(),
        "trace": trace.current.get(),
    }


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure of a node, told after the commit of its action: who is rolled back has not failed."""

    process: Process
    task: Task
    error: BaseException
    #: what becomes of it, for who reads the log
    then: str

    def told(self) -> Told | None:
        """As it is told: read while the objects may still be read. None if it was taken back meanwhile."""
        process, task = self.process, self.task
        if not inspect(task).persistent:
            return None
        return Told(process.flow_label, task.flow_task, process.id, task.id, cause(self.error), self.then)


@dataclass(frozen=True, slots=True)
class Told:
    """The line of the log."""

    flow: str
    node: str
    process: int
    task: int
    error: BaseException
    then: str

    def log(self) -> None:
        where = {"flow": self.flow, "node": self.node, "process_id": self.process, "task_id": self.task}
        log.error(
            "%s.%s failed in process %s, task %s: %s%s",
            self.flow, self.node, self.process, self.task, type(self.error).__name__, self.then,
            exc_info=self.error, extra=where,
        )  # fmt: skip
