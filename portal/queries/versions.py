"""With which declaration of its flow a process was started: the one that made its first task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, false, func, literal_column, select
from sqlalchemy.orm import Session

from portal.models import Process, Task

from .version_counts import versions

#: more versions are not asked for one by one
_MOST_VERSIONS = 30
_first = Task.__table__.alias("first_task")
#: as it stands in the index: a database does not see that a parameter is 1
_IS_FIRST = _first.c.number == literal_column("1")


def started_by(fingerprints: Sequence[str]) -> Any:
    """Whether a process was started by one of these."""
    if len(fingerprints) != 1:
        return _first_task(_first.c.fingerprint.in_(fingerprints))
    # Of one the index has them in the order of the list; a database walks there through all that came before.
    fits = _first_task(_first.c.fingerprint == fingerprints[0])
    return and_(Process.id.between(*_ends(fingerprints[0])), fits)


def _first_task(fits: Any) -> Any:
    return select(_first.c.id).where(_first.c.process_id == Process.id, _IS_FIRST, fits).exists()


def started_before(session: Session, label: str, now: str) -> Any:
    """Whether a process of a flow was started by another version than this one.

    Each row is asked, but from the newest of the others on: however many this one has started since does not matter.
    """
    is_other = ~_first_task(_first.c.fingerprint == now)
    known, left_out_after = versions(session, label)
    others = [each.fingerprint for each in known if each.fingerprint not in (now, "")]
    if not known or left_out_after is not None or len(others) > _MOST_VERSIONS:
        return is_other
    ends = [end for each in (*others, None) for end in _ends(each)]
    numbers = [number for number in session.execute(select(*ends)).one() if number is not None]
    return and_(Process.id.between(min(numbers), max(numbers)), is_other) if numbers else false()


def _ends(fingerprint: str | None) -> tuple[Any, Any]:
    """The numbers of the first and of the last process that a version started."""
    query = select().where(_IS_FIRST, _first.c.fingerprint == fingerprint)
    return tuple(
        query.add_columns(end(_first.c.process_id)).scalar_subquery() for end in (func.min, func.max)
    )  # type: ignore[return-value]


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
