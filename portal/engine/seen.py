"""What one transaction has seen of processes and tasks, and what it has made of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import instance_state

from portal.models import Process, Task

from .known import Known


def among_open(query: Any) -> Any:
    """Restrict a query for open tasks of a process to an index of these.

    SQLite would choose an index of all tasks that the process ever had; with a bound of its second column, which all
    names are above, it takes `ix_portal_task_open`.
    """
    return query.where(Task.flow_task > "")


class Seen:
    """The processes and tasks that a transaction knows, so that it asks the database for no others than those that
    are missing."""

    def __init__(self, session: Session) -> None:
        self.session = session
        #: every task seen, by process
        self.tasks: dict[Process, Known] = {}
        #: processes of which the database knows no other open task than those seen here
        self.alone: set[Process] = set()
        #: what was made in this transaction: the database knows no other task of such a process, no other child of
        #: such a task
        self.made: set[Process | Task] = set()
        #: the children that were started in this transaction, by the key of their parent's task
        self.children: dict[int, list[Process]] = {}
        #: what SQLAlchemy knows of each object that was seen, which holds none of them
        self._states: list[Any] = []

    def add(self, *tasks: Task) -> None:
        for task in tasks:
            known = self.tasks.get(task.process)
            if known is None:
                known = self.tasks[task.process] = Known()
            known.add(task)

    def has_all(self, process: Process) -> bool:
        """Whether the database has no open task of a process that is not seen yet."""
        return process in self.made or process in self.alone

    def of(self, process: Process) -> list[Task]:
        return list(self.tasks.get(process, ()))

    def at(self, process: Process, node: str) -> list[Task]:
        """Those of a node."""
        return self.tasks[process].at(node) if process in self.tasks else []

    def number(self, process: Process, number: int) -> Task | None:
        return self.tasks[process].number(number) if process in self.tasks else None

    def ids(self, process: Process) -> list[int]:
        return [task.id for task in self.tasks.get(process, ()) if task.__dict__.get("id") is not None]

    def find(self, process: Process, *criteria: Any) -> list[Task]:
        """Open tasks of a process; what is pending is written first."""
        self.session.flush()
        query = select(Task).where(Task.process_id == process.id, Task.finished.is_(None), *criteria)
        found = list(self.session.scalars(among_open(query).order_by(Task.number)).unique())
        self.add(*found)
        return found

    def find_others(self, process: Process, *criteria: Any) -> list[Task]:
        """Open tasks that only the database knows yet. Nothing is written for it."""
        if self.has_all(process):
            return []
        query = select(Task).where(Task.process_id == process.id, Task.finished.is_(None), *criteria)
        with self.session.no_autoflush:
            query = among_open(query.where(Task.id.not_in(self.ids(process))))
            found = list(self.session.scalars(query).unique())
        self.add(*found)
        return found

    def forget(self, pending: Iterable[Task]) -> set[Task]:
        """Drop what a rollback has taken away. The tasks that are dropped.

        Args:
            pending: tasks that are not stored yet, and are there.
        """
        dropped: set[Task] = set()
        for process, tasks in list(self.tasks.items()):
            for gone in [task for task in tasks if task not in self.session and task not in pending]:
                tasks.drop(gone)
                self.made.discard(gone)
                dropped.add(gone)
            if process not in self.session:
                del self.tasks[process]
                self.made.discard(process)
        for parent, started in self.children.items():
            self.children[parent] = [process for process in started if process in self.session]
        return dropped

    def let_go(self) -> None:
        """Hold no task any more: the commit expires all that are there, and most of them nobody asks for again."""
        self._states = [
            instance_state(each) for process, tasks in self.tasks.items() for each in (process, *tasks)
        ]
        for held in (self.tasks, self.made, self.children):
            held.clear()

    def keep_keys(self) -> None:
        """Keep the primary keys of committed objects readable, although they have expired."""
        for state in self._states:
            if state.key is not None:
                _class, (state.dict["id"], *_), *_ = state.key
