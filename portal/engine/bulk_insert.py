"""Inserts the rows that one action adds: tasks, the links between them, and history.

They are many, and each kind is written in one statement behind each flush, see `statements`. From then on a task is
an object of the session like any other.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.orm import Session, make_transient
from sqlalchemy.orm.attributes import instance_state

from portal.models import Process, Task

from .statements import placing, writing


@dataclass(eq=False, slots=True)
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
    trace: str | None

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
        """Remove the tasks from the session: a rollback removes their rows, and does not know the objects as new."""
        _leave(session, self.tasks)


def _leave(session: Session, tasks: Iterable[Task | None]) -> None:
    for task in tasks:
        if task is not None and task in session:
            session.expunge(task)


class Rows:
    """The rows that an action has added so far, the oldest first."""

    def __init__(self, session: Session, now: dt.datetime) -> None:
        self.session = session
        self.now = now
        self.tasks: list[Task] = []
        #: a task, and one from which a token has come to it
        self.links: list[tuple[Task, Task]] = []
        self._linked: set[tuple[Task, Task]] = set()
        #: the links by either side, as far as somebody has asked for them
        self._previous: defaultdict[Task, list[Task]] = defaultdict(list)
        self._leading: defaultdict[Task, list[Task]] = defaultdict(list)
        self._indexed = 0
        self.changes: list[Change] = []
        #: hold back links and changes at the next flush
        self.only_tasks = False
        #: gives new processes what they are to be stored with, or else it is written behind them
        self.complete: Callable[[], None] | None = None
        #: new processes that are stored already, beside the unit of work
        self.stored: list[Process] = []
        #: whether somebody has asked to hear of what is new in the queue; None where no statement has told it
        self.heard: bool | None = None
        #: the moments at which savepoints were set
        self.savepoints: dict[Any, tuple[int, int, int]] = {}
        #: whether this is the last flush: a task that is done is an object of the session then only where somebody
        #: else holds it, see `let_go`
        self.last = False
        #: what SQLAlchemy knows of those tasks, and of all that are no longer held here
        self.late: list[Any] = []
        self._let_go: list[Any] = []
        self._written = self.mark()

    @property
    def waits(self) -> bool:
        """Whether something is not stored yet."""
        return self._written != self.mark()

    def pending(self) -> list[Task]:
        """The tasks that are not stored yet."""
        return self.tasks[self._written[0] :]

    def write_changes(self, new: Iterable[Any], changed: Iterable[Any]) -> None:
        """Store new processes, and what was changed of processes and tasks, where these are plain rows of ours.

        Args:
            new: the objects that the session is to insert.
            changed: those of it that hold changes.
        """
        if self.complete is not None and new and self.session.info.get("guard") is None:
            self.complete()
        self.stored += writing.store(self.session, new, changed)

    def write(self) -> None:
        """Store what is not stored yet. The processes must be."""
        tasks, links, changes = self._written
        new = [task for task in self.tasks[tasks:] if not instance_state(task).has_identity]
        self._written = (len(self.tasks), links, changes) if self.only_tasks else self.mark()
        if self._written == (tasks, links, changes):
            return
        connection = self.session.connection()
        if new:
            self._store(connection, new)
        if self.only_tasks:
            return
        state: Any = instance_state  # which knows the key of what is stored
        pairs = [
            {"task_id": state(task).key[1][0], "previous_id": state(last).key[1][0]}
            for task, last in self.links[links:]
        ]
        events = [
            {
                "created": self.now,
                "user_id": change.user_id,
                "process_id": state(change.process).key[1][0],
                "task_id": None if change.task is None else state(change.task).key[1][0],
                "action": change.action,
                "from_state": change.before,
                "to_state": change.to,
                "detail": change.detail,
            }
            for change in self.changes[changes:]
        ]
        writing.insert_history(connection, pairs, events)

    def _store(self, connection: Connection, tasks: list[Task]) -> None:
        """Insert tasks, and make them objects of the session."""
        rows = [_row(task) for task in tasks]
        ids, heard = writing.insert_tasks(connection, rows)
        self.heard = self.heard if heard is None else heard
        identity = placing.TASK.identity_key_from_primary_key
        last = self.last and not placing.is_heard(self.session)
        for task, row, key in zip(tasks, rows, ids, strict=True):
            row["id"] = key
            if last and row["status"] == "DONE":
                state: Any = instance_state(task)
                state.key = identity((key,))
                self.late.append(state)
            else:
                placing.attach(self.session, task, identity((key,)))

    def leave(self) -> None:
        """Remove what was stored from the session: a rollback removes the rows, and does not know the objects as
        new."""
        self.complete = None
        self.cut((0, 0, 0)).leave(self.session)
        _leave(self.session, [state.obj() for state in self._let_go])
        for process in self.stored:
            make_transient(process)

    def let_go(self) -> None:
        """Hold no task any more; where the commit fails, those that somebody else holds leave the session still."""
        self._let_go = [instance_state(task) for task in self.tasks]
        self.cut((0, 0, 0))
        self.join_session()

    def join_session(self) -> None:
        """Make objects of the session of what is none yet: what reads tasks is to find those that are there."""
        for state in self.late:
            task = state.obj()
            if task is not None:
                placing.attach(self.session, task, state.key)
        self.late = []

    def link(self, task: Task, previous: Task) -> None:
        """A token has come from one task to another."""
        self.links.append((task, previous))
        self._linked.add((task, previous))

    def links_to(self, task: Task, previous: Task) -> bool:
        return (task, previous) in self._linked

    def previous(self, task: Task) -> list[Task]:
        """From which tasks a token has come to one."""
        self._index()
        return self._previous.get(task, [])

    def leading(self, task: Task) -> list[Task]:
        """To which tasks a token has gone from one."""
        self._index()
        return self._leading.get(task, [])

    def _index(self) -> None:
        for task, previous in self.links[self._indexed :]:
            self._previous[task].append(previous)
            self._leading[previous].append(task)
        self._indexed = len(self.links)

    def mark(self) -> tuple[int, int, int]:
        """This moment."""
        return len(self.tasks), len(self.links), len(self.changes)

    def cut(self, mark: tuple[int, int, int]) -> Part:
        """Forget what came after a moment, and return it."""
        tasks, links, changes = mark
        part = Part(self.tasks[tasks:], self.links[links:], self.changes[changes:])
        self._linked.difference_update(part.links)
        if links < self._indexed:
            self._previous.clear()
            self._leading.clear()
            self._indexed = 0
        del self.tasks[tasks:], self.links[links:], self.changes[changes:]
        self._written = tuple(map(min, self._written, mark))  # type: ignore[assignment]
        return part

    def paste(self, part: Part) -> None:
        """Remember again what was cut."""
        self.tasks.extend(part.tasks)
        self.links.extend(part.links)
        self._linked.update(part.links)
        self.changes.extend(part.changes)


def _row(task: Task) -> dict[str, Any]:
    """The values of a new task: it holds one for each of its columns."""
    values: dict[str, Any] = instance_state(task).dict
    values["process_id"] = values["process"].id
    if (owner := values.get("owner")) is not None:
        values["owner_id"] = owner.id
    return values
