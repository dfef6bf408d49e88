"""Jobs and timers for people: what runs, and what is due next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, literal, literal_column, select
from sqlalchemy.orm import Session, contains_eager, lazyload

from portal.models import Event, Process, Task

from .figures import for_workers
from .paging import Key, Page, behind, ordering, pack, unpack

#: rows of each list on a page
RUNNING, COMING = 50, 30
#: numbers stop counting here
MOST = 1000

_SOONEST = (Key(Task.scheduled, "scheduled"), Key(Task.id, "id"))
_AT_WORK = (Task.status == literal_column("'STARTED'"), Task.lease.is_not(None))
_WAITING = (Task.finished.is_(None), Task.scheduled.is_not(None), Task.status == "SCHEDULED")


@dataclass(frozen=True)
class Numbers:
    """What the top of the page says; each stops counting at `MOST`."""

    running: int
    soon: int
    late: int
    waiting: int


def numbers(session: Session, labels: Sequence[str] | None, now: dt.datetime) -> Numbers:
    """How many jobs run, and how many timers and jobs wait: at all, in the next hour, and for longer than a minute."""

    def count(*criteria: Any) -> Any:
        query = _of(select(literal(1)).select_from(Task).join(Task.process), labels).where(*criteria)
        return select(func.count()).select_from(query.limit(MOST).subquery()).scalar_subquery()

    hour, minute = dt.timedelta(hours=1), dt.timedelta(minutes=1)
    asked = select(
        count(*_AT_WORK),
        count(*_WAITING, Task.scheduled <= now + hour),
        count(*_WAITING, Task.scheduled <= now - minute, ~Process.on_hold, for_workers()),
        count(*_WAITING),
    )
    return Numbers(*session.execute(asked).one())


def _of(query: Any, labels: Sequence[str] | None) -> Any:
    return query if labels is None else query.where(Process.flow_label.in_(labels))


@dataclass(frozen=True)
class Running:
    """A job at work.

    Attributes:
        worker: the process that runs it.
        left: how long it still takes, as far as one can tell from a twentieth on.
    """

    task: Task
    worker: str
    left: dt.timedelta | None


def running(session: Session, labels: Sequence[str] | None, now: dt.datetime) -> list[Running]:
    """The jobs at work, the longest first."""
    query = select(Task).join(Task.process).options(contains_eager(Task.process), lazyload(Task.owner))
    query = _of(query, labels).where(*_AT_WORK).order_by(Task.started, Task.id).limit(RUNNING)
    tasks = list(session.scalars(query))
    workers: dict[int, str] = {}
    if tasks:
        begun = select(Event.task_id, Event.detail).where(
            Event.task_id.in_([task.id for task in tasks]), Event.action == "job", Event.to_state == "STARTED"
        )
        for task_id, detail in session.execute(begun.order_by(Event.id)):
            workers[task_id] = str((detail or {}).get("worker") or "")
    return [Running(task, workers.get(task.id, ""), time_left(task, now)) for task in tasks]


def time_left(task: Task, now: dt.datetime) -> dt.timedelta | None:
    """How long a running job still takes if it goes on as it has; None before a twentieth of it is done."""
    progress = task.progress or {}
    done, total = progress.get("done"), progress.get("total")
    if not isinstance(done, int | float) or not isinstance(total, int | float) or task.started is None:
        return None
    if total <= 0 or done < total / 20:
        return None
    return (now - task.started) * max(total - done, 0) / done


def coming(
    session: Session,
    labels: Sequence[str] | None,
    *,
    flow: str = "",
    process_id: int | None = None,
    after: str = "",
) -> Page:
    """The timers and jobs that wait for their moment, the soonest first."""
    query = select(Task).join(Task.process).where(*_WAITING)
    query = query.options(contains_eager(Task.process), lazyload(Task.owner))
    query = _of(query, labels)
    if flow:
        query = query.where(Process.flow_label == flow)
    if process_id is not None:
        query = query.where(Process.id == process_id)
    values = unpack(_SOONEST, after) if after else None
    if values is not None:
        query = query.where(behind(_SOONEST, values))
    found = list(session.scalars(query.order_by(*ordering(_SOONEST)).limit(COMING + 1)))
    rows = found[:COMING]
    return Page(rows, pack([rows[-1].scheduled, rows[-1].id]) if len(found) > COMING else "", values is None)
