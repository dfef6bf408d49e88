"""With which declaration of its flow a process was started: the one that made its first task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, literal_column, select
from sqlalchemy.orm import Session

from portal.models import Process, Task

_first = Task.__table__.alias("first_task")
#: as it stands in the index: a database does not see that a parameter is 1
_IS_FIRST = _first.c.number == literal_column("1")


def started_by(fingerprints: Sequence[str]) -> Any:
    """Whether a process was started by one of these."""
    fits: Any = _first.c.fingerprint.in_(fingerprints)
    if len(fingerprints) == 1:  # then the index has them in the order of the list
        fits = _first.c.fingerprint == fingerprints[0]
    return select(_first.c.id).where(_first.c.process_id == Process.id, _IS_FIRST, fits).exists()


def versions_like(session: Session, beginning: str) -> list[str]:
    """The fingerprints that begin so and with which processes were started, of whatever flow.

    From one to the next by an index: how many processes each has does not matter.
    """
    lowest = select(func.min(_first.c.fingerprint)).where(_IS_FIRST)
    began = lowest.where(_first.c.fingerprint >= beginning).scalar_subquery()
    known = select(began.label("fingerprint")).cte("known", recursive=True)
    following = lowest.where(_first.c.fingerprint > known.c.fingerprint).scalar_subquery()
    fits = known.c.fingerprint.startswith(beginning, autoescape=True)
    known = known.union_all(select(following).where(fits))
    query = select(known.c.fingerprint).where(known.c.fingerprint.startswith(beginning, autoescape=True))
    return list(session.scalars(query))
