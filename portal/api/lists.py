"""Pages of the lists of tasks and processes, narrowed as on the pages for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from flask import request
from sqlalchemy import Select

from portal import queries
from portal.models import db
from portal.web.filtering import filters_of_request
from portal.web.layout import me
from portal.web.problems import Invalid
from portal.web.urls import LARGEST_ID

#: columns of what is listed by which it is in the order in which it came, whatever the pages call that
_COLUMNS = ("created", "id")


def read(name: str, query: dict[str, Any]) -> queries.Page:
    """A page of a list.

    Raises:
        Invalid: a filter cannot be understood; for people it is left out, and a program would not see that.
    """
    filters = filters_of_request()
    sign, sort = filters.sort[:1] == "-", filters.sort.removeprefix("-")
    if sort in _COLUMNS:
        by = "number" if queries.LISTS[name].kind == "processes" else "waiting"
        filters = replace(filters, sort=f"-{by}" if sign else by)
    found = queries.read(db.session(), me(), name, filters, query["limit"], beside=False)
    faults: dict[str, list[str]] = {}
    for line in (*_unknown(), *queries.strange(name, filters), *found.faults):
        faults.setdefault(getattr(line, "name", ""), []).append(line)
    if faults:
        raise Invalid(faults)
    return found


def _unknown() -> Iterator[queries.LeftOut]:
    """Filters that do not exist: comparisons and fields with unknown names."""
    for name, text in request.args.items():
        if name.startswith("data.") and text.strip() and queries.data_filter(name, text.strip()) is None:
            told = "A field is compared by eq, ne, lt, le, gt, ge or contains."
            yield queries.LeftOut.of(name, told)


def cursor(after: str) -> int:
    """The id behind which a page begins, where rows are in the order of their ids.

    Raises:
        Invalid: nobody has made this `after`.
    """
    if not after:
        return 0
    if not after.isascii() or not after.isdigit() or len(after) > 19 or int(after) > LARGEST_ID:
        raise Invalid({"after": ["This is no place in the list: take `next` of the page before."]})
    return int(after)


def keyed(query: Select[Any], key: Any, limit: int) -> tuple[list[Any], str | None]:
    """A page of rows in the order of their ids, and where the next one begins."""
    found = list(db.session.scalars(query.order_by(key).limit(limit + 1)).unique())
    shown = found[:limit]
    return shown, str(shown[-1].id) if len(found) > limit else None
