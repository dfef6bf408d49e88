"""Memory of a web process and of workers while 10,000 processes go through them: it should not grow.

With `--steps` what a web process takes from its start to a round of all pages, in the demo company.

python benchmarks/memory.py [number of processes [local|celery]] [--steps]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from places import application, places
from server import PASSWORD, ROOT, Browser, broker, celery, environment, memory, until, web, worker
from sqlalchemy import func, select

from portal.demo import DEMO_PASSWORD, make_demo
from portal.models import Process, create_user, db

PEOPLE = 4
#: where it is looked at, in parts of the whole; the first tenth warms caches up
STEPS = (0.1, 0.25, 0.5, 0.75, 1.0)
#: what may be more at the end than after the first tenth
TARGET = 1.1


def main(number: int, executor: str) -> None:
    for name, app in places(["small"]):
        create_user("erin", PASSWORD, is_superuser=True)
        url = app.extensions["portal"].database_url
        with ExitStack() as stack:
            address, server = stack.enter_context(web(url, "small", workers=1))
            watched = {"web": server}
            settings = {}
            if executor == "celery":
                settings = stack.enter_context(broker())
                watched["Celery"] = stack.enter_context(celery(url, "small", 1, **settings))
            watched["worker"] = stack.enter_context(worker(url, "small", **settings))
            measure(name, address, number, watched)


def steps() -> None:
    """A process of its own prints them; here is only made what it shows."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'demo.sqlite'}"
        with application(url, ["flows"], STORAGE=folder):
            make_demo()
        # what is installed has been compiled: a process that compiles its modules itself takes 2 MB more
        surroundings = environment(url, "flows") | {"PYTHONPYCACHEPREFIX": folder, "PORTAL_STORAGE": folder}
        surroundings.pop("PYTHONDONTWRITEBYTECODE", None)
        script = str(Path(__file__).with_name("memory_steps.py"))
        subprocess.run([sys.executable, "-c", "import wsgi"], cwd=ROOT, env=surroundings, check=True)
        command = [sys.executable, script, url, "carol", DEMO_PASSWORD]
        subprocess.run(command, cwd=ROOT, env=surroundings, check=True)


def measure(name: str, address: str, number: int, watched: dict[str, Any]) -> None:
    browsers = [Browser(address, "erin") for _ in range(PEOPLE)]
    print(f"{name:24}{''.join(f'{who:>10}' for who in watched)}   megabytes")
    found, done = [], 0
    for step in STEPS:
        start(browsers, done, int(number * step))
        done = int(number * step)
        until(lambda count=done: finished() >= count, 600)  # type: ignore[misc]
        found.append([memory(each) for each in watched.values()])
        print(f"{done:20,}    {''.join(f'{each:10.1f}' for each in found[-1])}", flush=True)
    ratios = [last / first for first, last in zip(found[0], found[-1], strict=True)]
    verdict = "" if max(ratios) <= TARGET else f"   more than {TARGET}"
    print(f"{'growth':24}{''.join(f'{each:10.2f}' for each in ratios)}{verdict}", flush=True)


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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("number", type=int, nargs="?", default=10_000)
    parser.add_argument("executor", choices=["local", "celery"], nargs="?", default="local")
    parser.add_argument("--steps", action="store_true", help="what a web process takes, from its start on")
    chosen = parser.parse_args()
    if chosen.steps:
        steps()
    else:
        main(chosen.number, chosen.executor)
