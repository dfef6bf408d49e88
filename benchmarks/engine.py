"""Processes a second, beside the floor: the same rows written by hand, in as few statements as can be.

python benchmarks/engine.py
"""

from __future__ import annotations

import functools
import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from places import places
from sqlalchemy import Connection, insert, select, update

from portal import flow, this
from portal.models import Event, Process, Task, User, create_user, db, task_link

#: seconds that each measurement runs
SECONDS = 3.0
BRANCHES = 10


def nothing(activation: Any) -> None: ...


class StraightFlow(flow.Flow):
    """Five steps of code in a row"""

    start = flow.StartHandle().Next(this.first)
    first = flow.Function(nothing).Next(this.second)
    second = flow.Function(nothing).Next(this.third)
    third = flow.Function(nothing).Next(this.end)
    end = flow.End()


class HumanFlow(flow.Flow):
    """One task of a person: started, taken, done"""

    start = flow.StartHandle().Next(this.approve)
    approve = flow.ManualTask().Next(this.end)
    end = flow.End()


class FanOutFlow(flow.Flow):
    """Ten branches and a join"""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(
        this.work, task_data_source=lambda activation: [{"number": i} for i in range(BRANCHES)]
    )
    work = flow.Function(nothing).Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()


class ChildFlow(flow.Flow):
    """What the subprocess does"""

    start = flow.StartHandle().Next(this.work)
    work = flow.Function(nothing).Next(this.end)
    end = flow.End()


class ParentFlow(flow.Flow):
    """A process in a process"""

    start = flow.StartHandle().Next(this.child)
    child = flow.Subprocess(ChildFlow.start).Next(this.end)
    end = flow.End()


def main() -> None:
    print(f"{'':24}{'engine':>10}{'floor':>10}   processes a second; the engine takes so many times as long")
    for name, _ in places([__name__]):
        bob_id = create_user("bob", is_superuser=True).id
        for what, engine, floor in (
            ("straight", StraightFlow.start.run, straight(StraightFlow)),
            ("human", functools.partial(human, bob_id), human_floor(bob_id)),
            ("fan-out", FanOutFlow.start.run, straight(FanOutFlow)),
            ("subprocess", ParentFlow.start.run, straight(ParentFlow)),
        ):
            fast, slow = per_second(floor, engine)
            print(f"{name + ', ' + what:24}{slow:10.0f}{fast:10.0f}{fast / slow:10.1f} times")


def per_second(*calls: Callable[[], Any]) -> list[float]:
    """How often each can be done; they take turns, so that a busy machine slows all of them down alike."""
    times: list[list[float]] = [[] for _ in calls]
    end = time.perf_counter() + SECONDS * len(calls)
    while time.perf_counter() < end or len(times[0]) < 10:
        for call, taken in zip(calls, times, strict=True):
            before = time.perf_counter()
            call()
            taken.append(time.perf_counter() - before)
    return [1 / statistics.median(taken[3:]) for taken in times]


def human(bob_id: int) -> None:
    process = HumanFlow.start.run()
    session = db.session()
    task = session.scalars(
        select(Task).where(Task.process_id == process.id, Task.flow_task == "approve")
    ).one()
    for action in ("assign", "execute"):
        with task.activation(bob_id) as activation:
            getattr(activation, action)(*([activation.user] if action == "assign" else []))
    session.expunge_all()


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


def straight(flow_class: Any) -> Callable[[], None]:
    rows = Rows(flow_class.start.run().id)

    def floor() -> None:
        processes, tasks, links, events = rows.renewed()
        with action() as connection:
            for process in processes:  # a child's row names a task of its parent's
                write(connection, Process.__table__, [process])
                write(connection, Task.__table__, [t for t in tasks if t["process_id"] == process["id"]])
            write(connection, task_link, links)
            write(connection, Event.__table__, events)

    return floor


def human_floor(bob_id: int) -> Callable[[], None]:
    """Three actions: the last two lock the process with who acts, read the task, and write."""
    human(bob_id)
    newest = db.session.scalar(
        select(Process.id).where(Process.flow_label == "human").order_by(Process.id.desc()).limit(1)
    )
    assert newest is not None
    rows = Rows(newest)
    process_table, task_table = Process.__table__, Task.__table__

    def lock(connection: Connection, process: dict[str, Any], task: dict[str, Any]) -> None:
        actor = User.__table__.c.id == bob_id
        query = select(process_table, User.__table__).outerjoin_from(process_table, User.__table__, actor)
        query = query.where(process_table.c.id == process["id"])
        connection.execute(query.with_for_update(of=process_table)).all()
        connection.execute(select(task_table).where(task_table.c.id == task["id"])).all()

    def change(connection: Connection, table: Any, row: dict[str, Any], *names: str) -> None:
        connection.execute(
            update(table).where(table.c.id == row["id"]).values({name: row[name] for name in names})
        )

    def floor() -> None:
        [process], (start, approve, end), links, events = rows.renewed()
        with action() as connection:
            write(connection, process_table, [{**process, "status": "NEW", "finished": None, "ended": False}])
            fresh = {**approve, "status": "NEW", "finished": None, "assigned": None, "owner_id": None}
            write(connection, task_table, [start, fresh])
            write(connection, task_link, links[:1])
            write(connection, Event.__table__, events[:3])
        with action() as connection:
            lock(connection, process, approve)
            change(
                connection, task_table, {**approve, "status": "ASSIGNED"}, "status", "assigned", "owner_id"
            )
            write(connection, Event.__table__, events[3:4])
        with action() as connection:
            lock(connection, process, approve)
            change(connection, task_table, approve, "status", "finished")
            change(connection, process_table, process, "status", "finished", "ended", "task_count")
            write(connection, task_table, [end])
            write(connection, task_link, links[1:])
            write(connection, Event.__table__, events[4:])

    return floor


if __name__ == "__main__":
    main()
