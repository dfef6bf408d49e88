"""The rows of a page of tasks under heads: by step, by flow, or by the day on which they are due.

A page is what it is without heads, fifty rows in the order of the list: they only stand together. So it costs no
statement, and the most urgent ones stay on the first page however many there are; a head leads to all of its kind.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from portal.language import gettext as _
from portal.language import lazy_gettext
from portal.models import utcnow
from portal.queries import Filters, LeftOut

from .display.moments import date
from .display.steps import step_title
from .filtering import Addresses

_STEP, _FLOW, _DUE = lazy_gettext("Step"), lazy_gettext("Flow"), lazy_gettext("Due date")
#: by what the rows of a list can stand together
GROUPS: dict[str, dict[str, Any]] = {
    "inbox": {"step": _STEP, "flow": _FLOW, "due": _DUE},
    "queue": {"step": _STEP, "flow": _FLOW, "due": _DUE},
    "tasks": {"step": _STEP, "flow": _FLOW, "due": _DUE},
    "archive": {"step": _STEP, "flow": _FLOW},
}


@dataclass
class Group:
    """Rows under a head.

    Attributes:
        title: empty where the list has no heads.
        more: the flow, where the title is a step's.
        address: the list of all that are so; empty where no filter says it.
    """

    title: str = ""
    more: str = ""
    address: str = ""
    rows: list[Any] = field(default_factory=list)


def fault(name: str, filters: Filters) -> LeftOut | None:
    """Why the rows stand as they do without `group=`, where it is none of the list's."""
    if not filters.group or filters.group in GROUPS.get(name, ()):
        return None
    return LeftOut.of("group", _("This list cannot be grouped by “%(text)s”.", text=filters.group[:40]))


def groups(name: str, filters: Filters, rows: Iterable[Any], addresses: Addresses) -> list[Group]:
    """The rows in their groups: that of the first row first, days in their order."""
    if filters.group not in GROUPS.get(name, ()):
        return [Group(rows=list(rows))]
    key, head = _KINDS[filters.group]
    found: dict[Any, list[Any]] = {}
    for row in rows:
        found.setdefault(key(row, filters), []).append(row)
    order = sorted(found) if filters.group == "due" else list(found)
    return [head(each, found[each], filters, addresses) for each in order]


def _step(row: Any, _filters: Filters) -> tuple[str, str]:
    return row.process.flow_label, row.flow_task


def _flow(row: Any, _filters: Filters) -> str:
    label: str = row.process.flow_label
    return label


_LATE, _ON_A_DAY, _NEVER = range(3)


def _day(row: Any, filters: Filters) -> tuple[int, dt.date]:
    """The day on which it is due, between what is overdue and what never is."""
    if row.due is None:
        return _NEVER, dt.date.max
    if row.due < utcnow():
        return _LATE, dt.date.min
    try:
        return _ON_A_DAY, row.due.astimezone(filters.zone).date()
    except OverflowError:  # in the last hours of the calendar
        return _ON_A_DAY, row.due.date()


def _head_of_step(key: tuple[str, str], rows: list[Any], _filters: Filters, addresses: Addresses) -> Group:
    flow_class = rows[0].process.flow_class
    definition = None if flow_class is None else flow_class.definition
    flow = key[0] if definition is None else str(definition.title)
    address = addresses.with_(flow=key[0], step=key[1], group="")
    return Group(step_title(definition, key[1]), flow, address, rows)


def _head_of_flow(label: str, rows: list[Any], _filters: Filters, addresses: Addresses) -> Group:
    flow_class = rows[0].process.flow_class
    title = label if flow_class is None else str(flow_class.definition.title)
    return Group(title, address=addresses.with_(flow=label, group=""), rows=rows)


def _head_of_day(key: tuple[int, dt.date], rows: list[Any], filters: Filters, addresses: Addresses) -> Group:
    when, day = key
    if when == _NEVER:
        return Group(_("No due date"), address=addresses.with_(due="none", group=""), rows=rows)
    if when == _LATE:
        return Group(_("Overdue"), address=addresses.with_(due="late", group=""), rows=rows)
    today = utcnow().astimezone(filters.zone).date()
    words = {0: _("Today"), 1: _("Tomorrow")}.get((day - today).days)
    return Group(words or date(day, year=day.year != today.year), rows=rows)


_KINDS: dict[str, tuple[Callable[..., Any], Callable[..., Group]]] = {
    "step": (_step, _head_of_step),
    "flow": (_flow, _head_of_flow),
    "due": (_day, _head_of_day),
}
