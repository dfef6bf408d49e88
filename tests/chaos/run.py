"""One run: people work, the killer kills, the dust settles, the auditor reads."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from portal import create_app
from portal.models import Process, Task, create_user, db

from . import auditor
from .clients import PASSWORD, Acknowledged, Client
from .killer import Killer
from .receiver import Receiver
from .site import Site, until

PEOPLE = ("alice", "bob", "carol", "dave")


@dataclass
class Report:
    seed: str
    said: Acknowledged
    kills: Counter[str]
    faults: list[str]
    counts: dict[str, int] = field(default_factory=dict)

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
        ]


def run(seconds: float, kills: int, seed: str = "", broken: str = "") -> Report:
    """Raises TimeoutError when the site does not come to rest."""
    seed = seed or str(random.randrange(10**9))
    receiver = Receiver()
    site = Site(receiver.url, broken)
    said = Acknowledged()
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
        people = PEOPLE[:1] if broken == "fence" else PEOPLE
        clients = [Client(site.addresses, name, said, f"{seed} {name}") for name in people]
        killer = Killer(site, seed, broken)
        _work(clients, killer, seconds, kills)
        with app.app_context():
            settled = _settle(site, clients)
            session = db.session()
            # What did not come to rest is still at work: the books are those of one moment.
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            found = auditor.faults(session, said, receiver.keys, killer.pauses)
            counts = _counts(session)
            db.session.remove()
            db.engine.dispose()
        return Report(seed, said, killer.kills, [*settled, *found], counts)
    finally:
        site.stop()
        receiver.stop()
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


def _settle(site: Site, clients: list[Client], patience: float = 90) -> list[str]:
    """Let people do what is left and workers what is due. What does not come to rest is a fault."""
    site.wait_until_ready()
    end = time.monotonic() + patience

    def rest() -> bool:
        more = sum(client.finish() for client in clients)  # each has tasks that are theirs alone
        db.session.remove()
        unfinished = db.session.scalar(select(func.count()).where(Process.finished.is_(None)))
        db.session.remove()
        return not more and not unfinished and not _unsent()

    try:
        until(rest, max(1.0, end - time.monotonic()), "coming to rest")
    except TimeoutError as error:
        return [str(error), *_open_tasks()]
    return []


def _open_tasks() -> list[str]:
    query = select(Task).where(Task.finished.is_(None)).order_by(Task.id)
    found = [
        f"still open: process {task.process_id}, task {task.id} ({task.flow_task}) {task.status}, scheduled "
        f"{task.scheduled}, lease {task.lease}, attempt {task.attempt}, awaits {task.awaits}"
        for task in db.session.scalars(query).unique()
    ]
    db.session.remove()
    return found


def _unsent() -> int:
    from portal.models import Outgoing

    count: int = db.session.scalar(select(func.count()).where(Outgoing.scheduled.is_not(None))) or 0
    db.session.remove()
    return count


def _counts(session: Any) -> dict[str, int]:
    counts = dict(session.execute(select(Process.status, func.count()).group_by(Process.status)).all())
    tries = select(func.count()).select_from(auditor.Try).where(auditor.Try.began)
    jobs = select(func.count()).where(Task.flow_task == "work", Task.status == "DONE")
    timers = select(func.count()).where(Task.flow_task.in_(("wait", "travel")), Task.status == "DONE")
    return {f"processes {status}": count for status, count in counts.items()} | {
        "job attempts": session.scalar(tries),
        "jobs done": session.scalar(jobs),
        "timers fired": session.scalar(timers),
        "messages": session.scalar(select(func.count()).select_from(auditor.Outgoing)),
    }
