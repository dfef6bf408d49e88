"""What happened to a process, in the order of time: its history, what its jobs did, and who was struck meanwhile."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import select

from portal.models import Event, Outgoing, Task, User

from .ledger import Try

Moment = tuple[dt.datetime, str]


def concerned(session: Any, faults: Iterable[str]) -> list[int]:
    """The processes that faults speak of, in their order."""
    found: dict[int, None] = {}
    for fault in faults:
        if process := re.search(r"\bprocess (\d+)", fault):
            found[int(process[1])] = None
        elif task := re.search(r"\btask (\d+)", fault):
            found[session.scalar(select(Task.process_id).where(Task.id == int(task[1])))] = None
    return [process for process in found if process is not None]


def told(session: Any, process: int, strikes: Iterable[Moment]) -> list[str]:
    """The story of a process, a line each."""
    own = [*_history(session, process), *_tries(session, process), *_sent(session, process)]
    first, last = min(own, default=None), max(own, default=None)
    if first is None or last is None:
        return [f"process {process} is not there"]
    around = [(moment, f"                    {words}") for moment, words in strikes]
    lines = own + [each for each in around if first[0] <= each[0] <= last[0]]
    return [f"process {process}", *(f"  {moment:%H:%M:%S.%f} {words}" for moment, words in sorted(lines))]


def _history(session: Any, process: int) -> Iterator[Moment]:
    query = (
        select(Event, Task.flow_task, User.username)
        .outerjoin(Task, Task.id == Event.task_id)
        .outerjoin(User, User.id == Event.user_id)
    )
    for event, node, who in session.execute(query.where(Event.process_id == process).order_by(Event.id)):
        subject = "the process" if node is None else f"task {event.task_id} {node}"
        by = f" by {who}" if who else ""
        detail = f" {event.detail}" if event.detail else ""
        yield (
            event.created,
            f"{subject}: {event.from_state} → {event.to_state} ({event.action}){by}{detail}",
        )


def _tries(session: Any, process: int) -> Iterator[Moment]:
    query = select(Try).join(Task, Task.id == Try.task_id).where(Task.process_id == process)
    for row in session.scalars(query):
        what = "begins" if row.began else f"ends, silent for {row.silence:.1f} s at most"
        yield row.moment, f"task {row.task_id}: attempt {row.attempt} {what}, in {row.pid}"


def _sent(session: Any, process: int) -> Iterator[Moment]:
    for row in session.scalars(select(Outgoing).where(Outgoing.process_id == process)):
        if row.sent is not None:
            yield row.sent, f"message {row.key} ({row.event}) was sent, try {row.attempt}"
