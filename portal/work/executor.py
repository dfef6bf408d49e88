"""The interface of executors: each is passed claimed tasks, and says how many it takes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Protocol

from portal.engine.queue.jobs import Claim
from portal.engine.queue.timers import Due

if TYPE_CHECKING:
    from flask import Flask


class Executor(Protocol):
    """Where jobs run. The row stays the truth: what an executor loses is claimed again when its lease is over."""

    def resend_after(self, waited: dt.timedelta) -> dt.timedelta:
        """How long a submitted job may stay unclaimed before it is submitted again.

        Args:
            waited: how long it has been due.
        """
        ...

    def start(self) -> None: ...

    def room(self) -> int:
        """How many jobs it takes now."""
        ...

    def submit(self, due: Sequence[Due]) -> tuple[int, list[Due]]:
        """Take due jobs. One that cannot be handed over is put off, and keeps no other from its turn.

        Returns:
            How many are taken, and those that are not and whose rows are handed back. What is neither keeps its lease,
            and comes up again.
        """
        ...

    def held(self) -> list[Claim]:
        """The claimed jobs that run in this process, and need its heartbeat."""
        ...

    def stop(self, grace: float) -> bool:
        """Take no more, give what runs here `grace` seconds, then hand it back. False if something still runs."""
        ...


#: by the value of PORTAL_EXECUTOR; imported when it is chosen, for not everyone has the extra it needs
EXECUTORS = {
    "local": "portal.work.local:LocalExecutor",
    "celery": "portal.work.celery_executor:CeleryExecutor",
}


def make(name: str, app: Flask) -> Executor:
    """The executor of this name for an application.

    Raises:
        ValueError: the extra that it needs is not installed.
    """
    try:
        executor: Executor = resolve_name(EXECUTORS[name])(app)
    except ModuleNotFoundError as error:
        raise ValueError(f"PORTAL_EXECUTOR is {name}: {error}") from error
    return executor
