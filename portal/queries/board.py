"""A flow's board: its open work by step."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, String, and_, bindparam, case, func, select, true, union
from sqlalchemy.orm import Session

from portal.engine import criteria
from portal.flow.registry import registry
from portal.models import Process, Task, User

from .among import among
from .attention import failed_below
from .lists import ORDERS
from .paging import ordering
from .reading import first_rows
from .rows import CREATOR, OWNER, TASK_COLUMNS, process_columns, task_rows
from .statement_cache import cached_rows

#: how many cards stand in a column
_CARDS = 6
#: at how many open tasks of a flow its board looks, those of the oldest processes: to count all of them would take
#: longer the more there are
MOST_ON_A_BOARD = 5_000
#: the cards of so many steps are read by one statement: SQLite takes 500 parts of a UNION, two for each
_STEPS_AT_ONCE = 100

_LABEL: Any = bindparam("label", type_=String)
_OPEN = and_(Process.flow_label == _LABEL, Process.finished.is_(None), Task.finished.is_(None))
_DUE = ORDERS["due"]


@dataclass
class Column:
    """One step with work that waits."""

    flow_task: str
    count: int = 0
    late: int = 0
    failed: int = 0
    oldest: dt.datetime | None = None
    #: the first ones, as the list of the step has them
    cards: list[Any] = field(default_factory=list)
    #: the tasks that wait for a process with a failed step, by id
    failed_below: set[int] = field(default_factory=set)


class Board(dict[str, Column]):
    """The columns by the names of their steps.

    Attributes:
        whole: whether they count all open tasks; else those of the oldest processes, as many as were asked for.
    """

    whole = True


def board(
    session: Session, user: User, label: str, now: dt.datetime, most: int | None = MOST_ON_A_BOARD
) -> Board:
    """The open tasks of a flow that a person may see, by step: counts, and the first few of each.

    Args:
        most: how many tasks are counted; None for all, however long that takes.
    """
    columns = counted(session, user, label, now, most)
    names = list(columns)
    for start in range(0, len(names), _STEPS_AT_ONCE):
        _add_cards(session, user, label, now, columns, names[start : start + _STEPS_AT_ONCE], most)
    return columns


def counted(session: Session, user: User, label: str, now: dt.datetime, most: int | None) -> Board:
    """The same without the tasks themselves."""
    whole = user.views(label)
    values = {"me": user.id, "now": now, "label": label}

    def counts(who: Any) -> Select[Any]:
        oldest = _oldest(who, whole, most)
        return select(
            oldest.flow_task,
            func.count(oldest.id),
            func.count(case((oldest.due < bindparam("now", type_=Task.due.type), 1))),
            func.count(case((oldest.status == "ERROR", 1))),
            func.min(oldest.created),
        ).group_by(oldest.flow_task)

    steps = cached_rows(session, user, ("board", whole, most), counts, values)
    found = Board({row[0]: Column(*row) for row in steps if "__" not in row[0]})
    found.whole = most is None or sum(row[1] for row in steps) < most
    if any(node.calls_processes for node in registry[label].definition.nodes.values()):
        oldest = _oldest(user, whole, most)
        callers = select(oldest.id, oldest.flow_task).where(oldest.status != "ERROR")
        for task_id, name in session.execute(callers.where(oldest.id.in_(failed_below())), values):
            if name in found:
                found[name].failed_below.add(task_id)
                found[name].failed += 1
    return found


def _oldest(who: Any, whole: bool, most: int | None) -> Any:
    """The open tasks of the oldest processes that a person sees.

    Args:
        whole: they see all of the flow; else what is theirs and what they may take, each read from an index of its own.
    """
    sets: list[Any] = [true()]
    if not whole:
        own = among(Process.id, criteria.own_processes(who).scalar_subquery())
        sets = [own, *(and_(criteria.is_free(who), each) for each in criteria.takeable_sets(who))]
    columns = (Task.id, Task.flow_task, Task.due, Task.status, Task.created, Task.priority, Task.process_id)
    tasks = select(*columns).join(Process, Process.id == Task.process_id).where(_OPEN)
    parts = [tasks.where(each).order_by(Process.id).limit(most) for each in sets]
    if len(parts) == 1:
        return parts[0].cte("looked_at").c
    rows = union(*(select(part.subquery()) for part in parts)).subquery()
    return select(rows).order_by(rows.c.process_id).limit(most).cte("looked_at").c


def _add_cards(
    session: Session,
    user: User,
    label: str,
    now: dt.datetime,
    columns: Board,
    names: list[str],
    most: int | None,
) -> None:
    whole = user.views(label)
    asked = [bindparam(f"step_{number}", type_=String) for number in range(len(names))]

    def cards(who: Any) -> Select[Any]:
        first = _first_of_each(who, whole, most, asked)
        query = select(*process_columns(session), *TASK_COLUMNS).select_from(first)
        query = query.join(Task, Task.id == first.c.row_id).join(Process, Process.id == Task.process_id)
        query = query.outerjoin(OWNER, OWNER.id == Task.owner_id)
        return query.outerjoin(CREATOR, CREATOR.id == Process.created_by_id).order_by(*ordering(_DUE))

    values: dict[str, Any] = {each.key: name for each, name in zip(asked, names, strict=True)}
    values |= {"me": user.id, "now": now, "label": label}
    found = cached_rows(session, user, ("cards", whole, most, len(names)), cards, values)
    for task in task_rows(session, found):
        column = columns[task.flow_task]
        if len(column.cards) < min(_CARDS, column.count):
            column.cards.append(task)


def _first_of_each(who: Any, whole: bool, most: int | None, names: list[Any]) -> Any:
    """The ids of the tasks of each step that are due first. Who sees all of them has them from an index."""
    if whole:
        return first_rows(Task, [Task.flow_task == name for name in names], _DUE, [_OPEN], size=_CARDS)
    oldest = _oldest(who, whole, most)
    by = (oldest.due.is_(None), oldest.due, oldest.priority.desc(), oldest.id)
    place = func.row_number().over(partition_by=oldest.flow_task, order_by=by)
    ranked = (
        select(oldest.id.label("row_id"), place.label("place")).where(oldest.flow_task.in_(names)).subquery()
    )
    return select(ranked.c.row_id).where(ranked.c.place <= _CARDS).subquery()
