"""With which declaration of its flow a process was started: the one that made its first task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, literal_column, or_, select
from sqlalchemy.orm import Session

from portal.models import Process, Task

_first = Task.__table__.alias("first_task")
#: as it stands in the index: a database does not see that a parameter is 1
_IS_FIRST = _first.c.number == literal_column("1")


def started_by(fingerprints: Sequence[str], *, unknown: bool = False) -> Any:
    """Whether a process was started by one of these.

    Args:
        unknown: also where it is not known by which.
    """
    fits: ColumnElement[bool] = _first.c.fingerprint.in_(fingerprints)
    if len(fingerprints) == 1:  # then the index has them in the order of the list
        fits = _first.c.fingerprint == fingerprints[0]
    if unknown:
        fits = or_(fits, _first.c.fingerprint.is_(None))
    return select(_first.c.id).where(_first.c.process_id == Process.id, _IS_FIRST, fits).exists()


def versions_like(session: Session, label: str, beginning: str) -> list[str]:
    """The versions of a flow with which processes were started, and whose fingerprint begins so."""
    return _versions(session, label, lambda each: each.startswith(beginning, autoescape=True))


def versions_but(session: Session, label: str, fingerprint: str) -> list[str]:
    """The versions of a flow with which processes were started, but for this one."""
    return _versions(session, label, lambda each: each != fingerprint)


def _versions(session: Session, label: str, fits: Any) -> list[str]:
    """From one fingerprint to the next by an index: how many processes each has does not matter."""
    lowest = select(func.min(_first.c.fingerprint)).where(_IS_FIRST)
    known = select(lowest.scalar_subquery().label("fingerprint")).cte("known", recursive=True)
    following = lowest.where(_first.c.fingerprint > known.c.fingerprint).scalar_subquery()
    known = known.union_all(select(following).where(known.c.fingerprint.is_not(None)))
    process = Process.__table__
    of_flow = (  # with a limit it is asked for each of them, and not joined with all there is
        select(literal_column("1"))
        .select_from(_first)
        .join(process, process.c.id == _first.c.process_id)
        .where(process.c.flow_label == label, _first.c.fingerprint == known.c.fingerprint, _IS_FIRST)
        .limit(1)
        .scalar_subquery()
    )
    query = select(known.c.fingerprint).where(
        known.c.fingerprint.is_not(None), fits(known.c.fingerprint), of_flow.is_not(None)
    )
    return list(session.scalars(query.order_by(known.c.fingerprint)))
