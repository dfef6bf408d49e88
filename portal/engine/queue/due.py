"""When the first row of each kind falls due, asked in one statement: a worker sleeps until then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import Session

from portal.flow.declaration import Flow
from portal.flow.registry import registry
from portal.models import Operation, Task

from .. import outbox
from ..interpreter import conditions, messages, signals
from . import digests, jobs, reminders, schedules, timers

_NOW: Any = bindparam("now", type_=Task.scheduled.type)

#: by name: the moment of the first row that is free at a moment, as a query of one value. None where no flow here
#: can have such a row.
FIRST: dict[str, Callable[[Any], Select[Any] | None]] = {
    "timers": timers.first_timer,
    "jobs": timers.first_job,
    "schedules": schedules.first,
    "signals": signals.first,
    "messages": messages.first,
    "reminders": reminders.first,
    "daily mail": digests.first,
    "conditions": conditions.first,
    "lost jobs": jobs.first_lost,
    "operations": lambda _now: select(func.min(Operation.scheduled)).where(Operation.state == "RUNNING"),
    "mail": lambda _now: outbox.first("mail"),
    "hooks": lambda _now: outbox.first("hook"),
}


def first_moments(session: Session) -> dict[str, dt.datetime]:
    """The first moment of each kind of which there is a row; it can have passed."""
    session.rollback()
    query = _query(frozenset(registry.values()))
    # of the connection itself, as no object is read: it is asked each second of an idle worker
    row = session.connection().execute(query, {"now": timers.now()}).one()
    session.rollback()
    return {name: moment for name, moment in row._mapping.items() if moment is not None}


@lru_cache(maxsize=8)
def _query(_flows: frozenset[type[Flow]]) -> Select[Any]:
    asked = {name: first(_NOW) for name, first in FIRST.items()}
    return select(*(each.scalar_subquery().label(name) for name, each in asked.items() if each is not None))
