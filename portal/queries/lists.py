"""The lists: what each of them holds, and what it can be sorted by. `listing` reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, true

from portal.engine import criteria
from portal.models import Process, Task, utcnow

from .among import among
from .beside import awake
from .paging import Key, Order
from .statement_cache import Holder

_ID = Key(Task.id, "id")
_LAST = Key(Task.id, "id", descending=True)

#: what the lists of open tasks can be sorted by; the first one is what they are sorted by unless told otherwise
ORDERS: dict[str, Order] = {
    "due": (Key(Task.due, "due", nullable=True), Key(Task.priority, "priority", descending=True), _ID),
    "-due": (Key(Task.due, "due", descending=True, nullable=True), Key(Task.priority, "priority"), _LAST),
    "priority": (Key(Task.priority, "priority", descending=True), _ID),
    "-priority": (Key(Task.priority, "priority"), _ID),
    # tasks are numbered as they come
    "waiting": (_ID,),
    "-waiting": (_LAST,),
    "created": (_ID,),
    "-created": (_LAST,),
    "process": (Key(Task.process_id, "process_id"), _ID),
    "-process": (Key(Task.process_id, "process_id", descending=True), _LAST),
}
ARCHIVE_ORDERS: dict[str, Order] = {
    "-finished": (Key(Task.finished, "finished", descending=True), _LAST),
    "finished": (Key(Task.finished, "finished"), _ID),
    "process": (Key(Task.process_id, "process_id"), _ID),
    "-process": (Key(Task.process_id, "process_id", descending=True), _LAST),
}
PROCESS_ORDERS: dict[str, Order] = {
    "-number": (Key(Process.id, "id", descending=True),),
    "number": (Key(Process.id, "id"),),
    "-created": (Key(Process.id, "id", descending=True),),
    "created": (Key(Process.id, "id"),),
}


@dataclass(frozen=True)
class List:
    """One of the lists.

    Attributes:
        kind: how its filters are read, see `narrowing.narrow`.
        orders: what it can be sorted by.
        sets: the criteria of its rows for a person, each of a set that an index holds. Sets without rows of the flow
            may be left out, where there is a second argument.
        common: a criterion of all of them.
        model: what its rows are.
    """

    kind: str
    orders: Mapping[str, Order]
    sets: Callable[[Any, str], list[Any]]
    common: Callable[[Any], Any]
    model: Any = Task

    def order(self, name: str) -> Order:
        return self.orders.get(name) or next(iter(self.orders.values()))


_OPEN = Task.finished.is_(None)
#: what waits on the border of a step is no work of anybody's
_STEP = ~Task.flow_task.contains("__", autoescape=True)


def _inbox(user: Any, _flow: str) -> list[Any]:
    now = user.now if isinstance(user, Holder) else utcnow()
    return [and_(each, _OPEN, awake(now)) for each in criteria.my_task_sets(user)]


def _queue(user: Any, _flow: str) -> list[Any]:
    return criteria.takeable_sets(user)


def _own(user: Any, process_id: Any, flow: str) -> Any:
    """What is one's own beside the flows that one sees whole, whose sets have it too."""
    seen = criteria.seen_whole(user, flow)
    return among(process_id, criteria.own_processes(user, seen).scalar_subquery())


def _processes(user: Any, flow: str) -> list[Any]:
    if user.is_superuser:
        return [true()]
    flows = criteria.visible_flows(user, flow)
    own = _own(user, Process.id, flow)
    return flows if flow and flows else [*flows, own]


def _tasks(user: Any, flow: str) -> list[Any]:
    if user.is_superuser:
        return [true()]
    flows = criteria.visible_flows(user, flow)
    own = _own(user, Task.process_id, flow)
    return flows if flow and flows else [*flows, own, *criteria.permitted_sets(user)]


#: the sets of what is read in no order of its own, and as one
SEEN = {"processes": criteria.visible_sets, "tasks": criteria.visible_task_sets}
LISTS: dict[str, List] = {
    "inbox": List("mine", ORDERS, _inbox, lambda _user: _OPEN),
    "queue": List("mine", ORDERS, _queue, criteria.is_free),
    "archive": List(
        "archive", ARCHIVE_ORDERS, lambda user, _flow: [Task.owner_id == user.id],
        lambda _user: Task.finished.is_not(None),
    ),
    "tasks": List("tasks", ORDERS, _tasks, lambda _user: and_(_OPEN, _STEP)),
    "processes": List(
        "processes", PROCESS_ORDERS, _processes, lambda _user: Process.id > 0, Process
    ),
    "mine": List(
        "processes", PROCESS_ORDERS, lambda user, _flow: [Process.created_by_id == user.id],
        lambda _user: Process.id > 0, Process,
    ),
}  # fmt: skip
