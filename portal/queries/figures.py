"""Counts of what waits: for monitoring, and for `portal stats`."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from portal.flow.external import awaited
from portal.models import Outgoing, Process, SignalDelivery, Task


@dataclass(frozen=True)
class Figures:
    """What waits at one moment. Ages are in seconds."""

    #: unfinished processes by flow
    processes: dict[str, int] = field(default_factory=dict)
    #: open tasks by flow and state
    open: dict[tuple[str, str], int] = field(default_factory=dict)
    #: tasks past their due moment by flow
    late: dict[str, int] = field(default_factory=dict)
    #: rows that are due, by queue, and how long the oldest of each is due
    due: dict[str, int] = field(default_factory=dict)
    ages: dict[str, float] = field(default_factory=dict)
    #: what could not be sent, by kind: mail, hook
    given_up: dict[str, int] = field(default_factory=dict)

    @property
    def failed(self) -> dict[str, int]:
        """Tasks in ERROR by flow: the incidents."""
        return {flow: count for (flow, status), count in self.open.items() if status == "ERROR"}

    def plain(self) -> dict[str, Any]:
        """For programs: as JSON takes it."""
        by_flow: dict[str, dict[str, int]] = {}
        for (flow, status), count in self.open.items():
            by_flow.setdefault(flow, {})[status] = count
        return {
            "unfinished": self.processes, "open": by_flow, "late": self.late, "failed": self.failed,
            "due": {name: {"rows": count, "age": self.ages[name]} for name, count in self.due.items()},
            "given_up": self.given_up,
        }  # fmt: skip

    def lines(self) -> Iterator[str]:
        """The figures in words, one a line."""
        for flow in sorted(self.processes):
            yield f"{flow:30} {'unfinished':12} {self.processes[flow]:8}"
        for (flow, status), count in sorted(self.open.items()):
            yield f"{flow:30} {status:12} {count:8}"
        for flow, count in sorted(self.late.items()):
            yield f"{flow:30} {'late':12} {count:8}"
        for queue, count in sorted(self.due.items()):
            yield f"{'due: ' + queue:30} {'rows':12} {count:8}   the oldest since {self.ages[queue]:.0f} s"
        for kind, count in sorted(self.given_up.items()):
            yield f"{'given up: ' + kind:30} {'rows':12} {count:8}"


def figures(session: Session, now: dt.datetime) -> Figures:
    """Read them, from what is open alone. It takes longer the more that is: 0.1 s with 100,000 open tasks."""
    late = func.sum(case((Task.due < now, 1), else_=0))
    open_tasks = (
        select(Process.flow_label, Task.status, func.count(), late).select_from(Task).join(Task.process)
    )
    open_tasks = open_tasks.where(Task.finished.is_(None)).group_by(Process.flow_label, Task.status)
    counted = session.execute(open_tasks).all()
    overdue: Counter[str] = Counter()
    for flow, _, _, number in counted:
        overdue[flow] += int(number)
    unfinished = select(Process.flow_label, func.count()).where(Process.finished.is_(None))
    unfinished = unfinished.group_by(Process.flow_label)
    waiting = {name: query(session, now) for name, query in QUEUES.items()}
    found = Figures(
        processes=_numbers(session, unfinished),
        open={(flow, status): number for flow, status, number, _ in counted},
        late=dict(+overdue),
        due={name: count for name, (count, _) in waiting.items()},
        ages={name: age for name, (_, age) in waiting.items()},
        given_up=_numbers(session, _given_up()),
    )
    session.rollback()
    return found


def _numbers(session: Session, query: Any) -> dict[str, int]:
    return {row[0]: row[1] for row in session.execute(query)}


def _age(row: Any, now: dt.datetime) -> tuple[int, float]:
    count, oldest = row
    return count, 0.0 if oldest is None else (now - oldest).total_seconds()


def for_workers() -> Any:
    """Whether the portal's own workers do a task that waits for its moment, and no program elsewhere."""
    return or_(Task.awaits.is_(None), ~Task.awaits.startswith(awaited(""), autoescape=True))


def _tasks(session: Session, now: dt.datetime) -> tuple[int, float]:
    query = select(func.count(), func.min(Task.scheduled)).select_from(Task).join(Task.process)
    due = query.where(
        Task.finished.is_(None),
        Task.scheduled <= now,
        Task.status == "SCHEDULED",
        ~Process.on_hold,
        for_workers(),
    )
    return _age(session.execute(due).one(), now)


def _signals(session: Session, now: dt.datetime) -> tuple[int, float]:
    return _age(session.execute(select(func.count(), func.min(SignalDelivery.created))).one(), now)


def _outbox(session: Session, now: dt.datetime) -> tuple[int, float]:
    query = select(func.count(), func.min(Outgoing.scheduled)).where(Outgoing.scheduled <= now)
    return _age(session.execute(query).one(), now)


def _given_up() -> Any:
    query = select(Outgoing.kind, func.count()).where(Outgoing.scheduled.is_(None), Outgoing.sent.is_(None))
    return query.group_by(Outgoing.kind)


#: each queue of rows that workers empty
QUEUES: dict[str, Callable[[Session, dt.datetime], tuple[int, float]]] = {
    "timers and jobs": _tasks,
    "signals": _signals,
    "outbox": _outbox,
}
