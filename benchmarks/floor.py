"""The floor: the rows of a process that the engine has run, written again by hand in the fewest statements."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Select, insert, select, update

from portal.models import Event, Process, Task, User, db, task_link


class Rows:
    """The rows of one process that the engine has run, to be written again under new keys."""

    #: the engine's keys are above zero: SQLite gives it the one behind the highest
    ranges = itertools.count(-(10**9), -(10**9))

    def __init__(self, process_id: int) -> None:
        self.keys = itertools.count(next(self.ranges))
        table = Process.__table__
        self.processes = self._read(table, (table.c.id == process_id) | (table.c.root_id == process_id))
        own = [process["id"] for process in self.processes]
        self.tasks = self._read(Task.__table__, Task.__table__.c.process_id.in_(own))
        ids = [task["id"] for task in self.tasks]
        self.links = self._read(task_link, task_link.c.task_id.in_(ids))
        self.events = self._read(Event.__table__, Event.__table__.c.process_id.in_(own))
        db.session.remove()

    def _read(self, table: Any, criterion: Any) -> list[dict[str, Any]]:
        columns = [column for column in table.c if column.name != "_sentinel"]
        return [
            dict(row)
            for row in db.session.execute(
                select(*columns).where(criterion).order_by(*table.primary_key)
            ).mappings()
        ]

    def renewed(self) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
        """Processes, their tasks, links and events with keys that nothing has yet."""
        own = {process["id"]: next(self.keys) for process in self.processes}
        key = {task["id"]: next(self.keys) for task in self.tasks}
        processes = [
            {
                **process,
                "id": own[process["id"]],
                "root_id": own.get(process["root_id"]),
                "parent_task_id": key.get(process["parent_task_id"]),
            }
            for process in self.processes
        ]
        tasks = [
            {**task, "id": key[task["id"]], "process_id": own[task["process_id"]]} for task in self.tasks
        ]
        links = [{name: key[value] for name, value in link.items()} for link in self.links]
        events = [
            {
                **event,
                "id": next(self.keys),
                "process_id": own[event["process_id"]],
                "task_id": key.get(event["task_id"]),
            }
            for event in self.events
        ]
        return processes, tasks, links, events


@contextmanager
def action() -> Iterator[Connection]:
    """One transaction that will write, as the engine opens it."""
    with db.engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


def write(connection: Connection, table: Any, rows: list[Any]) -> None:
    if rows:
        connection.execute(insert(table), rows)


def straight(process_id: int) -> Callable[[], None]:
    """One transaction for a process, and those below it, that ran through at once."""
    rows = Rows(process_id)

    def floor() -> None:
        processes, tasks, links, events = rows.renewed()
        with action() as connection:
            for process in processes:  # a child's row names a task of its parent's
                write(connection, Process.__table__, [process])
                write(connection, Task.__table__, [t for t in tasks if t["process_id"] == process["id"]])
            write(connection, task_link, links)
            write(connection, Event.__table__, events)

    return floor


def parts(process: dict[str, Any], tasks: list[Any], links: list[Any], events: list[Any]) -> list[Any]:
    """The tasks, links and events that each of the transactions has made."""
    moments = sorted({event["created"] for event in events})
    made = {task["id"]: task["created"] for task in tasks}
    return [
        (
            [task for task in tasks if task["created"] == moment],
            [link for link in links if made[link["task_id"]] == moment],
            [event for event in events if event["created"] == moment],
        )
        for moment in moments
    ]


def _fresh(task: dict[str, Any], process: dict[str, Any]) -> dict[str, Any]:
    """A task as it was at the end of the transaction that made it."""
    if task["finished"] is None or task["finished"] == process["created"]:
        return task
    status = "NEW" if task["scheduled"] is None else "SCHEDULED"
    return {**task, "status": status, "finished": None, "assigned": None, "owner_id": None}


def task_of(process_id: int) -> Select[tuple[int]]:
    """The task of a person in a process."""
    return select(Task.id).where(Task.process_id == process_id, Task.flow_task == "approve")


class Human:
    """A process in three transactions: started, its task taken, and done."""

    def __init__(self, process_id: int, user_id: int) -> None:
        self.rows, self.user_id = Rows(process_id), user_id

    def start(self) -> Any:
        [process], tasks, links, events = made = self.rows.renewed()
        begun, _, _ = parts(process, tasks, links, events)
        with action() as connection:
            write(
                connection,
                Process.__table__,
                [{**process, "status": "NEW", "finished": None, "ended": False}],
            )
            write(connection, Task.__table__, [_fresh(task, process) for task in begun[0]])
            write(connection, task_link, begun[1])
            write(connection, Event.__table__, begun[2])
        return made

    def assign(self, made: Any) -> Any:
        [process], tasks, links, events = made
        _, taken, _ = parts(process, tasks, links, events)
        with action() as connection:
            self._lock(connection, process, tasks[1])
            self._change(
                connection,
                Task.__table__,
                {**tasks[1], "status": "ASSIGNED"},
                "status",
                "assigned",
                "owner_id",
            )
            write(connection, Event.__table__, taken[2])
        return made

    def execute(self, made: Any) -> None:
        [process], tasks, links, events = made
        begun, _, done = parts(process, tasks, links, events)
        with action() as connection:
            self._lock(connection, process, tasks[1])
            for task in begun[0]:
                if task != _fresh(task, process):
                    self._change(connection, Task.__table__, task, "status", "finished")
            self._change(
                connection, Process.__table__, process, "data", "status", "finished", "ended", "task_count"
            )
            write(connection, Task.__table__, done[0])
            write(connection, task_link, done[1])
            write(connection, Event.__table__, done[2])

    def whole(self) -> None:
        made = self.start()
        with db.engine.connect() as connection:  # whoever acts has to find the task
            connection.scalars(task_of(made[0][0]["id"])).one()
        self.execute(self.assign(made))

    def _lock(self, connection: Connection, process: dict[str, Any], task: dict[str, Any]) -> None:
        """As the engine does: the process with who acts, then the task."""
        processes, users, tasks = Process.__table__, User.__table__, Task.__table__
        query = select(processes, users).outerjoin_from(processes, users, users.c.id == self.user_id)
        query = query.where(processes.c.id == process["id"])
        connection.execute(query.with_for_update(of=processes)).all()
        connection.execute(select(tasks).where(tasks.c.id == task["id"])).all()

    def _change(self, connection: Connection, table: Any, row: dict[str, Any], *names: str) -> None:
        values = {name: row[name] for name in names}
        connection.execute(update(table).where(table.c.id == row["id"]).values(values))
