"""The lists of one person among 1,000 and among 100,000 open tasks. They should take the same time.

python benchmarks/inbox.py
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from places import median, places
from sqlalchemy import insert, text

from portal import queries
from portal.models import Process, Task, User, create_user, db

SIZES = (1_000, 100_000)
#: what may be lost on the way from the small to the large one
TARGET = 1.5
#: what bob looks at. The flow's page counts what waits, so it grows; the others must not
PAGES = ("/inbox", "/queue", "/processes", "/flows/hello_world")
#: tasks in bob's own inbox, and people who have the rest
MINE, PEOPLE = 40, 200


def main() -> None:
    print(f"{'':28}{SIZES[0]:>12,}{SIZES[1]:>12,}   ratio")
    for name, app in places(["flows"]):
        bob_id, others = people()
        client = app.test_client()
        found: dict[str, list[float]] = {}
        done = 0
        for size in SIZES:
            fill(bob_id, others, done, size)
            done = size
            for what, took in measure(client, bob_id).items():
                found.setdefault(what, []).append(took)
        for what, (small, large) in found.items():
            ratio = large / small
            verdict = "" if ratio <= TARGET else f"   more than {TARGET}"
            print(f"{name + ', ' + what:28}{small:9.2f} ms{large:9.2f} ms{ratio:8.2f}{verdict}")


def people() -> tuple[int, list[int]]:
    others = [create_user(f"person{number}").id for number in range(PEOPLE)]
    bob = create_user("bob", "a long password", permissions=["hello_world.can_approve"])
    return bob.id, others


def fill(bob_id: int, others: list[int], done: int, size: int) -> None:
    """Add open tasks up to a number. Half of those that are not bob's are free for him, half are other people's."""
    moment = dt.datetime.now(dt.UTC)
    processes, tasks = [], []
    for number in range(done + 1, size + 1):
        process, task = rows(number, moment)
        if number <= MINE:
            task |= {"status": "ASSIGNED", "owner_id": bob_id}
        elif number % 2:
            task |= {"status": "ASSIGNED", "owner_id": others[number % PEOPLE]}
        processes.append(process)
        tasks.append(task)
    db.session.execute(insert(Process.__table__), processes)
    db.session.execute(insert(Task.__table__), tasks)
    db.session.commit()
    if db.engine.dialect.name == "postgresql":
        db.session.execute(text("ANALYZE"))  # as autovacuum does a little later
        db.session.commit()


def rows(number: int, moment: dt.datetime) -> tuple[dict[str, Any], dict[str, Any]]:
    process = {
        "id": number, "flow_label": "hello_world", "process_type": "flows.hello_world:HelloWorldProcess",
        "status": "NEW", "created": moment, "data": {"text": f"Message {number}"}, "task_count": 1,
        "ended": False, "on_hold": False,
    }  # fmt: skip
    task = {
        "id": number, "number": 1, "process_id": number, "flow_task": "approve", "flow_task_type": "View",
        "status": "NEW", "token": "start", "owner_id": None, "owner_permission": "hello_world.can_approve",
        "created": moment, "due": moment + dt.timedelta(minutes=number % 5000), "priority": number % 3, "data": {},
        "attempt": 0,
    }  # fmt: skip
    return process, task


def measure(client: Any, bob_id: int) -> dict[str, float]:
    def query() -> None:
        session = db.session()
        page = queries.inbox(session, session.get_one(User, bob_id))
        assert len(list(page)) == MINE
        session.rollback()
        session.expunge_all()

    def page(path: str) -> float:
        assert client.get(path).status_code == 200
        return median(lambda: client.get(path))

    client.post("/login", data={"username": "bob", "password": "a long password"})
    return {"query": median(query), **{path: page(path) for path in PAGES}}


if __name__ == "__main__":
    main()
