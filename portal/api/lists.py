"""Pages of the lists of tasks and processes, narrowed as on the pages for people."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select

from portal import queries
from portal.models import db
from portal.web.filtering import filters_of_request
from portal.web.layout import me
from portal.web.problems import Invalid
from portal.web.urls import LARGEST_ID


def read(name: str, query: dict[str, Any]) -> queries.Page:
    """A page of a list.

    Raises:
        Invalid: a filter cannot be understood; for people it is left out, and a program would not see that.
    """
    found = queries.read(db.session(), me(), name, filters_of_request(), query["limit"])
    if found.faults:
        raise Invalid({"": list(found.faults)})
    return found


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
