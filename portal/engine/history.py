"""The history of one action: kept in memory, and written behind each flush.

Its rows are many, and nobody changes them: they need no unit of work, and one statement writes all that wait.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from portal.models import Event, Process, Task


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a task's state, or of its process's where there is no task."""

    process: Process
    task: Task | None
    action: str
    before: str | None
    to: str
    detail: dict[str, Any]
    #: who did it; None is the system
    user_id: int | None

    @property
    def is_so(self) -> bool:
        """Whether the state is still the one that it became."""
        return (self.task or self.process).status == self.to


class History:
    """What has changed so far, the oldest first."""

    def __init__(self, session: Session, now: dt.datetime) -> None:
        self.session = session
        self.now = now
        self.changes: list[Change] = []
        self._written = 0

    def write(self) -> None:
        """Store what is not stored yet. The processes and tasks must be."""
        rows = [
            {
                "created": self.now,
                "user_id": change.user_id,
                "process_id": change.process.id,
                "task_id": None if change.task is None else change.task.id,
                "action": change.action,
                "from_state": change.before,
                "to_state": change.to,
                "detail": change.detail,
            }
            for change in self.changes[self._written :]
        ]
        if rows:
            self._written = len(self.changes)
            self.session.connection().execute(insert(Event.__table__), rows)

    def cut(self, length: int) -> list[Change]:
        """Forget what came after the first so many changes, and return it."""
        rest = self.changes[length:]
        del self.changes[length:]
        self._written = min(self._written, length)
        return rest
