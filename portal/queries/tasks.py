"""Lists of tasks: what is mine, what I may take, what I did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, literal, or_, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from portal.engine import permissions
from portal.models import Process, Task, User, utcnow

from . import acting, shown
from .loading import load_pointers, tables_of_heirs
from .paging import PAGE, Key, Order, Page, fetch
from .search import cleaned, first_by_number, task_matches

_ID = Key(Task.id, "id")
_DUE = (Key(Task.due, "due", nullable=True), Key(Task.priority, "priority", descending=True), _ID)

#: what the lists can be sorted by; the first one is what they are sorted by unless told otherwise
ORDERS: dict[str, Order] = {
    "due": _DUE,
    "-due": (
        Key(Task.due, "due", descending=True, nullable=True), Key(Task.priority, "priority", descending=True),
        Key(Task.id, "id", descending=True),
    ),
    "priority": (Key(Task.priority, "priority", descending=True), _ID),
    "-priority": (Key(Task.priority, "priority"), _ID),
    "waiting": (Key(Task.created, "created"), _ID),
    "-waiting": (Key(Task.created, "created", descending=True), Key(Task.id, "id", descending=True)),
    "process": (Key(Task.process_id, "process_id"), _ID),
    "-process": (Key(Task.process_id, "process_id", descending=True), _ID),
}  # fmt: skip
ARCHIVE_ORDERS: dict[str, Order] = {
    "-finished": (Key(Task.finished, "finished", descending=True), Key(Task.id, "id", descending=True)),
    "finished": (Key(Task.finished, "finished"), _ID),
    "process": (Key(Task.process_id, "process_id"), _ID),
    "-process": (Key(Task.process_id, "process_id", descending=True), _ID),
}

#: badges count no further than this: nobody reads the difference, and the database need not look
_ENOUGH = 100


@dataclass(frozen=True)
class Filters:
    """What a list is narrowed to; it stands in the address of the page.

    Attributes:
        flow: the label of a flow.
        q: words to search for.
        sort: the name of an order.
        after: where the page begins.
        late: only what is overdue.
        status: a state, for lists of processes.
        mine: only what the person started, for lists of processes.
    """

    flow: str = ""
    q: str = ""
    sort: str = ""
    after: str = ""
    late: bool = False
    status: str = ""
    mine: bool = False

    @property
    def narrows(self) -> bool:
        return bool(self.flow or self.q or self.late or self.status)


EVERYTHING = Filters()


def inbox(session: Session, user: User, filters: Filters = EVERYTHING, size: int = PAGE) -> Page:
    """The tasks that a person has taken or was given."""
    return _page(session, _open(*_mine(user)), ORDERS, filters, size)


def queue(session: Session, user: User, filters: Filters = EVERYTHING, size: int = PAGE) -> Page:
    """The tasks that a person may take."""
    return _page(session, _open(permissions.takeable_tasks(user)), ORDERS, filters, size)


def archive(session: Session, user: User, filters: Filters = EVERYTHING, size: int = PAGE) -> Page:
    """The tasks that were a person's and are over."""
    query = _tasks().where(Task.owner_id == user.id, Task.finished.is_not(None))
    return _page(session, query, ARCHIVE_ORDERS, filters, size)


def badge_counts(user: User) -> tuple[Any, Any]:
    """How many tasks are in the inbox and in the queue, as columns; they stop counting at a hundred."""

    def count(*criteria: Any) -> Any:
        query = select(literal(1)).select_from(Task).join(Task.process)
        query = query.where(Task.finished.is_(None), *criteria).limit(_ENOUGH)
        return select(func.count()).select_from(query.subquery()).scalar_subquery()

    return count(*_mine(user)), count(permissions.takeable_tasks(user))


def badges(session: Session, user: User) -> dict[str, int]:
    """How many tasks are in the inbox and in the queue, in one statement."""
    row = session.execute(select(*badge_counts(user))).one()
    return {"inbox": row[0], "queue": row[1]}


def next_in_process(session: Session, user: User, process_id: int) -> Task | None:
    """The next task of a process that is a person's, or else one that they may take."""
    for query in (_open(*_mine(user)), _open(permissions.takeable_tasks(user))):
        rows = session.scalars(_in_order(query.where(Task.process_id == process_id)).limit(20))
        found: list[Task] = list(rows.unique())
        for task in found:
            if task.status == "ASSIGNED" or permissions.may_take(session, user, task):
                return task
    return None


def next_at_step(session: Session, user: User, label: str, node: str) -> list[tuple[int, str]]:
    """The id and the state of the first few tasks of a step that are a person's, then of those that they may take."""
    found: list[tuple[int, str]] = []
    step = (Process.flow_label == label, Task.flow_task == node)
    for criteria in (_mine(user), (permissions.takeable_tasks(user),)):
        rows: Any = select(Task.id, Task.status).join(Task.process)
        rows = rows.where(Task.finished.is_(None), *criteria, *step)
        found += [(row[0], row[1]) for row in session.execute(_in_order(rows).limit(10))]
    return found


def next_in_inbox(session: Session, user: User) -> Task | None:
    return session.scalars(_in_order(_open(*_mine(user))).limit(1)).unique().first()


def chosen(session: Session, ids: list[int]) -> list[Task]:
    """These tasks with their processes, in the order of their ids; ids that are not there are left out."""
    query = _tasks().where(Task.id.in_(ids)).order_by(Task.id) if ids else None
    return [] if query is None else list(session.scalars(query).unique())


def one_task(session: Session, task_id: int) -> Task | None:
    """A task with its process."""
    return session.scalars(_by_id(tuple(tables_of_heirs())), {"task_id": task_id}).unique().first()


@lru_cache(maxsize=16)
def _by_id(_heirs: tuple[type[Process], ...]) -> Select[Any]:
    """Made once for the process classes that there are: every page and action of a task asks it."""
    return _tasks().where(Task.id == bindparam("task_id"))


def due_tasks(session: Session, user: User, most: int = 500) -> list[Task]:
    """What a person has to do that is due at some moment, the soonest first."""
    query = _open(acting.mine(user)).where(Task.due.is_not(None)).order_by(Task.due, Task.id).limit(most)
    return list(session.scalars(query).unique())


def late(session: Session, user: User) -> int:
    """How many tasks in a person's inbox are overdue."""
    query = select(func.count(Task.id)).join(Task.process).where(Task.finished.is_(None), *_mine(user))
    return session.scalar(query.where(Task.due < utcnow())) or 0


def _mine(user: User) -> tuple[ColumnElement[bool], ...]:
    """What is a person's, and not put off until later."""
    awake = or_(Task.snoozed_until.is_(None), Task.snoozed_until <= utcnow())
    return acting.mine(user), awake


def snoozed(session: Session, user: User, limit: int = PAGE) -> list[Task]:
    """What a person has put off, the next one to come back first."""
    query = _tasks().where(Task.finished.is_(None), Task.owner_id == user.id, Task.status == "ASSIGNED")
    query = query.where(Task.snoozed_until > utcnow()).order_by(Task.snoozed_until, Task.id).limit(limit)
    tasks = list(session.scalars(query).unique())
    load_pointers(session, tasks, list(_processes(tasks)))
    return tasks


def _tasks() -> Select[Any]:
    """Tasks with all that a row of a list shows. The roles of the people in it are of no interest there."""
    process = contains_eager(Task.process)
    return (
        select(Task)
        .join(Task.process)
        .options(
            process.joinedload(Process.created_by).lazyload(User.roles),
            process.selectin_polymorphic(tables_of_heirs()),
            joinedload(Task.owner).lazyload(User.roles),
        )
    )


def _open(*criteria: Any) -> Select[Any]:
    return _tasks().where(Task.finished.is_(None), *criteria)


def _in_order(query: Select[Any]) -> Select[Any]:
    return query.order_by(*(by for key in _DUE for by in key.order()))


def _page(
    session: Session, query: Select[Any], orders: dict[str, Order], filters: Filters, size: int
) -> Page:
    if filters.flow:
        query = query.where(Process.flow_label == filters.flow)
    if filters.late:
        query = query.where(Task.due < utcnow())
    order = orders.get(filters.sort) or next(iter(orders.values()))
    if text := cleaned(filters.q):
        query = query.where(task_matches(session, text))
        order = first_by_number(order, text, {"process_id": Task.process_id, "id": Task.id})
    query = query.options(*shown.options(session, contains_eager(Task.process)))
    page = fetch(session, query, order, filters.after, size)
    processes = list(_processes(page.rows))
    shown.complete(session, processes)
    load_pointers(session, page.rows, processes)
    return page


def _processes(tasks: list[Task]) -> Iterator[Process]:
    seen: set[int] = set()
    for task in tasks:
        if task.process_id not in seen:
            seen.add(task.process_id)
            yield task.process
