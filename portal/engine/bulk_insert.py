"""Inserts the rows that one action adds: tasks, the links between them, and history.

They are many, and each kind is written in one statement behind each flush: beside the unit of work, which would
look at every one of them several times. From then on a task is an object of the session like any other.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import insert, inspect
from sqlalchemy.orm import Session, make_transient_to_detached

from portal.models import Event, Process, Task, task_link
from portal.trace import current

_TASKS = Task.__table__
#: the columns of a task that the database does not fill in
_NAMES = [column.name for column in _TASKS.c if column.name not in ("id", "_sentinel")]
_INSERT_TASKS = insert(_TASKS).returning(_TASKS.c.id, sort_by_parameter_order=True)


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
    #: the id, in the log, of the action
    trace: str | None = field(default_factory=lambda: current.get() or None)

    @property
    def is_so(self) -> bool:
        """Whether the state is still the one that it became."""
        return (self.task or self.process).status == self.to


@dataclass(frozen=True, slots=True)
class Part:
    """What was added since a moment."""

    tasks: list[Task]
    links: list[tuple[Task, Task]]
    changes: list[Change]

    def leave(self, session: Session) -> None:
        """Take the tasks out of the session: a rollback takes their rows away, and it does not know them as new."""
        for task in self.tasks:
            if task in session:
                session.expunge(task)


class Rows:
    """What an action has added so far, the oldest first."""

    def __init__(self, session: Session, now: dt.datetime) -> None:
        self.session = session
        self.now = now
        self.tasks: list[Task] = []
        #: a task, and one from which a token has come to it
        self.links: list[tuple[Task, Task]] = []
        self.changes: list[Change] = []
        #: hold back links and changes at the next flush
        self.only_tasks = False
        #: the moments at which savepoints were set
        self.savepoints: dict[Any, tuple[int, int, int]] = {}
        self._written = self.mark()

    def pending(self) -> list[Task]:
        """The tasks that are not stored yet."""
        return self.tasks[self._written[0] :]

    def write(self) -> None:
        """Store what is not stored yet. The processes must be."""
        tasks, links, changes = self._written
        self._written = (len(self.tasks), links, changes)
        self._store([task for task in self.tasks[tasks:] if not inspect(task).has_identity])
        if self.only_tasks:
            return
        self._written = self.mark()
        self._insert(
            task_link, [{"task_id": task.id, "previous_id": last.id} for task, last in self.links[links:]]
        )
        self._insert(Event.__table__, [self._event(change) for change in self.changes[changes:]])

    def _store(self, tasks: list[Task]) -> None:
        """Insert tasks, and make them objects of the session."""
        rows = [_row(task) for task in tasks]
        if not rows:
            return
        keys = self.session.connection().scalars(_INSERT_TASKS, rows)
        for task, row, key in zip(tasks, rows, keys, strict=True):
            inspect(task).dict.update(row, id=key, _sentinel=None)
            make_transient_to_detached(task)
        self.session.add_all(tasks)

    def _event(self, change: Change) -> dict[str, Any]:
        return {
            "created": self.now,
            "user_id": change.user_id,
            "process_id": change.process.id,
            "task_id": None if change.task is None else change.task.id,
            "action": change.action,
            "from_state": change.before,
            "to_state": change.to,
            "detail": change.detail,
        }

    def _insert(self, table: Any, rows: list[dict[str, Any]]) -> None:
        if rows:
            self.session.connection().execute(insert(table), rows)

    def mark(self) -> tuple[int, int, int]:
        """This moment."""
        return len(self.tasks), len(self.links), len(self.changes)

    def cut(self, mark: tuple[int, int, int]) -> Part:
        """Forget what came after a moment, and return it."""
        tasks, links, changes = mark
        part = Part(self.tasks[tasks:], self.links[links:], self.changes[changes:])
        del self.tasks[tasks:], self.links[links:], self.changes[changes:]
        self._written = tuple(map(min, self._written, mark))  # type: ignore[assignment]
        return part

    def paste(self, part: Part) -> None:
        """Remember again what was cut."""
        self.tasks.extend(part.tasks)
        self.links.extend(part.links)
        self.changes.extend(part.changes)


def _row(task: Task) -> dict[str, Any]:
    values: dict[str, Any] = inspect(task).dict
    row = {name: values.get(name) for name in _NAMES}
    row["process_id"] = task.process.id
    if (owner := values.get("owner")) is not None:
        row["owner_id"] = owner.id
    return row
