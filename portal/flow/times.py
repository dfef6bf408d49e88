"""Due moments that an author gives as a timedelta, a datetime or a callable."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from .reference import Expression, Reference


def moment(value: Any, now: dt.datetime) -> dt.datetime | None:
    """A span from now or an aware moment as a moment."""
    if value is None:
        return None
    if isinstance(value, dt.timedelta):
        return now + value
    if not isinstance(value, dt.datetime):
        raise TypeError(f"a moment is a timedelta or a datetime, not {type(value).__name__}")
    if value.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone; moments are timezone-aware")
    return value


def moment_faults(value: Any, where: str) -> Iterator[str]:
    if isinstance(value, dt.datetime) and value.tzinfo is None:
        yield f"{where} got a datetime without a time zone; add tzinfo=datetime.UTC"
    elif not isinstance(value, dt.timedelta | dt.datetime | Reference | Expression) and not callable(value):
        yield f"{where} needs a timedelta, a datetime or a callable, not {value!r}"
