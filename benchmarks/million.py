"""The measures of size: lists among 10,000 and 1,000,000 tasks, a history of 10,000,000 events, programs beside pages.

python benchmarks/million.py [--parts rates lists history] [--tasks 1000000] [--processes 1000000] [--plans plans.txt]

Lists of both sizes are read in turn, so that what else the machine does counts for both alike. PostgreSQL comes from
its wheel, with its usual settings but that nothing is flushed; the rates keep what they write.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import inbox
import reports
from places import application, urls, vacuum
from sqlalchemy import create_engine, func, make_url, select, text

from portal.engine.reports import counting
from portal.models import Process, ReportCursor, SavedView, Task, User, create_user, db, issue

SMALL = 10_000
ROUNDS = 7
#: requests of each kind, by page and by program
REQUESTS = 60
#: events that are counted as workers do; the counts of the rest of the year are made of theirs
COUNTED = 100_000
PASSWORD = "a long password"

#: what bob looks at beside `inbox.PAGES`, and the most that it may take
LISTS = {
    **{what: (path, 0) for what, (path, _) in inbox.PAGES.items()},
    # the last one of each size: a page of four rows and one of fifty are not the same work
    "search, a number": ("/processes?q={last}", 0),
    "search, a person": ("/processes?q=person7", 0),
    "tasks of a step": ("/tasks?flow=hello_world&step=approve", 0),
    "overdue tasks": ("/tasks?due=late", 0),
    "a process": ("/processes/{process}", 50),
    "API, 50 tasks": ("/api/v1/tasks?limit=50", 15),
    "API, the inbox": ("/api/v1/tasks?list=inbox&limit=50", 15),
    "filter on a field, all": ("/queue?flow=hello_world&data.text.contains=message", 0),
    "filter on a field, tasks": ("/tasks?flow=hello_world&data.text.contains=needle", 0),
    "one value of a field": ("/tasks?flow=hello_world&data.text=Message+{last}", 0),
    "one value, processes": ("/processes?flow=hello_world&data.text=Message+{last}", 0),
}
#: what a manager asks of the history
HISTORY = {
    "processes": ("/processes", 100),
    "search, one process": ("/processes?q=needle", 100),
    "search, every process": ("/processes?q=visit", 100),
    "search, two words": ("/processes?q=visit+{number}", 100),
    "search, a number": ("/processes?q={number}", 100),
    "search, a person": ("/processes?q=person7", 100),
    "by person": ("/processes?person=person7", 100),
    "by step": ("/processes?flow=expense_claim&step=countersign", 100),
    "by state": ("/processes?flow=expense_claim&state=done", 100),
    "in need of attention": ("/processes?state=attention", 100),
    "overdue": ("/processes?due=late", 100),
    "by dates": ("/processes?since={since}&until={until}", 100),
    "by dates, oldest first": ("/processes?since={since}&until={until}&sort=number", 100),
    "by a field, a range": ("/processes?flow=expense_claim&data.purpose.contains=00", 100),
    "by a field, a part of one": ("/processes?flow=expense_claim&data.purpose.contains=t+{number}", 100),
    "by a field, one value": ("/processes?flow=expense_claim&data.purpose=Visit+{number}", 100),
    "by a field and dates": ("/processes?flow=expense_claim&data.purpose=x&since={since}&until={until}", 100),
    "a process that is over": ("/processes/{old}", 50),
    "an open process": ("/processes/{new}", 50),
    "its events": ("/processes/{old}?tab=events", 50),
    "archive": ("/archive", 100),
    "report of 28 days": ("/reports/expense_claim", 1000),
    "report of a year": ("/reports/expense_claim?since={year}", 1000),
    "all reports": ("/reports", 1000),
    "flow": ("/flows/expense_claim", 1000),
    "API, 50 processes": ("/api/v1/processes?limit=50", 0),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", nargs="+", default=["rates", "lists", "history"])
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument(
        "--processes", type=int, default=1_000_000, help="of the history; ten or eleven events each"
    )
    parser.add_argument("--plans", type=Path, help="where the plans are kept")
    parser.add_argument("--folder", type=Path, help="where the databases are kept, for another run")
    options = parser.parse_args()
    plans = options.plans and options.plans.open("w")
    with tempfile.TemporaryDirectory(prefix="portal-million-") as temporary:
        for name, url in urls(options.folder or Path(temporary)):
            if "rates" in options.parts:
                rates(name, url)
            if name == "PostgreSQL" and {"lists", "history"} & set(options.parts):
                fill_fast(url)
                if "lists" in options.parts:
                    lists(url, options.tasks, plans)
                if "history" in options.parts:
                    history(url, options.processes, plans)


def fill_fast(url: str) -> None:
    """What is only read afterwards needs no durability."""
    with create_engine(url, isolation_level="AUTOCOMMIT").connect() as connection:
        for setting in (
            "fsync = off",
            "synchronous_commit = off",
            "full_page_writes = off",
            "max_wal_size = '8GB'",
        ):
            connection.execute(text(f"ALTER SYSTEM SET {setting}"))
        connection.execute(text("SELECT pg_reload_conf()"))


def new_database(url: str, name: str) -> tuple[str, bool]:
    """The URL of a database, and whether it is there from a run before."""
    with create_engine(url, isolation_level="AUTOCOMMIT").connect() as connection:
        there = bool(
            connection.scalar(text("SELECT true FROM pg_database WHERE datname = :name"), {"name": name})
        )
        if not there:
            connection.execute(text(f"CREATE DATABASE {name}"))
    return make_url(url).set(database=name).render_as_string(hide_password=False), there


def clients(app: Any, username: str, *scopes: str) -> tuple[Any, Any]:
    """A browser that is signed in, and a program."""
    user = db.session.scalars(select(User).where(User.username == username)).one()
    _, secret = issue(db.session(), user, "benchmark", scopes, 30)
    db.session.commit()
    browser, program = app.test_client(), app.test_client(use_cookies=False)
    browser.post("/login", data={"username": username, "password": PASSWORD})
    program.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
    return browser, program


# -- programs beside pages -------------------------------------------------------------------------------------------


def rates(name: str, url: str) -> None:
    """Start, assign and execute by page and by program, in turn."""
    with application(url, ["flows"], API_RATE=10**9) as app:
        create_user("erin", PASSWORD, is_superuser=True)
        browser, program = clients(app, "erin", "start", "work", "read")
        api = "/api/v1/tasks"
        open_ids: list[int] = []

        def newest() -> None:
            open_ids.append(
                db.session.scalar(select(func.max(Task.id)).where(Task.flow_task == "approve")) or 0
            )
            db.session.remove()

        # by program (None), or by page: the form alone, or with the page that the browser is then sent to
        def start(follow: bool | None) -> Any:
            if follow is None:
                return program.post(
                    "/api/v1/flows/hello_world/starts/start", json={"data": {"text": "Message"}}
                )
            path = "/flows/hello_world/start/start"
            return browser.post(path, data={"text": "Message"}, follow_redirects=follow)

        def assign(follow: bool | None) -> Any:
            key = open_ids[next(turn)]
            if follow is None:
                return program.post(f"{api}/{key}/assign")
            return browser.post(f"/tasks/{key}/assign", follow_redirects=follow)

        def execute(follow: bool | None) -> Any:
            key = open_ids[next(turn)]
            if follow is None:
                return program.post(f"{api}/{key}/execute", json={"data": {"approved": True}})
            return browser.post(f"/tasks/{key}/execute", data={"approved": "true"}, follow_redirects=follow)

        ways = {"form": False, "form and page": True, "API": None}
        for act, after in ((start, newest), (assign, None), (execute, None)):
            turn = itertools.count()
            found = in_turn([partial(act, way) for way in ways.values()], REQUESTS, after)
            told = [
                f"{way} {1000 / took:.0f}/s ({cpu:.1f} ms of CPU)"
                for way, (took, cpu) in zip(ways, found, strict=True)
            ]
            print(f"{name}, {act.__name__}: {', '.join(told)}", flush=True)


def in_turn(
    calls: Sequence[Callable[[], Any]], rounds: int, after: Callable[[], None] | None = None
) -> list[tuple[float, float]]:
    """The median time and the median CPU of our side, in milliseconds, of each call; the first round warms up."""
    took: list[list[tuple[float, float]]] = [[] for _ in calls]
    for number in range(rounds + 1):
        for place, call in enumerate(calls):
            cpu, before = time.process_time(), time.perf_counter()
            answer = call()
            spent = (time.perf_counter() - before) * 1000, (time.process_time() - cpu) * 1000
            assert answer.status_code < 400, answer.text[:2000]
            if number:
                took[place].append(spent)
            if after is not None:
                after()
    return [(statistics.median(t for t, _ in each), statistics.median(c for _, c in each)) for each in took]


# -- lists -----------------------------------------------------------------------------------------------------------


def lists(url: str, tasks: int, plans: Any) -> None:
    """The lists of one person among few and among many tasks."""
    places = []
    for size in (SMALL, tasks):
        address, there = new_database(url, f"lists_{size}")
        with application(address, ["flows"], API_RATE=10**9) as app:
            if not there:
                before = time.perf_counter()
                inbox.fill(0, size, inbox.people()[1])
                print(f"{size:,} tasks made in {time.perf_counter() - before:.0f} s", flush=True)
            browser, program = clients(app, "bob", "read")
            view = db.session.scalar(select(SavedView.id))
            words = {
                "view": view,
                "process": size // 2 * 2 - 3,
                "last": size - 1,
                "after": inbox.after(browser),
            }
        places.append((app, browser, program, words))
    print(f"{'':28}{SMALL:>14,}{tasks:>14,}   ratio   CPU")
    for what, (path, most) in LISTS.items():
        asked = []
        for _, browser, program, words in places:
            who = program if path.startswith("/api") else browser
            asked.append(partial(who.get, path.format(**words)))
        (small, small_cpu), (large, large_cpu) = in_turn(asked, ROUNDS)
        verdict = f"   more than {inbox.TARGET}" if large / small > inbox.TARGET else ""
        verdict += f"   more than {most} ms" if most and large > most else ""
        print(
            f"{what:28}{small:11.1f} ms{large:11.1f} ms{large / small:8.2f}"
            f"   {small_cpu:.1f} and {large_cpu:.1f} ms{verdict}",
            flush=True,
        )
    app, browser, program, words = places[-1]
    keep_plans(
        plans, app, browser, program, {what: path.format(**words) for what, (path, _) in LISTS.items()}
    )


def keep_plans(plans: Any, app: Any, browser: Any, program: Any, paths: dict[str, str]) -> None:
    if plans is None:
        return
    for what, path in paths.items():
        with app.app_context():
            found = inbox.plans(program if path.startswith("/api") else browser, path)
        plans.write(f"== {what}: {path}\n" + "\n".join(found) + "\n\n")
    plans.flush()


# -- history ---------------------------------------------------------------------------------------------------------


def history(url: str, processes: int, plans: Any) -> None:
    """What managers ask of a year of processes."""
    address, there = new_database(url, f"history_{processes}")
    with application(address, ["flows.expense_claim"], API_RATE=10**9) as app:
        if not there:
            before = time.perf_counter()
            reports.fill(app, processes)
            events = db.session.scalar(text("SELECT count(*) FROM portal_event"))
            took = time.perf_counter() - before
            print(f"{processes:,} processes, {events:,} events made in {took:.0f} s", flush=True)
            count_year()
        browser, program = clients(app, "bench", "read")
        today = dt.datetime.now(dt.UTC).date()
        words = {
            "number": processes // 2,
            "old": processes // 2 + 1,
            "new": db.session.scalar(select(func.max(Process.id))),
            "since": today - dt.timedelta(days=200),
            "until": today - dt.timedelta(days=193),
            "year": today - dt.timedelta(days=364),
        }
    paths = {what: path.format(**words) for what, (path, _) in HISTORY.items()}
    for what, path in paths.items():
        who = program if path.startswith("/api") else browser
        [(took, cpu)] = in_turn([partial(who.get, path)], ROUNDS)
        most = HISTORY[what][1]
        verdict = f"   more than {most} ms" if most and took > most else ""
        print(f"{what:28}{took:11.1f} ms   {cpu:.1f} ms of CPU{verdict}", flush=True)
    keep_plans(plans, app, browser, program, paths)


def count_year() -> None:
    """Count the last events as workers do, and repeat their days for the year before: as many rows as it would have."""
    session = db.session()
    counting.rebuild(session)
    newest = session.scalar(text("SELECT max(id) FROM portal_event"))
    cursor = session.scalars(select(ReportCursor)).one()
    cursor.event_id = max(0, newest - COUNTED)
    session.commit()
    before, cpu = time.perf_counter(), time.process_time()
    events = counting.count_all(session)
    took, own = time.perf_counter() - before, time.process_time() - cpu
    print(f"{events:,} events counted in {took:.0f} s: {own / events * 1e6:.0f} µs of CPU each", flush=True)
    first, last = session.execute(text("SELECT min(day), max(day) FROM portal_daily_flow")).one()
    days = (last - first).days - 1  # the first and the last one are not whole
    for table in ("flow", "step", "person", "duration"):
        name = f"portal_daily_{table}"
        columns = [column.name for column in db.metadata.tables[name].columns]
        shifted = ", ".join(f"day - {days} * shift" if each == "day" else f'"{each}"' for each in columns)
        names = ", ".join(f'"{each}"' for each in columns)
        session.execute(
            text(
                f"INSERT INTO {name} ({names}) SELECT {shifted} FROM {name}, "
                f"generate_series(1, {365 // days}) AS shift WHERE day > :first AND day < :last ON CONFLICT DO NOTHING"
            ),
            {"first": first, "last": last},
        )
    session.commit()
    for table in ("flow", "step", "person", "duration"):
        rows = session.scalar(text(f"SELECT count(*) FROM portal_daily_{table}"))
        print(f"portal_daily_{table}: {rows:,} rows", flush=True)
    vacuum()


if __name__ == "__main__":
    main()
