"""Paging by keys: a page begins behind the last row of the one before, however far down that is."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Integer, and_, or_

from portal.models import UTCDateTime
from portal.models.base import is_storable

PAGE = 50


@dataclass(frozen=True)
class Key:
    """One column of an order.

    Attributes:
        column: what is ordered by.
        name: the attribute of a row that holds it.
        descending: the largest first.
        nullable: rows without a value come last.
    """

    column: Any
    name: str
    descending: bool = False
    nullable: bool = False

    def order(self) -> list[Any]:
        by = self.column.desc() if self.descending else self.column.asc()
        return [self.column.is_(None), by] if self.nullable else [by]

    def beyond(self, value: Any) -> ColumnElement[bool] | None:
        """Rows that come later by this column alone; None: no row does."""
        if value is None:
            return None
        later: ColumnElement[bool] = self.column < value if self.descending else self.column > value
        return or_(later, self.column.is_(None)) if self.nullable else later

    def same(self, value: Any) -> ColumnElement[bool]:
        equal: ColumnElement[bool] = self.column.is_(None) if value is None else self.column == value
        return equal


Order = Sequence[Key]


def ordering(order: Order) -> list[Any]:
    return [by for key in order for by in key.order()]


def behind(order: Order, values: Sequence[Any]) -> ColumnElement[bool]:
    """The rows that come after the one with these values."""
    ways = []
    for place, key in enumerate(order):
        further = key.beyond(values[place])
        if further is not None:
            ways.append(and_(*(order[i].same(values[i]) for i in range(place)), further))
    first = order[0]
    if len(ways) == 1 or first.nullable or values[0] is None:
        return or_(*ways)
    # said once more of the first column alone, where an index begins to read
    begin = first.column <= values[0] if first.descending else first.column >= values[0]
    return and_(begin, or_(*ways))


def pack(values: Sequence[Any]) -> str:
    """The place of a row by the values of its order, for `after=` in an address."""
    plain = [{"t": value.isoformat()} if isinstance(value, dt.datetime) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain, separators=(",", ":")).encode()).decode().rstrip("=")


def unpack(order: Order, text: str) -> list[Any] | None:
    """The values in an `after=`, or None when nobody made it for this order."""
    try:
        found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        values = [dt.datetime.fromisoformat(v["t"]) if isinstance(v, dict) else v for v in found]
    except (ValueError, binascii.Error, KeyError, TypeError, UnicodeError, RecursionError):
        return None
    fits = len(values) == len(order) and all(
        _fits(key, value) for key, value in zip(order, values, strict=True)
    )
    return values if fits else None


def _fits(key: Key, value: Any) -> bool:
    if value is None:
        return key.nullable
    if isinstance(key.column.type, Integer):
        most = 2**63 if isinstance(key.column.type, BigInteger) else 2**31
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) < most
    if isinstance(key.column.type, UTCDateTime):
        return isinstance(value, dt.datetime) and is_storable(value)
    return isinstance(value, str) and "\0" not in value


@dataclass(frozen=True)
class Page:
    """Some rows of a list.

    Attributes:
        rows: in their order.
        after: where the next page begins; empty on the last one.
        first: no page comes before.
        columns: the fields that are shown beside, see `fields.Column`.
        values: what each row has in them, by its id.
        faults: filters that were left out, a line each.
        beside: what the same statement has told of other matters, see `beside.Beside`.
    """

    rows: list[Any]
    after: str = ""
    first: bool = True
    columns: Sequence[Any] = ()
    values: Mapping[int, Sequence[Any]] = field(default_factory=dict)
    faults: Sequence[str] = ()
    beside: Any = None

    def __iter__(self) -> Any:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def fetch(session: Any, query: Any, order: Order, after: str = "", size: int = PAGE) -> Page:
    """One page of a query for one model; a row more is read to know whether another page follows."""
    values = unpack(order, after) if after else None
    if values is not None:
        query = query.where(behind(order, values))
    rows = list(session.scalars(query.order_by(*ordering(order)).limit(size + 1)))
    more, rows = len(rows) > size, rows[:size]
    place = pack([getattr(rows[-1], key.name) for key in order]) if more else ""
    return Page(rows, place, values is None)
