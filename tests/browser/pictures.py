"""Pictures of every page and state, on the demo's company: `python -m tests.browser.pictures FOLDER`.

The clock stands still, so the same code makes the same pictures. `index.html` in the folder shows all of them;
`--readme` makes those of the README.
"""

from __future__ import annotations

import argparse
import datetime as dt
import html
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import time_machine
from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import select

from portal import create_app
from portal.demo import DEMO_PASSWORD, make_demo
from portal.engine.reports.counting import count_all
from portal.models import Process, Task, db, init_db
from tests.browser.chromium import CHROMIUM, QUIET
from tests.served import served

#: Tuesday, 10:43 in Zurich
NOW = dt.datetime(2026, 11, 24, 9, 43, tzinfo=dt.UTC)
#: widths and themes
WAYS = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]


#: the pictures of the README and of docs/requests.md by the names of their shots
README = {"process": "process.png", "inbox": "inbox.png", "requests": "requests.png"}
IMAGES = Path(__file__).parents[2] / "docs" / "images"


class Shot(NamedTuple):
    """A page in a state.

    Attributes:
        name: of the files.
        who: is signed in; nobody where it is empty.
        path: where it is; the keys of `places` stand in braces.
        prepare: what is done on the page before.
    """

    name: str
    who: str
    path: str
    prepare: Callable[[Page], None] | None = None


def _press(name: str) -> Callable[[Page], None]:
    return lambda page: page.get_by_role("button", name=name, exact=True).first.click()


def _search(text: str) -> Callable[[Page], None]:
    return lambda page: page.locator("[data-catalogue-search]").fill(text)


def _sign_in_wrongly(page: Page) -> None:
    page.get_by_label("User name").fill("alice")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()


def _open(selector: str) -> Callable[[Page], None]:
    return lambda page: page.locator(selector).first.click()


def _select_rows(page: Page) -> None:
    shows = page.locator("label", has_text="Select").first  # a phone shows the ticks when it is asked
    if shows.is_visible():
        shows.click()
    for tick in page.locator("input[name=task]").all()[:3]:
        tick.check()


def _select_and_ask(page: Page) -> None:
    _select_rows(page)
    page.get_by_role("button", name="Assign to…").first.click()


def _select_and_more(page: Page) -> None:
    _select_rows(page)
    page.locator("[data-bulk] summary").click()


def _select_and_finish(page: Page) -> None:
    _select_rows(page)
    page.get_by_role("button", name="Finish…").click()
    page.locator("dialog").wait_for()


def _add_rows(page: Page) -> None:
    for _ in range(2):
        page.get_by_role("button", name="Add").first.click()


SHOTS = [
    Shot("login", "", "/login"),
    Shot("login-wrong", "", "/login", _sign_in_wrongly),
    Shot("inbox", "bob", "/inbox"),
    Shot("inbox-selected", "bob", "/inbox", _select_rows),
    Shot("inbox-more", "bob", "/inbox", _select_and_more),
    Shot("inbox-assign", "bob", "/inbox", _select_and_ask),
    Shot("inbox-filtered", "bob", "/inbox?flow=leave_request&data.first_day.ge=2026-12-01"),
    Shot("inbox-grouped", "bob", "/inbox?group=step"),
    Shot("inbox-finish", "bob", "/inbox?flow=leave_request", _select_and_finish),
    Shot("inbox-keys", "bob", "/inbox", lambda page: page.keyboard.press("?")),
    Shot("inbox-empty", "julia", "/inbox"),
    Shot("inbox-no-match", "bob", "/inbox?q=zebra"),
    Shot("queue", "bob", "/queue"),
    Shot("queue-empty", "yasmin", "/queue"),
    Shot("tasks", "bob", "/tasks"),
    Shot(
        "tasks-columns",
        "bob",
        "/tasks?flow=leave_request&columns=data.first_day,data.last_day,owner,due&group=due",
    ),
    Shot("archive", "bob", "/archive"),
    Shot("requests", "alice", "/requests"),
    Shot("requests-finished", "alice", "/requests?show=finished"),
    Shot("requests-drafts", "alice", "/requests?show=drafts"),
    Shot("requests-empty", "ruth", "/requests?show=drafts"),
    Shot("new-request", "alice", "/flows"),
    Shot("new-request-search", "alice", "/flows", _search("laptop")),
    Shot("new-request-no-match", "alice", "/flows?q=zebra"),
    Shot("start", "alice", "/flows/expense_claim/start/start"),
    Shot("start-rows", "alice", "/flows/expense_claim/start/start", _add_rows),
    Shot("start-errors", "alice", "/flows/leave_request/start/start", _press("Submit")),
    Shot("start-draft", "alice", "/flows/purchase_order/start/start"),
    Shot("task-form", "bob", "/tasks/{form}/execute"),
    Shot("task-form-declined", "bob", "/tasks/{form}/execute", _press("Decline")),
    Shot("task", "carol", "/tasks/{form}"),
    Shot("task-failed", "carol", "/tasks/{failed_task}"),
    Shot("task-snooze", "bob", "/tasks/{form}/snooze"),
    Shot("task-help", "bob", "/tasks/{form}/help"),
    Shot("task-assign", "carol", "/tasks/{form}/reassign"),
    Shot("process", "carol", "/processes/{running}"),
    Shot("process-failed", "carol", "/processes/{failed}"),
    Shot("process-events", "carol", "/processes/{failed}?tab=events"),
    Shot("process-changes", "carol", "/processes/{failed}?tab=changes"),
    Shot("process-data", "carol", "/processes/{failed}/data"),
    Shot("process-suspended", "carol", "/processes/{suspended}"),
    Shot("process-done", "carol", "/processes/{done}"),
    Shot("process-withdraw", "alice", "/processes/{mine}/withdraw"),
    Shot("processes", "carol", "/processes"),
    Shot("processes-attention", "carol", "/processes?state=attention"),
    Shot("search", "carol", "/processes?q=whiteboards"),
    Shot("flow", "carol", "/flows/purchase_order"),
    Shot("flow-empty", "carol", "/flows/stocktaking"),
    Shot("workload", "bob", "/workload"),
    Shot("redistribute", "bob", "/workload/redistribute?person=nina"),
    Shot("reports", "bob", "/reports"),
    Shot("report", "bob", "/reports/expense_claim"),
    Shot("overview", "carol", "/admin/"),
    Shot("people", "carol", "/admin/people"),
    Shot("person", "carol", "/admin/people/bob"),
    Shot("person-deactivate", "carol", "/admin/people/bob/deactivate"),
    Shot("roles", "carol", "/admin/roles"),
    Shot("incidents", "carol", "/admin/incidents"),
    Shot("incident", "carol", "/admin/incidents", _open("main .list a, main td a, main h2 a")),
    Shot("jobs", "carol", "/admin/jobs"),
    Shot("audit", "carol", "/admin/audit"),
    Shot("retention", "carol", "/admin/retention"),
    Shot("tokens", "carol", "/admin/tokens"),
    Shot("notices", "bob", "/notices"),
    Shot("notices-empty", "julia", "/notices"),
    Shot("profile", "alice", "/profile"),
    Shot("absences", "nina", "/profile/absences"),
    Shot("calendar", "nina", "/profile/calendar"),
    Shot("error-404", "alice", "/nowhere"),
    Shot("error-403", "alice", "/workload"),
    Shot("error-409", "bob", "/tasks/{done_task}/execute"),
]


def places() -> dict[str, int]:
    """The processes and tasks that the pictures are of."""
    session = db.session

    def process(*criteria: Any) -> int:
        found = session.scalar(select(Process.id).where(*criteria).order_by(Process.id.desc()).limit(1))
        assert found is not None, criteria
        return found

    def task(*criteria: Any) -> Task:
        query = select(Task).join(Task.process).where(*criteria).order_by(Task.id.desc()).limit(1)
        found = session.scalars(query).unique().one()
        assert isinstance(found, Task)
        return found

    bobs = Task.owner.has(username="bob"), Task.finished.is_(None)
    failed = task(Task.status == "ERROR")
    running = task(Task.flow_task == "countersign", Task.finished.is_(None))
    return {
        "form": task(*bobs, Process.flow_label == "expense_claim", Task.flow_task == "approve").id,
        "failed_task": failed.id,
        "failed": failed.process_id,
        "running": running.process_id,
        "suspended": process(Process.status == "SUSPENDED"),
        "done": process(Process.flow_label == "expense_claim", Process.status == "DONE"),
        "mine": process(Process.created_by.has(username="alice"), Process.finished.is_(None),
                        Process.flow_label.in_(("leave_request", "purchase_order", "expense_claim"))),
        "done_task": task(Task.owner.has(username="bob"), Task.status == "DONE", Task.flow_task == "approve").id,
    }  # fmt: skip


@contextmanager
def company() -> Iterator[tuple[str, dict[str, int]]]:
    """A portal on loopback with the demo's company, whose clock stands at `NOW`."""
    with tempfile.TemporaryDirectory() as folder, time_machine.travel(NOW, tick=False):
        settings = {
            "DATABASE_URL": f"sqlite:///{folder}/portal.sqlite", "FLOWS": ["flows"], "THROTTLE": "off",
            "SCHEDULER": "off", "STORAGE": f"{folder}/files",
        }  # fmt: skip
        app = create_app(settings)
        with app.app_context():
            init_db()
            make_demo(NOW)
            count_all(db.session())  # as a worker would in its first seconds
            found = places()
            db.session.remove()
        with served(app, threads=2) as address:
            yield address, found


def _page(browser: Browser, address: str, who: str, width: int, scheme: str) -> Page:
    context = browser.new_context(
        base_url=address, viewport={"width": width, "height": 900 if width > 600 else 844},
        color_scheme="dark" if scheme == "dark" else "light", timezone_id="Europe/Zurich", locale="en-GB",
        reduced_motion="reduce",
    )  # fmt: skip
    page = context.new_page()
    page.clock.set_fixed_time(NOW)
    if who:
        page.goto("/login")
        page.get_by_label("User name").fill(who)
        page.get_by_label("Password").fill(DEMO_PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/inbox")
    return page


def take(folder: Path, only: str = "", ways: list[tuple[int, str]] = WAYS) -> list[Path]:
    """Make the pictures.

    Args:
        folder: where they are written; made when absent.
        only: a part of the names of those that are wanted.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shots = sorted((shot for shot in SHOTS if only in shot.name), key=lambda shot: shot.who)
    made = []
    with company() as (address, found), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        for width, scheme in ways:
            pages: dict[str, Page] = {}
            for shot in shots:
                if shot.who not in pages:
                    pages[shot.who] = _page(browser, address, shot.who, width, scheme)
                made.append(folder / f"{shot.name}-{width}-{scheme}.png")
                _shoot(pages[shot.who], shot, found, made[-1])
            for page in pages.values():
                page.context.close()
        browser.close()
    (folder / "index.html").write_text(_index([shot.name for shot in shots], ways), "utf-8")
    return made


def take_for_readme() -> list[Path]:
    """Make the pictures of the README: what a laptop shows of a page."""
    made = []
    with company() as (address, found), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        for shot in SHOTS:
            if (name := README.get(shot.name)) is not None:
                page = _page(browser, address, shot.who, 1280, "light")
                page.set_viewport_size({"width": 1280, "height": 860})
                made.append(IMAGES / name)
                _shoot(page, shot, found, made[-1], whole=False)
                page.context.close()
        browser.close()
    return made


def _shoot(page: Page, shot: Shot, found: dict[str, int], file: Path, whole: bool = True) -> None:
    page.goto(shot.path.format(**found))
    if shot.prepare is not None:
        shot.prepare(page)
    page.wait_for_load_state("load")
    page.wait_for_timeout(150)  # modules have run
    page.screenshot(path=file, full_page=whole)


def _index(names: list[str], ways: list[tuple[int, str]]) -> str:
    rows = "".join(
        f"<h2>{html.escape(name)}</h2><p>"
        + "".join(
            f'<a href="{name}-{width}-{scheme}.png"><img src="{name}-{width}-{scheme}.png" '
            f'alt="{name}, {width} px, {scheme}" height="420" loading="lazy"></a> '
            for width, scheme in ways
        )
        + "</p>"
        for name in sorted(names)
    )
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Pictures of the portal</title>{rows}</html>\n'


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.browser.pictures", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="where they are written")
    parser.add_argument("--readme", action="store_true", help="make those of the README, in docs/images")
    parser.add_argument("--only", default="", help="a part of the names of those that are wanted")
    parser.add_argument("--narrow", action="store_true", help="only those of a phone")
    parser.add_argument("--light", action="store_true", help="only the light ones")
    given = parser.parse_args()
    if given.readme:
        print(*take_for_readme(), sep="\n")
        return
    if given.folder is None:
        parser.error("name a folder, or say --readme")
    ways = [
        (width, scheme)
        for width, scheme in WAYS
        if (width < 600 or not given.narrow) and (scheme == "light" or not given.light)
    ]
    print(f"{len(take(given.folder, given.only, ways))} pictures in {given.folder}")


if __name__ == "__main__":
    main()
