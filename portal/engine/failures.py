"""Failures of nodes and of other code of a flow's author: stored with the task, and logged once."""

from __future__ import annotations

import logging
import re
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

#: what follows a name of this kind, or stands in an address before its host, is nobody's to read
_SECRETS = (
    (re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]+(?=@)"), "…"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), r"\1 …"),
    (
        re.compile(
            r"""(?ix)\b([\w-]*(?:passw(?:or)?d|passwort|secret|token|api[_-]?key|credential|authorization)[\w-]*
            ['"]?\s*[=:]\s*)(?!['"]?(?:bearer|basic)\b)(?:"[^"\n]*"|'[^'\n]*'|[^\s,;&)\]}'"]+)"""
        ),
        r"\1…",
    ),
)


def without_secrets(text: str) -> str:
    """A text without passwords, tokens and keys, as far as they are told by what stands before them."""
    for pattern, blank in _SECRETS:
        text = pattern.sub(blank, text)
    return text


def is_library(filename: str) -> bool:
    """Whether code lies where no flow's author writes."""
    return filename.startswith((_OURS, *_LIBRARIES, "<")) or "site-packages" in filename


def cause(error: BaseException) -> BaseException:
    """What the author's code has raised itself."""
    return error.__cause__ if isinstance(error, CodeExit) and error.__cause__ is not None else error


def name(error: BaseException) -> str:
    return type(cause(error)).__name__


def place(error: BaseException) -> str:
    """The author's line that has failed, as `flows/offer.py:12`. Empty where no line is an author's."""
    frames = traceback.extract_tb(cause(error).__traceback__)
    for frame in reversed(frames):
        if not is_library(frame.filename):
            return f"{short(frame.filename)}:{frame.lineno}"
    return ""


def short(filename: str) -> str:
    """A file's path as people read it: within the folder of the site, or its last two parts."""
    path = Path(filename)
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(Path(*path.parts[-2:]))


def describe(error: BaseException, moment: Any) -> dict[str, Any]:
    """Describe a failure for storage: without local variables, and without secrets as far as they can be recognised."""
    error = cause(error)
    return {
        "type": type(error).__name__,
        "message": jsonstore.storable(without_secrets(str(error))),
        "place": jsonstore.storable(place(error)),
        "traceback": jsonstore.storable(without_secrets("".join(traceback.format_exception(error)))),
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
