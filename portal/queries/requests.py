"""What a requester asks: how long it takes, what they often start, and how far their own requests are."""

from __future__ import annotations

import datetime as dt
import statistics
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import case, func, or_, select, union_all
from sqlalchemy.orm import Load, Session, joinedload, lazyload, selectin_polymorphic, undefer

from portal.flow.registry import registry
from portal.models import Draft, Process, Task, User

from . import shown
from .loading import load_pointers, tables_of_heirs
from .paging import Key, Order, Page, behind, ordering, pack, unpack

#: how many requests one page shows
REQUESTS = 25
#: how many of the latest processes of a flow are looked at, and how many of them have to be done to tell a duration
LATEST, ENOUGH = 60, 10

_NEWEST: Order = (Key(Process.id, "id", descending=True),)


def usual_durations(session: Session, labels: Collection[str]) -> dict[str, dt.timedelta]:
    """The median of how long the latest processes of these flows took; nothing of a flow with too few that are done.

    However many there are, only the `LATEST` of each flow are read.
    """
    if not labels:
        return {}
    latest = [
        select(Process.flow_label, Process.created, Process.finished, Process.status)
        .where(Process.flow_label == label)
        .order_by(Process.id.desc())
        .limit(LATEST)
        .subquery()
        for label in sorted(labels)
    ]
    rows = union_all(*(select(each.c.flow_label, each.c.created, each.c.finished).where(each.c.status == "DONE")
                       for each in latest))  # fmt: skip
    took: dict[str, list[float]] = defaultdict(list)
    for label, created, finished in session.execute(rows):
        took[label].append((finished - created).total_seconds())
    return {
        label: dt.timedelta(seconds=statistics.median(seconds))
        for label, seconds in took.items()
        if len(seconds) >= ENOUGH
    }


def often_started(session: Session, user: User) -> list[str]:
    """The labels of the flows of which this person's latest requests are, the most frequent first."""
    latest = (
        select(Process.flow_label)
        .where(Process.created_by_id == user.id, Process.parent_task_id.is_(None))
        .order_by(Process.id.desc())
    )
    counted = Counter(session.scalars(latest.limit(REQUESTS)))
    return [label for label, count in counted.most_common(3) if count > 1]


def start_drafts(session: Session, user: User) -> list[Draft]:
    """The start forms that this person has begun to fill in, the latest first."""
    query = select(Draft).where(Draft.user_id == user.id, Draft.place.startswith("/flows/"))
    return list(session.scalars(query.order_by(Draft.saved.desc()).limit(REQUESTS)))


def requests(session: Session, user: User, *, finished: bool, after: str = "", size: int = REQUESTS) -> Page:
    """What this person has started, the newest first.

    Args:
        finished: what is over, or what is under way.
        after: where the page begins, as the page before says.
    """
    over = Process.finished.is_not(None) if finished else Process.finished.is_(None)
    query = select(Process).where(Process.created_by_id == user.id, Process.parent_task_id.is_(None), over)
    query = query.options(
        joinedload(Process.created_by).lazyload(User.roles), selectin_polymorphic(Process, tables_of_heirs())
    )
    query = query.options(*shown.options(session, Load(Process)))
    place = unpack(_NEWEST, after) if after else None
    if place is not None:
        query = query.where(behind(_NEWEST, place))
    rows = list(session.scalars(query.order_by(*ordering(_NEWEST)).limit(size + 1)).unique())
    more, rows = len(rows) > size, rows[:size]
    if not finished:
        _read_for_rules(session, rows)
    shown.complete(session, rows)
    load_pointers(session, [], rows)
    return Page(rows, pack([rows[-1].id]) if more else "", place is None)


def _read_for_rules(session: Session, rows: Iterable[Process]) -> None:
    """Read the documents, in one statement, of those whose flow has a rule of its own for a withdrawal."""
    ids = [each.id for each in rows if each.flow_class is not None and callable(each.flow_class.withdraw)]
    if ids:
        query = select(Process).where(Process.id.in_(ids)).options(undefer(Process.data))
        session.scalars(query.options(lazyload(Process.created_by))).unique().all()


@dataclass(frozen=True)
class At:
    """The tasks of one step of a process that are in one state.

    Attributes:
        flow_task: the step.
        status: their state.
        since: when the first of them was taken, or came.
        finished: when the last of them was finished.
        owner: who has it, if one person does.
        owner_id: that person.
    """

    flow_task: str
    status: str
    kind: str
    count: int
    since: dt.datetime
    finished: dt.datetime | None
    due: dt.datetime | None
    owner: str | None
    owner_id: int | None

    @property
    def is_open(self) -> bool:
        return self.finished is None


def requested_steps(session: Session, processes: Collection[Process]) -> dict[int, list[At]]:
    """The open steps of these processes, and the finished ones that their flows' milestones name: one statement."""
    if not processes:
        return {}
    named = {
        reference.name
        for label in {process.flow_label for process in processes}
        if (flow_class := registry.get(label)) is not None
        for reference in flow_class.milestones.values()
    }
    one = case((func.count(Task.id) == 1, func.min(Task.owner_id)))
    query = (
        select(
            Task.process_id, Task.flow_task, Task.status, Task.flow_task_type, func.count(Task.id),
            func.min(func.coalesce(Task.assigned, Task.created)), func.max(Task.finished), func.min(Task.due),
            func.min(func.coalesce(func.nullif(User.full_name, ""), User.username)), one,
        )
        .outerjoin(User, User.id == Task.owner_id)
        .where(Task.process_id.in_([process.id for process in processes]))
        .where(or_(Task.finished.is_(None), Task.flow_task.in_(named)))
        .group_by(Task.process_id, Task.flow_task, Task.status, Task.flow_task_type)
        .order_by(func.min(Task.id))
    )  # fmt: skip
    found: dict[int, list[At]] = defaultdict(list)
    for process_id, *row in session.execute(query):
        found[process_id].append(At(*row))
    return found
