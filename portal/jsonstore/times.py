"""Fields of dates, times and durations. Their text sorts as they do."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from portal.language import gettext as _

from .field import D, Field, N
from .numbers import NumberField


class DateField(Field[dt.date, N, D]):
    """A day."""

    python_type = dt.date

    def check(self, value: Any) -> dt.date:
        if not isinstance(value, dt.date) or isinstance(value, dt.datetime):
            raise ValueError(f"A date is needed, not {type(value).__name__}.")
        return value

    def dump(self, value: Any) -> str:
        return str(value.isoformat())

    def load(self, stored: Any) -> dt.date:
        return dt.date.fromisoformat(stored)


class DateTimeField(Field[dt.datetime, N, D]):
    """A moment. It must know its time zone; it is kept and read in UTC."""

    python_type = dt.datetime

    def check(self, value: Any) -> dt.datetime:
        if not isinstance(value, dt.datetime):
            raise ValueError(f"A datetime is needed, not {type(value).__name__}.")
        if value.utcoffset() is None:
            raise ValueError("A datetime with a time zone is needed.")
        try:
            return value.astimezone(dt.UTC)
        except OverflowError as error:
            raise ValueError(_("The moment is out of range.")) from error

    def dump(self, value: Any) -> str:
        # Always of one width: the order of the texts is the order of the moments.
        return self.check(value).isoformat(timespec="microseconds")

    def load(self, stored: Any) -> dt.datetime:
        value = dt.datetime.fromisoformat(stored)
        return value.replace(tzinfo=dt.UTC) if value.utcoffset() is None else value.astimezone(dt.UTC)


class TimeField(Field[dt.time, N, D]):
    """A time of day, without a time zone."""

    python_type = dt.time

    def check(self, value: Any) -> dt.time:
        if not isinstance(value, dt.time):
            raise ValueError(f"A time is needed, not {type(value).__name__}.")
        if value.tzinfo is not None:
            raise ValueError("A time of day without a time zone is needed.")
        return value

    def dump(self, value: Any) -> str:
        return str(value.isoformat(timespec="microseconds"))

    def load(self, stored: Any) -> dt.time:
        return dt.time.fromisoformat(stored)


class DurationField(NumberField[dt.timedelta, N, D]):
    """A length of time, kept as a number of seconds."""

    python_type = dt.timedelta

    def number(self, value: Any) -> dt.timedelta:
        if not isinstance(value, dt.timedelta):
            raise ValueError(f"A timedelta is needed, not {type(value).__name__}.")
        return value

    def dump(self, value: Any) -> int | float | str:
        if not value.microseconds:
            return int(value // dt.timedelta(seconds=1))
        exact = _exact_seconds(value)
        # Centuries to the microsecond are more than a binary number holds; their text sorts as a number too.
        return float(exact) if Decimal(repr(float(exact))) == exact else format(exact, "f")

    def load(self, stored: Any) -> dt.timedelta:
        return dt.timedelta(microseconds=int(Decimal(str(stored)).scaleb(6).to_integral_value()))

    def sql_value(self, value: Any) -> Any:
        return _exact_seconds(value) if isinstance(value, dt.timedelta) else value

    def from_sql_number(self, value: Any) -> Any:
        return None if value is None else self.from_json(value)


def _exact_seconds(value: dt.timedelta) -> Decimal:
    return Decimal(value // dt.timedelta(microseconds=1)).scaleb(-6)
