"""The portal's side of the comparison."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context
from typing import Any

from floor import Rows, action, write
from places import application
from sqlalchemy import event, func, select, text

from peers.portal_site import flows
from peers.turns import Work, serve
from portal.engine import actions
from portal.engine.queue import timers
from portal.engine.reports import counting as reports
from portal.models import Event, Process, Task, create_user, db, task_link

#: what bob has in his inbox, and people who have other tasks
MINE, PEOPLE = 50, 200
TIMERS, PASSWORD = 100, "a long password"


def people() -> tuple[int, list[int]]:
    rights = ("hello.can_start", "hello.can_approve", "hello.view", "human.can_approve")
    bob = create_user("bob", PASSWORD, permissions=rights)
    return bob.id, [create_user(f"person{number}").id for number in range(PEOPLE)]


def fill(client: Any, bob_id: int, others: list[int], size: int) -> int:
    """Copy a process that waits for approval, with its rows, until so many tasks wait. The one that was copied."""
    process_id = start(client, 0)
    rows = Rows(process_id)
    rows.keys = itertools.count(1000)
    made: list[list[Any]] = [[], [], [], []]
    for number in range(1, size):
        new = rows.renewed()
        new[0][0]["data"] = {"text": f"Message {number}"}
        for task in new[1]:
            if task["status"] == "NEW" and (number < MINE or number % 2):
                task["status"], task["assigned"] = "ASSIGNED", task["created"]
                task["owner_id"] = bob_id if number < MINE else others[number % PEOPLE]
        for kind, each in zip(made, new, strict=True):
            kind.extend(each)
    with action() as connection:
        tables = (Process.__table__, Task.__table__, task_link, Event.__table__)
        for table, kind in zip(tables, made, strict=True):
            write(connection, table, kind)
            if connection.dialect.name == "postgresql" and "id" in table.c:
                sequence = func.pg_get_serial_sequence(table.name, "id")
                connection.execute(select(func.setval(sequence, next(rows.keys))))
        connection.execute(text("ANALYZE"))
    return process_id


def task_of(process_id: Any) -> int:
    """The task of a person in a process."""
    found = db.session.scalars(
        select(Task.id).where(Task.process_id == process_id, Task.flow_task == "approve")
    )
    return found.one()


def human(bob_id: int) -> None:
    session = db.session()
    task_id = task_of(flows.HumanFlow.start.run().id)
    for name in ("assign", "execute"):
        with actions.activation(session, task_id, bob_id) as activation:
            if name == "assign":
                activation.assign(activation.user)
            else:
                activation.execute()
    session.expunge_all()


def as_served(request: Callable[[], Any]) -> Any:
    """Outside the application's context, which is open here: a request has one of its own, and a session with it."""
    return Context().run(request)


def posted(client: Any, path: str, **values: str) -> None:
    answer = as_served(lambda: client.post(path, data=values))
    assert answer.status_code in (302, 303), f"{path}: {answer.status_code}"


def start(client: Any, number: int) -> int:
    posted(client, "/flows/hello/start/start", text=f"Message {number}")
    db.session.rollback()  # what was begun before sees nothing of it
    found = db.session.scalar(select(func.max(Process.id)))
    db.session.rollback()
    assert found is not None
    return found


def posts(client: Any) -> None:
    """Start, take and approve."""
    task_id = task_of(start(client, 1))
    db.session.rollback()
    posted(client, f"/tasks/{task_id}/assign")
    posted(client, f"/tasks/{task_id}/execute", approved="y")


def page(client: Any, path: str) -> Work:
    def get() -> None:
        assert as_served(lambda: client.get(path)).status_code == 200, path

    get()
    return Work(get)


def count_history() -> None:
    """For the figures on pages, as workers do, who are not there."""
    while reports.turn(db.session()):
        pass


def nap() -> None:
    for _ in range(TIMERS):
        flows.NapFlow.start.run()


def fire() -> None:
    """As `portal timers fire` does."""
    fired = 0
    while found := timers.claim_due(db.session(), timers.now(), 20):
        fired += timers.fire_all(db.session(), found)
    assert fired == TIMERS


@contextmanager
def counting() -> Iterator[list[str]]:
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, sql: str, *_rest: Any) -> None:
        found.append(sql)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def main(size: int) -> None:
    with application(os.environ["PEER_DATABASE"], ["peers.portal_site.flows"]) as app:
        bob_id, others = people()
        client = app.test_client()
        posted(client, "/login", username="bob", password=PASSWORD)
        process_id = fill(client, bob_id, others, size)
        serve(
            {
                "straight": Work(flows.StraightFlow.start.run),
                "human": Work(lambda: human(bob_id)),
                "posts": Work(lambda: posts(client)),
                "fan 10": Work(flows.FanFlow.start.run),
                "fan 100": Work(flows.WideFlow.start.run),
                "timers": Work(fire, nap, TIMERS),
                "inbox": page(client, "/inbox"),
                "queue": page(client, "/queue"),
                "dashboard": Work(page(client, "/flows/hello").act, count_history),
                "process": page(client, f"/processes/{process_id}"),
            },
            counting,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]))
