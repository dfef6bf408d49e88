"""The portal beside Viewflow: the same flows, the same work, in turn on the same database and machine.

Viewflow comes from the package index into an environment of its own; its flows and what drives them are ours, in
`peers/viewflow_site`. Both are asked to keep what they have written as surely: on SQLite a write-ahead log that is
flushed at each commit, on PostgreSQL the same server. The open package is compared; of its paid one nothing is known.

    python benchmarks/peer.py [--works human posts] [--rounds 5] [--databases sqlite] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from places import urls
from sqlalchemy import create_engine, make_url, text

HERE = Path(__file__).parent
PACKAGES = ("django-viewflow==2.4.*", "psycopg[binary]")
#: what is done, and whether it is given as so many a second or as so many milliseconds each
WORKS = {
    "straight": "/s", "human": "/s", "posts": "/s", "fan 10": "/s", "fan 100": "/s", "timers": "/s",
    "inbox": "ms", "queue": "ms", "dashboard": "ms", "process": "ms",
}  # fmt: skip


@dataclass
class Row:
    """What was found of one work on one database: theirs, then ours."""

    database: str
    work: str
    unit: str
    #: so many a second, or milliseconds each: the median of the rounds
    theirs: float
    ours: float
    #: how many times as fast ours is
    ratio: float
    #: milliseconds of the processor that each takes
    cpu: tuple[float, float]
    statements: tuple[float, float]


def main(chosen: argparse.Namespace) -> None:
    python = environment(chosen.environment)
    rows: list[Row] = []
    print(f"{'':26}{'Viewflow':>11}{'ours':>11}{'ratio':>8}{'CPU ms':>16}{'statements':>16}")
    with tempfile.TemporaryDirectory() as folder:
        for name, url in urls(Path(folder)):
            if name.lower() not in chosen.databases:
                continue
            with both(python, url, Path(folder), chosen.size) as sides:
                for work in chosen.works:
                    rows.append(compare(name, work, sides, chosen.rounds, chosen.seconds))
                    print(line(rows[-1]), flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")


def line(row: Row) -> str:
    pair = "{:.1f} → {:.1f}".format
    found = f"{row.theirs:9.1f}{row.unit}{row.ours:9.1f}{row.unit}{row.ratio:7.2f}x"
    return f"{row.database + ', ' + row.work:26}{found}{pair(*row.cpu):>16}{pair(*row.statements):>16}"


def compare(database: str, work: str, sides: list[Side], rounds: int, seconds: float) -> Row:
    """Let both do it in turn, so that a busy machine slows both of them down; who begins changes with each round."""
    for side in sides:
        side.ask(work, 0.0)  # warms up
    # The least of some: now and then a request also writes down when its session was last seen.
    statements = [min(side.ask(work, None)["statements"] for _ in range(3)) for side in sides]
    each: list[list[float]] = [[], []]
    cpu: list[list[float]] = [[], []]
    for number in range(rounds):
        for position in (0, 1) if number % 2 else (1, 0):
            found = sides[position].ask(work, seconds)
            each[position].append(found["seconds"] / found["count"])
            cpu[position].append(1000 * found["cpu"] / found["count"])
    theirs, ours = (statistics.median(found) for found in each)
    figures = (1 / theirs, 1 / ours) if WORKS[work] == "/s" else (1000 * theirs, 1000 * ours)
    medians = statistics.median(cpu[0]), statistics.median(cpu[1])
    return Row(database, work, WORKS[work], *figures, theirs / ours, medians, (statements[0], statements[1]))


class Side:
    """One of the two, in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", "it did not begin: see above"

    def ask(self, work: str, seconds: float | None) -> dict[str, float]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps({"work": work, "seconds": seconds}), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        assert answer, f"{work} failed: see above"
        found: dict[str, float] = json.loads(answer)
        return found


@contextmanager
def both(python: Path, url: str, folder: Path, size: int) -> Iterator[list[Side]]:
    """Viewflow's side and ours, each on a database of its own with so many tasks that wait."""
    with ExitStack() as stack:
        theirs = running(python, "peers.viewflow_site", json.dumps(for_django(url, folder)), size)
        ours = running(Path(sys.executable), "peers.portal_site", url, size)
        yield [Side(stack.enter_context(theirs)), Side(stack.enter_context(ours))]


@contextmanager
def running(python: Path, module: str, database: str, size: int) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [str(python), "-m", module, str(size)],
        env=os.environ
        | {
            "PEER_DATABASE": database,
            "DJANGO_SETTINGS_MODULE": "peers.viewflow_site.settings",
            "PYTHONPATH": os.pathsep.join((str(HERE), str(HERE.parent))),
        },
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None
    try:
        yield process
    finally:
        process.stdin.close()
        process.wait(60)


def for_django(url: str, folder: Path) -> dict[str, Any]:
    """The settings of a new database beside ours, as durable as it."""
    if url.startswith("sqlite"):
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(folder / "viewflow.sqlite"),
            "OPTIONS": {
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
                "transaction_mode": "IMMEDIATE",
            },
        }
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("CREATE DATABASE viewflow"))
    admin.dispose()
    place = make_url(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "viewflow",
        "USER": place.username,
        "HOST": place.query.get("host", place.host),
    }


def environment(folder: Path) -> Path:
    """The interpreter of an environment with Viewflow, made when it is not there yet."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        before = time.monotonic()
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True, stdout=sys.stderr)
        print(f"installed Viewflow in {time.monotonic() - before:.0f} s", file=sys.stderr)
    return python


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--works", nargs="+", choices=WORKS, default=list(WORKS))
    parser.add_argument(
        "--databases", nargs="+", choices=("sqlite", "postgresql"), default=("sqlite", "postgresql")
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each work in each round")
    parser.add_argument("--size", type=int, default=10_000, help="how many tasks wait in the database")
    parser.add_argument(
        "--environment", type=Path, default=HERE / ".viewflow", help="where Viewflow is installed"
    )
    parser.add_argument("--json", type=Path, help="where to write the figures")
    main(parser.parse_args())
