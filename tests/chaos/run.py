"""One run: people work, the killer kills, the dust settles, the auditor reads."""

from __future__ import annotations

import datetime as dt
import random
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from portal import create_app
from portal.models import Event, Outgoing, Process, Task, create_user, db, utcnow

from . import auditor, errand, story
from .clients import PASSWORD, Acknowledged, Client, Program
from .killer import Killer
from .receiver import Receiver
from .site import Site

PEOPLE = ("alice", "bob", "carol", "dave")
#: seconds in which something that is due may stand still
PATIENCE = 120
#: whose stories are told in full
STORIES = 2


@dataclass
class Report:
    seed: str
    said: Acknowledged
    #: how often what was killed, paused and stopped
    done: dict[str, Counter[str]]
    faults: list[str]
    counts: dict[str, Any] = field(default_factory=dict)
    #: of processes that faults speak of
    stories: list[list[str]] = field(default_factory=list)
    #: the folder of the machines, which stays where something is wrong
    folder: str = ""

    def lines(self) -> list[str]:
        said = self.said
        answers = ", ".join(f"{number} × {what}" for what, number in sorted(said.answers.items()))
        return [
            f"seed            {self.seed}",
            *(
                f"{how:16}{sum(what.values())}: {', '.join(f'{number} {name}' for name, number in what.items())}"
                for how, what in self.done.items()
            ),
            f"acknowledged    {len(said.started)} starts, {len(said.assigned)} takings, "
            f"{len(said.executed)} tasks done, {len(said.canceled)} cancels, {len(said.held)} holds, "
            f"{_managed(said)}; "
            f"of a program {len(said.written)} starts, {len(said.replied)} messages",
            f"refused         {len(said.refused)} starts, with the word that nothing was changed",
            f"answers         {answers}",
            *(f"{name:16}{count}" for name, count in self.counts.items()),
            f"faults          {len(self.faults)}",
            *(f"  {fault}" for fault in self.faults[:40]),
            *(line for each in self.stories[:STORIES] for line in each),
            *(
                [f"left in         {self.folder}: logs, strikes.log, stories.log, and the database"]
                if self.folder
                else []
            ),
        ]


def run(seconds: float, kills: int, seed: str = "", broken: str = "") -> Report:
    """Let so many processes be killed within this time, while people and a program work.

    Args:
        seed: of what is chosen at random; made where it is empty, and told at once.
        broken: what is taken away, see `breaks`.
    """
    seed = seed or str(random.randrange(10**9))
    print(f"seed            {seed}", flush=True)
    receiver = Receiver()
    site = Site(receiver.url, broken)
    report = Report(seed, Acknowledged(), {}, ["the run did not come to its end"], folder=str(site.folder))
    try:
        site.start()
        errand.report_to(receiver.url)
        app = create_app(
            {
                "DATABASE_URL": site.url, "FLOWS": ["tests.chaos.errand"], "SCHEDULER": "off", "TESTING": True,
                "SECRET_KEY": "chaos",
            }
        )  # fmt: skip
        with app.app_context():
            held = ["errand.can_check", "errand.can_sign", "errand.manage", "tangle.manage"]
            for name in PEOPLE:
                create_user(name, PASSWORD, permissions=held)
            db.session.remove()
        # A late writer meets the next attempt only where that does not wait behind a queue.
        people, pace = (PEOPLE[:1], 1.0) if broken == "fence" else (PEOPLE, 0.0)
        clients = [Client(site.addresses, name, report.said, f"{seed} {name}", pace) for name in people]
        killer = Killer(site, seed, broken)
        report.done = killer.done
        _work([*clients, Program(app, report.said, f"{seed} program")], killer, seconds, kills)
        with app.app_context():
            settled = _settle(site, clients)
            _audit(report, receiver, killer, settled)
            db.engine.dispose()
    finally:
        site.stop()
        receiver.stop()
        if not report.faults:
            site.remove()
            report.folder = ""
    return report


def _work(workers: list[Any], killer: Killer, seconds: float, kills: int) -> None:
    done = threading.Event()
    threads = [threading.Thread(target=each.work, args=(done,)) for each in workers]
    for thread in threads:
        thread.start()
    try:
        killer.run(seconds, kills)
    finally:
        done.set()
        for thread in threads:
            thread.join()


def _audit(report: Report, receiver: Receiver, killer: Killer, settled: list[str]) -> None:
    session = _of_one_moment()  # the news go on, and so does what did not come to rest
    report.faults = [*auditor.faults(session, report.said, receiver.keys), *settled]
    report.counts = _counts(session)
    report.stories = [
        story.told(session, each, killer.strikes) for each in story.concerned(session, report.faults)
    ]
    if report.stories:
        text = "\n".join(line for each in report.stories for line in each)
        (killer.site.folder / "stories.log").write_text(text)
    db.session.remove()


def _settle(site: Site, clients: list[Client]) -> list[str]:
    """Let people do what is left and workers what is due. What stands still before its end is a fault."""
    site.wait_until_ready()
    done, moved, found = -1, time.monotonic(), list[str]()
    while time.monotonic() - moved < PATIENCE:
        with suppress(Exception):  # a machine that was killed last may still be coming back
            more = sum(client.finish() for client in clients)  # each has tasks that are theirs alone
            more += _end_what_is_stuck(found)
            left, now, next_moment = _left()
            if not more and not left:
                return found
            if now != done or (next_moment is not None and next_moment > utcnow()):
                done, moved = now, time.monotonic()
        time.sleep(0.1)
    return [*found, f"nothing has moved for {PATIENCE} seconds", *_open_tasks()]


def _end_what_is_stuck(found: list[str]) -> int:
    """A manager cancels the processes in which managers have left nothing to do. How many they were.

    Args:
        found: gets what was wrong with the rows before that, which a cancel could hide.
    """
    to_do = select(Task.process_id).where(Task.status.in_(("NEW", "ASSIGNED", "SCHEDULED")))
    query = select(Process.id).where(
        Process.flow_label == "tangle", Process.status == "NEW", Process.id.not_in(to_do)
    )
    stuck = list(db.session.scalars(query))
    db.session.remove()
    if stuck:
        found.extend(auditor.faults_of_rows(_of_one_moment()))
        db.session.remove()
    for process_id in stuck:
        db.session.get_one(Process, process_id).cancel()
    db.session.remove()
    return len(stuck)


def _of_one_moment() -> Any:
    """A session whose reads are all of one moment, while others go on writing."""
    session = db.session()
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    return session


def _managed(said: Acknowledged) -> str:
    counts = Counter(action for _, action, _ in said.managed)
    return ", ".join(f"{counts[action]} tasks {action}" for action in ("cancel", "undo", "revive"))


def _left() -> tuple[int, int, dt.datetime | None]:
    """How many processes and messages have not come to their end, how many steps were done, and until when the rest
    waits."""
    unfinished = Process.finished.is_(None)
    queries = [
        select(func.count()).where(unfinished),
        select(func.count()).where(Outgoing.scheduled.is_not(None)),
        select(func.count(Event.id)).join(Process).where(Process.flow_label != "news"),
        select(func.count()).where(Outgoing.sent.is_not(None)),
    ]
    moments = [
        select(func.max(func.greatest(Task.scheduled, Task.lease))).where(Task.finished.is_(None)),
        select(func.max(Outgoing.scheduled)),
    ]
    with db.engine.connect() as connection:
        processes, messages, steps, sent = (connection.scalar(query) or 0 for query in queries)
        waits = [moment for query in moments if (moment := connection.scalar(query)) is not None]
    return processes + messages, steps + sent, max(waits, default=None)


def _open_tasks() -> list[str]:
    query = select(Task).where(Task.finished.is_(None)).order_by(Task.id)
    found = [
        f"still open: process {task.process_id}, task {task.id} ({task.flow_task}) {task.status}, scheduled "
        f"{task.scheduled}, lease {task.lease}, attempt {task.attempt}, awaits {task.awaits}"
        for task in db.session.scalars(query).unique()
    ]
    db.session.remove()
    return found


def _counts(session: Any) -> dict[str, Any]:
    by_flow = session.execute(
        select(Process.flow_label, Process.status, func.count())
        .group_by(Process.flow_label, Process.status)
        .order_by(Process.flow_label, Process.status)
    )
    attempts = select(func.count()).select_from(auditor.Try).where(auditor.Try.began)
    jobs = select(func.count()).where(Task.flow_task.in_(auditor.JOBS), Task.status == "DONE")
    fired = select(func.count()).where(Event.action == "timer", Event.to_state == "DONE")
    return {
        "processes": ", ".join(f"{count} {label} {status}" for label, status, count in by_flow),
        "jobs done": f"{session.scalar(jobs)}, in {session.scalar(attempts)} attempts",
        "timers fired": session.scalar(fired),
        "messages": session.scalar(select(func.count()).select_from(Outgoing)),
    }
