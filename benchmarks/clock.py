"""Timers and jobs a second with workers in processes of their own, local and on Celery, and how late timers fire.

The floor is one process that writes the same rows by hand, in as many transactions and as few statements as can be.
The broker of Celery is the one of the tests, which speaks as Redis does.

python benchmarks/clock.py [number of timers]
"""

from __future__ import annotations

import datetime as dt
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from floor import Rows, action, write
from places import places
from server import broker, celery
from sqlalchemy import bindparam, func, insert, select, update

from portal import flow, this
from portal.engine.queue import timers
from portal.models import Event, Process, Task, db, task_link

HERE = Path(__file__).parent
FAR = dt.timedelta(days=1)
#: timers a second in the test of lateness: far below what a dispatcher can do
STEADY = 20
COUNT = 5000


class NapFlow(flow.Flow):
    """A timer"""

    start = flow.StartHandle().Next(this.wait)
    wait = flow.Timer(FAR).Next(this.end)
    end = flow.End()


class ChoreFlow(flow.Flow):
    """A job"""

    start = flow.StartHandle().Next(this.wait)
    wait = flow.Job(lambda activation: None).Next(this.end)
    end = flow.End()


def main(count: int) -> None:
    for name, app in places([__name__]):
        url = app.config["SQLALCHEMY_DATABASE_URI"]
        measure(name, url, NapFlow, count, (1, 2, 4, 8))
        measure(name, url, ChoreFlow, count // 5, (1, 2))
        with broker() as settings:
            measure(name, url, ChoreFlow, count // 5, (1, 2), settings)
        for dispatchers in (1, 4):
            with workers(url, dispatchers):
                ids = make(NapFlow, STEADY * 5)
                late = lateness(run(ids, spread=1 / STEADY))
                print(
                    f"{name}, {dispatchers} dispatchers, {STEADY} timers a second: late by "
                    f"{late[0]:.0f} ms (p50), {late[1]:.0f} ms (p99)"
                )


def measure(
    name: str,
    url: str,
    flow_class: Any,
    count: int,
    dispatchers: tuple[int, ...],
    broker: dict[str, str] | None = None,
) -> None:
    """Print how many a second so many dispatchers do; with the settings of a broker, as many processes of Celery."""
    what = "timers" if flow_class is NapFlow else "jobs on Celery" if broker else "jobs"
    who = "processes of Celery" if broker else "dispatchers"
    by_hand = floor_of(flow_class, min(count, 500))
    print(f"{name}: floor {by_hand:.0f} {what} a second")
    for number in dispatchers:
        ids = make(flow_class, count)
        with on_celery(url, broker, number) if broker else workers(url, number):
            tasks = run(ids)
        seconds = (max(task.finished for task in tasks) - tasks[0].scheduled).total_seconds()
        p50, p99 = lateness(tasks)
        print(
            f"{name}, {number} {who}: {count} {what} due at once, {count / seconds:.0f} a second "
            f"({by_hand * seconds / count:.2f} times the floor's time), p50 {p50:.0f} ms, p99 {p99:.0f} ms"
        )


# -- rows ----------------------------------------------------------------------------------------------------


def make(flow_class: Any, count: int) -> list[int]:
    """So many processes that wait, written by hand: the ids of the tasks that wait."""
    rows = Rows(waiting(flow_class))
    made: list[list[Any]] = [[], [], [], []]
    for _ in range(count):
        for kind, new in zip(made, rows.renewed(), strict=True):
            kind.extend(new)
    with action() as connection:
        for table, found in zip(
            (Process.__table__, Task.__table__, task_link, Event.__table__), made, strict=True
        ):
            connection.execute(insert(table), found)
    return [task["id"] for task in made[1] if task["flow_task"] == "wait"]


def waiting(flow_class: Any) -> int:
    """The id of a process that waits for a moment that does not come by itself."""
    process_id = int(flow_class.start.run().id)
    db.session.remove()  # whose view of SQLite would stay that of before the change
    with action() as connection:
        open_ = Task.process_id == process_id, Task.finished.is_(None)
        connection.execute(update(Task).where(*open_).values(scheduled=timers.now() + FAR))
    return process_id


def run(ids: list[int], spread: float = 0.0) -> list[Any]:
    """Let the tasks fall due soon, wait until all are done, and return them."""
    begin = timers.now() + dt.timedelta(seconds=1)
    moments = [{"key": key, "moment": begin + dt.timedelta(seconds=i * spread)} for i, key in enumerate(ids)]
    with action() as connection:
        due = update(Task.__table__).where(Task.__table__.c.id == bindparam("key"))
        connection.execute(due.values(scheduled=bindparam("moment")), moments)
    mine = Task.id.between(min(ids), max(ids)), Task.flow_task == "wait"
    while db.session.scalar(select(func.count(Task.id)).where(*mine, Task.finished.is_(None))):
        db.session.rollback()
        time.sleep(0.5)
    fired = select(func.count()).select_from(Event).join(Task, Task.id == Event.task_id)
    done = db.session.scalar(fired.where(*mine, Event.to_state == "DONE"))
    assert done == len(ids), f"{len(ids)} tasks were done {done} times"
    tasks = db.session.execute(select(Task.scheduled, Task.finished).where(*mine)).all()
    db.session.rollback()
    return list(tasks)


def lateness(tasks: list[Any]) -> tuple[float, float]:
    late = sorted((task.finished - task.scheduled).total_seconds() * 1000 for task in tasks)
    return statistics.median(late), late[int(len(late) * 0.99)]


# -- who does it ---------------------------------------------------------------------------------------------


def settings_of(url: str) -> dict[str, str]:
    return {
        "PORTAL_DATABASE_URL": url,
        "PORTAL_FLOWS": Path(__file__).stem,
        "PYTHONPATH": os.pathsep.join([str(HERE.parent), str(HERE)]),
    }


@contextmanager
def on_celery(url: str, settings: dict[str, str], number: int) -> Iterator[None]:
    """Run one `portal worker` that sends, and a Celery worker of so many processes that does the jobs."""
    with celery(url, Path(__file__).stem, number, **settings), workers(url, 1, **settings):
        warm = make(ChoreFlow, 20)
        run(warm)  # until all of its processes have begun
        yield


@contextmanager
def workers(url: str, number: int, **settings: str) -> Iterator[None]:
    """Run so many `portal worker`."""
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "portal", "worker"],
            env=os.environ | settings_of(url) | settings,
            stdout=subprocess.PIPE,
        )
        for _ in range(number)
    ]
    try:
        for each in started:
            assert each.stdout is not None
            assert b"runs" in each.stdout.readline()
        yield
    finally:
        for each in started:
            each.terminate()
        for each in started:
            assert each.wait(60) == 0


def floor_of(flow_class: Any, count: int) -> float:
    """How many a second one process writes by hand."""
    once = by_hand(flow_class)
    before = time.perf_counter()
    for _ in range(count):
        once()
    return count / (time.perf_counter() - before)


def by_hand(flow_class: Any) -> Callable[[], None]:
    """One transaction for a timer, two for a job; each locks the process, reads the task and writes."""
    process_id = waiting(flow_class)
    rows = Rows(process_id)
    now = timers.now()
    table, tasks = Process.__table__, Task.__table__
    count = [0]

    def lock(connection: Any, process: dict[str, Any], task: dict[str, Any]) -> None:
        connection.execute(select(table).where(table.c.id == process["id"]).with_for_update()).all()
        connection.execute(select(tasks).where(tasks.c.id == task["id"])).all()

    waits: list[Any] = []
    for _ in range(600):
        waits.append(rows.renewed())
    with action() as connection:
        for processes, made, links, events in waits:
            write(connection, table, processes)
            write(connection, tasks, made)
            write(connection, task_link, links)
            write(connection, Event.__table__, events)

    def once() -> None:
        [process], (_, task), [link], events = waits[count[0]]
        count[0] += 1
        event = {**events[-1], "created": now}
        end = {**task, "id": next(rows.keys), "number": 3, "flow_task": "end", "flow_task_type": "End"}
        if flow_class is ChoreFlow:
            with action() as connection:
                lock(connection, process, task)
                begun = {"status": "STARTED", "started": now, "attempt": 1, "lease": now}
                connection.execute(update(tasks).where(tasks.c.id == task["id"]).values(begun))
                write(connection, Event.__table__, [{**event, "id": next(rows.keys)}])
        with action() as connection:
            lock(connection, process, task)
            done = {"status": "DONE", "finished": now, "lease": None}
            connection.execute(update(tasks).where(tasks.c.id == task["id"]).values(done))
            closed = {"status": "DONE", "finished": now, "ended": True, "task_count": 3}
            connection.execute(update(table).where(table.c.id == process["id"]).values(closed))
            write(connection, tasks, [{**end, "status": "DONE", "finished": now}])
            write(connection, task_link, [{**link, "task_id": end["id"], "previous_id": task["id"]}])
            write(connection, Event.__table__, [{**event, "id": next(rows.keys)} for _ in range(3)])

    return once


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT)
