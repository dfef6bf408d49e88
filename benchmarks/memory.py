"""Memory of a web process and of a worker while 10,000 processes go through them: it should not grow.

python benchmarks/memory.py [number of processes]
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from places import places
from server import PASSWORD, Browser, memory, until, web, worker
from sqlalchemy import func, select

from portal.models import Process, create_user, db

PEOPLE = 4
#: where it is looked at, in parts of the whole; the first tenth warms caches up
STEPS = (0.1, 0.25, 0.5, 0.75, 1.0)
#: what may be more at the end than after the first tenth
TARGET = 1.1


def main(number: int) -> None:
    for name, app in places(["small"]):
        create_user("erin", PASSWORD, is_superuser=True)
        url = app.extensions["portal"].database_url
        with web(url, "small", workers=1) as (address, server), worker(url, "small") as clock:
            browsers = [Browser(address, "erin") for _ in range(PEOPLE)]
            print(f"{name:24}{'web':>10}{'worker':>10}   megabytes of their own")
            found, done = [], 0
            for step in STEPS:
                start(browsers, done, int(number * step))
                done = int(number * step)
                until(lambda count=done: finished() >= count, 600)  # type: ignore[misc]
                found.append((memory(server), memory(clock)))
                print(f"{done:20,}    {found[-1][0]:10.1f}{found[-1][1]:10.1f}")
            ratios = [last / first for first, last in zip(found[0], found[-1], strict=True)]
            verdict = "" if max(ratios) <= TARGET else f"   more than {TARGET}"
            print(f"{'growth':24}{ratios[0]:10.2f}{ratios[1]:10.2f}{verdict}")


def start(browsers: list[Browser], done: int, up_to: int) -> None:
    def share(position: int) -> None:
        for each in range(done + position, up_to, PEOPLE):
            browsers[position].post("/flows/small/start/start", text=f"Message {each}")

    with ThreadPoolExecutor(PEOPLE) as people:
        list(people.map(share, range(PEOPLE)))


def finished() -> int:
    count = db.session.scalar(select(func.count()).where(Process.status == "DONE"))
    db.session.remove()
    return count or 0


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
