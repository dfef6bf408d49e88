"""The filters of a list in its address, and the addresses that one goes on to from there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import request
from werkzeug.datastructures import MultiDict

from portal import queries
from portal.language import gettext as _
from portal.models import db
from portal.queries import DataFilter, Filters, data_filter

from .display.moments import zone
from .layout import me, preferences
from .urls import to_id

#: what is longer is no filter
_LONGEST, _MOST_CONDITIONS = 1000, 20
_PLAIN = (
    "flow", "version", "q", "step", "person", "since", "until", "priority", "sort", "group", "after", "view",
)  # fmt: skip
#: columns that a list can be made to show
_MOST_COLUMNS = 20


def filters_of_request(values: Mapping[str, str] | None = None) -> Filters:
    """What the address narrows the list to. A saved view (`view=`) stands for the filters that were saved, and what
    else is said counts beside them. `tab=` only tells which view somebody has come from.

    Args:
        values: what a form has instead of an address.
    """
    values = request.args if values is None else values
    found = read_filters(values)
    if not found.view:
        return replace(found, view=values.get("tab", "")[:20])
    saved = queries.saved_view(db.session(), me(), to_id(found.view))
    if saved is None:
        fault = queries.LeftOut.of("view", _("There is no such view: this is the whole list."))
        return replace(found, view="", faults=(fault,))
    return found.over(read_filters(MultiDict(parse_qsl(saved.query))))


def read_filters(values: Mapping[str, str]) -> Filters:
    """What these values narrow a list to."""

    def get(name: str) -> str:
        return (
            values.get(name, "").replace("\0", "").strip()[:_LONGEST]
        )  # NUL: PostgreSQL takes it in no text

    conditions = (data_filter(key, get(key)) for key in values)
    due = "late" if get("late") == "1" else get("due")
    plain: dict[str, Any] = {name: get(name) for name in _PLAIN}
    return Filters(
        **plain,
        state=(get("state") or get("status")).lower(),
        due=due,
        data=tuple(each for each in conditions if each is not None)[:_MOST_CONDITIONS],
        columns=_columns(values),
        mine=get("mine") == "1",
        zone=zone(preferences().get("timezone")),
    )


def _columns(values: Mapping[str, str]) -> tuple[str, ...]:
    """The columns that are wanted: in one text with commas, or ticked one by one."""
    texts = values.getlist("columns") if isinstance(values, MultiDict) else [values.get("columns", "")]
    names = ",".join(texts).replace("\0", "")[:_LONGEST].split(",")
    return tuple(dict.fromkeys(each for each in names if each))[:_MOST_COLUMNS]


def asked_condition(values: Mapping[str, str]) -> DataFilter | None:
    """The condition that the form for one sends: a field, a comparison and a value, each on its own."""
    key = f"data.{values.get('field', '')}.{values.get('op', 'eq')}"
    return data_filter(key, values.get("value", "").strip()[:_LONGEST])


class Addresses:
    """The addresses of a list: sorted otherwise, the next page, without filters."""

    def __init__(self, path: str, filters: Filters, orders: Mapping[str, Any]) -> None:
        self.path, self.filters, self.orders = path, filters, orders
        #: the name of the order that the list is in
        self.order = filters.sort if filters.sort in orders else next(iter(orders))
        self._here = dict(filters.pairs()) | {"tab": filters.view}

    def with_(self, **changes: Any) -> str:
        """The same list with these filters, from its beginning."""
        return self._of(self._here | changes)

    def without(self, *names: str) -> str:
        """Without these filters; where none is left, the saved view is left too."""
        rest = self.filters.without(*names)
        return self._of(dict(rest.pairs()) | {"tab": self.filters.view if rest.narrows else ""})

    def clear(self) -> str:
        """Without any filter, in the same order."""
        kept = ("sort", "mine", "columns", "group")
        pairs = self.filters.without("flow").pairs()  # with columns that are no flow's
        return self._of({name: value for name, value in pairs if name in kept})

    def _of(self, values: Mapping[str, Any]) -> str:
        given = {name: value for name, value in values.items() if value}
        return f"{self.path}?{urlencode(given)}" if given else self.path

    def sort(self, name: str) -> str:
        """By this column; a second time turns it round."""
        return self.with_(sort=f"-{name}" if self.order == name else name)

    def direction(self, name: str) -> str:
        """For `aria-sort`."""
        return {name: "ascending", f"-{name}": "descending"}.get(self.order, "none")

    @property
    def of_processes(self) -> bool:
        """Whether it is a list of processes."""
        return "number" in self.orders

    @property
    def query(self) -> str:
        """What follows the path of this list, as it is narrowed and sorted."""
        return urlencode(self.filters.pairs())
