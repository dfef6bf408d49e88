"""One run: people work, the killer kills, the dust settles, the auditor reads."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from portal import create_app
from portal.models import Outgoing, Process, Task, create_user, db

from . import auditor
from .clients import PASSWORD, Acknowledged, Client
from .killer import Killer
from .receiver import Receiver
from .site import Site

PEOPLE = ("alice", "bob", "carol", "dave")


@dataclass
class Report:
    seed: str
    said: Acknowledged
    kills: Counter[str]
    faults: list[str]
    counts: dict[str, int] = field(default_factory=dict)
    #: the folder of the machines, which stays where something is wrong
    logs: str = ""

    def lines(self) -> list[str]:
        kills = ", ".join(f"{number} {what}" for what, number in self.kills.items())
        answers = ", ".join(f"{number} × {what}" for what, number in sorted(self.said.answers.items()))
        said = self.said
        return [
            f"seed            {self.seed}",
            f"killed          {sum(self.kills.values())}: {kills}",
            f"acknowledged    {len(said.started)} starts, {len(said.assigned)} takings, "
            f"{len(said.executed)} tasks done, {len(said.canceled)} cancels",
            f"answers         {answers}",
            *(f"{name:16}{count}" for name, count in self.counts.items()),
            f"faults          {len(self.faults)}",
            *(f"  {fault}" for fault in self.faults[:40]),
            *([f"logs            {self.logs}"] if self.logs else []),
        ]


def run(seconds: float, kills: int, seed: str = "", broken: str = "") -> Report:
    """Raises TimeoutError when the site does not come to rest."""
    seed = seed or str(random.randrange(10**9))
    receiver = Receiver()
    site = Site(receiver.url, broken)
    said = Acknowledged()
    faults: list[str] = ["the run did not come to its end"]
    try:
        site.start()
        app = create_app(
            {
                "DATABASE_URL": site.url, "FLOWS": ["tests.chaos.errand"], "SCHEDULER": "off", "TESTING": True,
                "SECRET_KEY": "chaos",
            }
        )  # fmt: skip
        with app.app_context():
            held = ["errand.can_check", "errand.can_sign", "errand.manage"]
            for name in PEOPLE:
                create_user(name, PASSWORD, permissions=held)
            db.session.remove()
        # A late writer meets the next attempt only where that does not wait behind a queue.
        people, pace = (PEOPLE[:1], 0.5) if broken == "fence" else (PEOPLE, 0.0)
        clients = [Client(site.addresses, name, said, f"{seed} {name}", pace) for name in people]
        killer = Killer(site, seed, broken)
        _work(clients, killer, seconds, kills)
        with app.app_context():
            settled = _settle(site, clients)
            session = db.session()
            # What did not come to rest is still at work: the books are those of one moment.
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            faults = [*auditor.faults(session, said, receiver.keys, killer.pauses), *settled]
            counts = _counts(session)
            db.session.remove()
            db.engine.dispose()
        return Report(seed, said, killer.kills, faults, counts, str(site.folder) if faults else "")
    finally:
        site.stop()
        receiver.stop()
        if not faults:
            site.remove()


def _work(clients: list[Client], killer: Killer, seconds: float, kills: int) -> None:
    done = threading.Event()
    threads = [threading.Thread(target=client.work, args=(done,)) for client in clients]
    for thread in threads:
        thread.start()
    try:
        killer.run(seconds, kills)
    finally:
        done.set()
        for thread in threads:
            thread.join()


def _settle(site: Site, clients: list[Client], patience: float = 60) -> list[str]:
    """Let people do what is left and workers what is due. What stands still before its end is a fault."""
    site.wait_until_ready()
    done, moved = -1, time.monotonic()
    while time.monotonic() - moved < patience:
        with suppress(Exception):  # a machine that was killed last may still be coming back
            more = sum(client.finish() for client in clients)  # each has tasks that are theirs alone
            left, now = _left(), _done()
            if not more and not left:
                return []
            if now != done:
                done, moved = now, time.monotonic()
        time.sleep(0.1)
    return [f"nothing has moved for {patience:.0f} seconds", *_open_tasks()]


def _left() -> int:
    """How many processes and messages have not come to their end."""
    processes = select(func.count()).where(Process.finished.is_(None))
    messages = select(func.count()).where(Outgoing.scheduled.is_not(None))
    with db.engine.connect() as connection:
        return (connection.scalar(processes) or 0) + (connection.scalar(messages) or 0)


def _done() -> int:
    """How many tasks and messages have."""
    tasks = select(func.count()).where(Task.finished.is_not(None))
    messages = select(func.count()).where(Outgoing.sent.is_not(None))
    with db.engine.connect() as connection:
        return (connection.scalar(tasks) or 0) + (connection.scalar(messages) or 0)


def _open_tasks() -> list[str]:
    query = select(Task).where(Task.finished.is_(None)).order_by(Task.id)
    found = [
        f"still open: process {task.process_id}, task {task.id} ({task.flow_task}) {task.status}, scheduled "
        f"{task.scheduled}, lease {task.lease}, attempt {task.attempt}, awaits {task.awaits}"
        for task in db.session.scalars(query).unique()
    ]
    db.session.remove()
    return found


def _counts(session: Any) -> dict[str, int]:
    counts = dict(session.execute(select(Process.status, func.count()).group_by(Process.status)).all())
    tries = select(func.count()).select_from(auditor.Try).where(auditor.Try.began)
    jobs = select(func.count()).where(Task.flow_task == "work", Task.status == "DONE")
    timers = select(func.count()).where(Task.flow_task.in_(("wait", "travel")), Task.status == "DONE")
    return {f"processes {status}": count for status, count in counts.items()} | {
        "job attempts": session.scalar(tries),
        "jobs done": session.scalar(jobs),
        "timers fired": session.scalar(timers),
        "messages": session.scalar(select(func.count()).select_from(Outgoing)),
    }
