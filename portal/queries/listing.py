"""Reads the lists: a page of one in one statement, and what an action on all that match is done with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, false, func, or_, select
from sqlalchemy.orm import Session

from portal.engine import absences
from portal.language import gettext as _
from portal.models import Process, Task, User, utcnow

from .beside import WIDTH, Beside, asides, count
from .filters import EVERYTHING, Filters, LeftOut
from .lists import LISTS, SEEN, List
from .narrowing import Narrowed, due_before, narrow
from .paging import PAGE, Order, Page, pack, unpack
from .reading import STAGE, first_rows, ordered
from .rows import CREATOR, OWNER, TASK_COLUMNS, process_columns, process_rows, task_rows
from .statement_cache import Holder, cached_rows


def strange(name: str, filters: Filters) -> list[LeftOut]:
    """Why a list does not begin or is not sorted as its filters say: for people it then begins anew, in its usual
    order."""
    listed, found = LISTS[name], []
    if filters.sort and filters.sort not in listed.orders:
        words = _("This list is sorted by %(names)s.", names=", ".join(listed.orders))
        found.append(LeftOut.of("sort", words))
    elif filters.after and unpack((STAGE, *listed.order(filters.sort)), filters.after) is None:
        words = _("This is no place in the list: take `next` of the page before.")
        found.append(LeftOut.of("after", words))
    return found


@dataclass(frozen=True)
class _Query:
    """The first rows of a list, narrowed and sorted.

    Attributes:
        sort: the name of one of its orders; empty for the usual one.
        size: how many rows at most.
        after: the values of the last row of the page before; None on the first page.
        beside: read what a page for people tells beside its rows, too.
    """

    name: str
    sort: str
    narrowed: Narrowed
    size: int
    after: Any = None
    beside: bool = False

    @property
    def listed(self) -> List:
        return LISTS[self.name]

    @property
    def order(self) -> Order:
        return self.listed.order(self.sort)

    def keys(self, holder: Any) -> Any:
        """A subquery with the ids of the rows that a person may see, and the columns of the order."""
        listed, narrowed = self.listed, self.narrowed
        return first_rows(
            listed.model,
            listed.sets(holder, narrowed.flow),
            self.order,
            [listed.common(holder), *narrowed.criteria],
            words=narrowed.words,
            number=_numbered(listed.model, narrowed.number),
            after=self.after,
            size=self.size,
        )

    def rows(self, session: Session, user: User, values: dict[str, Any]) -> Sequence[Any]:
        """What `select` finds for a person; without filters by a statement that is kept."""
        if self.after is not None or self.narrowed.criteria or self.narrowed.words is not None:
            holder = user if absences.standing_in(user) else Holder(user)
            return session.execute(self.select(session, holder), values).all()
        key = (self.name, self.sort if self.sort in self.listed.orders else "", self.size, self.beside)
        return cached_rows(session, user, key, lambda holder: self.select(session, holder), values)

    def select(self, session: Session, holder: Any) -> Select[Any]:
        model, keys = self.listed.model, self.keys(holder)
        query = (
            select(
                *(asides(session) if self.beside else ()),
                *process_columns(session),
                *(TASK_COLUMNS if model is Task else ()),
                *(column.read for column in self.narrowed.columns),
                keys.c.stage,
                *(keys.c[f"key_{place}"] for place in range(len(self.order))),
            )
            .select_from(keys)
            .join(model, model.id == keys.c.row_id)
        )
        if model is Task:
            query = query.join(Process, Process.id == Task.process_id)
            query = query.outerjoin(OWNER, OWNER.id == Task.owner_id)
        query = query.outerjoin(CREATOR, CREATOR.id == Process.created_by_id)
        return query.order_by(*ordered(keys, self.order)).limit(self.size)


def read(
    session: Session,
    user: User,
    name: str,
    filters: Filters = EVERYTHING,
    size: int = PAGE,
    *,
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
    query = _Query(name, filters.sort, narrowed, size + 1, after, beside)
    found = query.rows(session, user, values)
    aside, width = None, 0
    if beside:
        aside = Beside.of(found[0] if found else session.execute(select(*asides(session)), values).one())
        width = WIDTH
    more, found = len(found) > size, found[:size]
    make = task_rows if listed.model is Task else process_rows
    rows = make(session, [row[width:] for row in found])
    columns, place = narrowed.columns, len(narrowed.columns) + len(order) + 1
    return Page(
        rows,
        after=pack(found[-1][-len(order) - 1 :]) if more else "",
        first=after is None,
        columns=columns,
        values={
            row.id: [column.value(value) for column, value in zip(columns, raw[-place:], strict=False)]
            for row, raw in zip(rows, found, strict=True)
            if columns
        },
        faults=narrowed.faults,
        beside=aside,
    )


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
    narrowed = narrow(session, filters, LISTS[name].kind)
    query = _Query(name, filters.sort, narrowed, most)
    keys = query.keys(user)
    found = session.scalars(select(keys.c.row_id).order_by(*ordered(keys, query.order)).limit(most))
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
        or_(*SEEN.get(name, listed.sets)(user, narrowed.flow)),
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
