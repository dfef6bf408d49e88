"""The lists: what each of them holds, and a page of one in one statement."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, false, func, or_, select, true
from sqlalchemy.orm import Session

from portal.engine import absences, criteria
from portal.language import gettext as _
from portal.models import Process, Task, User, utcnow

from .among import among
from .beside import WIDTH, Beside, asides, awake, count
from .filters import EVERYTHING, Filters, LeftOut
from .holder import Holder, kept_rows
from .narrowing import Narrowed, due_before, narrow
from .paging import PAGE, Key, Order, Page, pack, unpack
from .reading import STAGE, first_rows, ordered
from .rows import CREATOR, OWNER, TASK_COLUMNS, process_columns, process_rows, task_rows

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
        kind: how its filters are read, see `filters.narrow`.
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
_SEEN = {"processes": criteria.visible_sets, "tasks": criteria.visible_task_sets}
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


def strange(name: str, filters: Filters) -> list[LeftOut]:
    """Why a list does not begin or is not sorted as its filters say: for people it then begins anew, in its usual
    order."""
    listed, found = LISTS[name], []
    if filters.sort and filters.sort not in listed.orders:
        told = _("This list is sorted by %(names)s.", names=", ".join(listed.orders))
        found.append(LeftOut.of("sort", told))
    elif filters.after and unpack((STAGE, *listed.order(filters.sort)), filters.after) is None:
        told = _("This is no place in the list: take `next` of the page before.")
        found.append(LeftOut.of("after", told))
    return found


def read(
    session: Session,
    user: User,
    name: str,
    filters: Filters = EVERYTHING,
    size: int = PAGE,
    beside: bool = True,
) -> Page:
    """A page of a list: one statement, and one for each model and flow whose summaries need more.

    Args:
        beside: read what a page for people tells beside its rows, too.
    """
    listed = LISTS[name]
    order = listed.order(filters.sort)
    narrowed = narrow(session, filters, listed.kind)
    after = unpack((STAGE, *order), filters.after) if filters.after else None
    values = {"me": user.id, "now": utcnow(), "today": due_before("today", filters.zone), "page": name}
    found = _rows(session, user, name, filters.sort, size, narrowed, after, beside, values)
    told, width = None, 0
    if beside:
        told = Beside.of(found[0] if found else session.execute(select(*asides(session)), values).one())
        width = WIDTH
    more, found = len(found) > size, found[:size]
    make = task_rows if listed.model is Task else process_rows
    rows = make(session, [row[width:] for row in found])
    place = len(narrowed.columns) + len(order) + 1
    return Page(
        rows,
        pack(found[-1][-len(order) - 1 :]) if more else "",
        after is None,
        narrowed.columns,
        {
            row.id: [
                column.value(value) for column, value in zip(narrowed.columns, raw[-place:], strict=False)
            ]
            for row, raw in zip(rows, found, strict=True)
        }
        if narrowed.columns
        else {},
        narrowed.faults,
        told,
    )


def _rows(
    session: Session,
    user: User,
    name: str,
    sort: str,
    size: int,
    narrowed: Narrowed,
    after: Any,
    beside: bool,
    values: dict[str, Any],
) -> Sequence[Any]:
    def made(who: Any) -> Select[Any]:
        return _made(session, who, name, sort, size, narrowed, after, beside)

    if after is not None or narrowed.criteria or narrowed.words is not None:
        query = made(user if absences.standing_in(user) else Holder(user))
        return session.execute(query, values).all()
    key = (name, sort if sort in LISTS[name].orders else "", size, beside)
    return kept_rows(session, user, key, made, values)


def _made(
    session: Session,
    holder: Any,
    name: str,
    sort: str,
    size: int,
    narrowed: Narrowed,
    after: Any,
    beside: bool,
) -> Select[Any]:
    listed = LISTS[name]
    order, model = listed.order(sort), listed.model
    rows = first_rows(
        model,
        listed.sets(holder, narrowed.flow),
        order,
        [listed.common(holder), *narrowed.criteria],
        words=narrowed.words,
        number=_numbered(model, narrowed.number),
        after=after,
        size=size + 1,
    )
    columns = process_columns(session) + (TASK_COLUMNS if model is Task else ())
    extra = [column.read for column in narrowed.columns]
    keys = [rows.c.stage, *(rows.c[f"key_{place}"] for place in range(len(order)))]
    query = (
        select(*(asides(session) if beside else ()), *columns, *extra, *keys)
        .select_from(rows)
        .join(model, model.id == rows.c.row_id)
    )
    if model is Task:
        query = query.join(Process, Process.id == Task.process_id).outerjoin(OWNER, OWNER.id == Task.owner_id)
    query = query.outerjoin(CREATOR, CREATOR.id == Process.created_by_id)
    return query.order_by(*ordered(rows, order)).limit(size + 1)


def _numbered(model: Any, number: int | None) -> Any:
    if number is None:
        return None
    return Process.id == number if model is Process else or_(Process.id == number, Task.id == number)


def matching(
    session: Session, user: User, name: str, filters: Filters, most: int
) -> tuple[list[int], list[str]]:
    """The ids of the rows on all pages of a list, in its order: what an action on all that match is done with.

    Args:
        most: how many at most.

    Returns:
        The ids, and why some filter was left out: nothing should be done then.
    """
    listed = LISTS[name]
    narrowed = narrow(session, filters, listed.kind)
    order = listed.order(filters.sort)
    rows = first_rows(
        listed.model,
        listed.sets(user, narrowed.flow),
        order,
        [listed.common(user), *narrowed.criteria],
        words=narrowed.words,
        number=_numbered(listed.model, narrowed.number),
        size=most,
    )
    found = session.scalars(select(rows.c.row_id).order_by(*ordered(rows, order)).limit(most))
    return list(dict.fromkeys(found)), narrowed.faults


def ids(
    session: Session, user: User, name: str, filters: Filters, after: int, last: int, size: int
) -> list[int]:
    """The ids of the rows in a person's list that come after one, up to the last one, by number."""
    key = LISTS[name].model.id
    query = _listed(session, user, name, filters, key).where(key > after, key <= last)
    return list(session.scalars(query.order_by(key).limit(size)))


def how_many(session: Session, user: User, name: str, filters: Filters) -> int:
    """How many rows are in a person's list."""
    return session.scalar(_listed(session, user, name, filters, func.count(LISTS[name].model.id))) or 0


def _listed(session: Session, user: User, name: str, filters: Filters, selected: Any) -> Select[Any]:
    listed = LISTS[name]
    narrowed = narrow(session, filters, listed.kind)
    number = _numbered(listed.model, narrowed.number)
    ways = [*(narrowed.words or ()), *([] if number is None else [number])]
    found = [
        or_(*_SEEN.get(name, listed.sets)(user, narrowed.flow)),
        listed.common(user),
        *narrowed.criteria,
        *([or_(*ways)] if ways else []),
    ]
    query = select(selected)
    if listed.model is Task:
        query = query.join(Process, Process.id == Task.process_id)
    return query.where(*(found if not narrowed.faults else [false()]))


def inbox(session: Session, user: User, filters: Filters = EVERYTHING, size: int = PAGE) -> Page:
    """The tasks that a person has taken or was given."""
    return read(session, user, "inbox", filters, size)


def queue(session: Session, user: User, filters: Filters = EVERYTHING, size: int = PAGE) -> Page:
    """The tasks that a person may take."""
    return read(session, user, "queue", filters, size)


def archive(session: Session, user: User, filters: Filters = EVERYTHING, size: int = PAGE) -> Page:
    """The tasks that were a person's and are over."""
    return read(session, user, "archive", filters, size)


def came_since(session: Session, user: User, name: str, moment: dt.datetime, newest: int) -> int:
    """How many tasks have come into a list since it was read, counted to a hundred.

    Args:
        moment: when that was: since then a task came into the inbox that was assigned later.
        newest: the last task that there was: into the other lists came those that are newer.
    """
    listed = LISTS[name]
    came = Task.assigned > moment if name == "inbox" else Task.id > newest
    found = [
        select(Task.id).join(Process, Process.id == Task.process_id).where(listed.common(user), each, came)
        for each in listed.sets(user, "")
    ]
    return session.scalar(select(count(found))) or 0
