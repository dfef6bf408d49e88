"""Processes a second, beside the floor: the same rows written by hand, in as few statements as can be.

python benchmarks/engine.py
"""

from __future__ import annotations

import functools
import itertools
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


def main() -> None:
    print(f"{'':24}{'engine':>10}{'floor':>10}   processes a second; the engine takes so many times as long")
    for name, _ in places([__name__]):
        bob_id = create_user("bob", is_superuser=True).id
        for what, engine, floor in (
            ("straight", StraightFlow.start.run, straight(StraightFlow)),
            ("human", functools.partial(human, bob_id), human_floor(bob_id)),
            ("fan-out", FanOutFlow.start.run, straight(FanOutFlow)),
        ):
            fast, slow = per_second(floor), per_second(engine)
            print(f"{name + ', ' + what:24}{slow:10.0f}{fast:10.0f}{fast / slow:10.1f} times")


def per_second(call: Callable[[], Any]) -> float:
    for _ in range(3):
        call()
    count, before = 0, time.perf_counter()
    while (now := time.perf_counter()) - before < SECONDS:
        call()
        count += 1
    return count / (now - before)


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

    #: SQLite gives the engine the key behind the last one, so each floor begins far above
    ranges = itertools.count(10**9, 10**9)

    def __init__(self, process_id: int) -> None:
        self.keys = itertools.count(next(self.ranges))
        self.process = self._read(Process.__table__, Process.__table__.c.id == process_id)[0]
        self.tasks = self._read(Task.__table__, Task.__table__.c.process_id == process_id)
        ids = [task["id"] for task in self.tasks]
        self.links = self._read(task_link, task_link.c.task_id.in_(ids))
        self.events = self._read(Event.__table__, Event.__table__.c.process_id == process_id)
        db.session.remove()

    def _read(self, table: Any, criterion: Any) -> list[dict[str, Any]]:
        columns = [column for column in table.c if column.name != "_sentinel"]
        return [
            dict(row)
            for row in db.session.execute(
                select(*columns).where(criterion).order_by(*table.primary_key)
            ).mappings()
        ]

    def renewed(self) -> tuple[dict[str, Any], list[Any], list[Any], list[Any]]:
        """A process, its tasks, links and events with keys that nothing has yet."""
        process = {**self.process, "id": next(self.keys)}
        key = {task["id"]: next(self.keys) for task in self.tasks}
        tasks = [{**task, "id": key[task["id"]], "process_id": process["id"]} for task in self.tasks]
        links = [{name: key[value] for name, value in link.items()} for link in self.links]
        events = [
            {
                **event,
                "id": next(self.keys),
                "process_id": process["id"],
                "task_id": key.get(event["task_id"]),
            }
            for event in self.events
        ]
        return process, tasks, links, events


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
        process, tasks, links, events = rows.renewed()
        with action() as connection:
            write(connection, Process.__table__, [process])
            write(connection, Task.__table__, tasks)
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
        process, (start, approve, end), links, events = rows.renewed()
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
