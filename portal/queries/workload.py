"""Who has how much open work, by step: for those who manage the flows."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session, lazyload

from portal.flow.registry import registry
from portal.models import Process, Role, Task, User, user_role

#: a step: the label of its flow and the name of its node
Step = tuple[str, str]
#: so many people are shown
PEOPLE = 100
#: how far back what is finished is counted, twice: this span, and the one before
SPAN = dt.timedelta(days=7)


@dataclass
class Load:
    """The open tasks of one person, or of the queue.

    Attributes:
        person: None for the queue.
        counts: how many, by step.
        late: how many of them are overdue.
    """

    person: User | None
    counts: Counter[Step] = field(default_factory=Counter)
    late: Counter[Step] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return self.counts.total()


@dataclass
class Workload:
    """Who has what.

    Attributes:
        people: the busiest first.
        queue: what nobody has taken.
        steps: those with open tasks, the most frequent first.
        more: people who are not shown.
        oldest: when the longest overdue task fell due.
        finished, finished_before: tasks that these people finished in the last seven days, and in the seven before.
    """

    people: list[Load]
    queue: Load
    steps: list[Step]
    more: int = 0
    oldest: dt.datetime | None = None
    finished: int = 0
    finished_before: int = 0
    #: all open tasks, in whatever flow, of those who have a capacity, by the id of the person
    busy: dict[int, int] = field(default_factory=dict)

    @property
    def free(self) -> dict[str, int]:
        """How many more tasks people have room for, by their names; those who have none are left out."""
        people = [row.person for row in self.people if row.person is not None and row.person.is_active]
        room = {each.name: (each.capacity or 0) - self.busy.get(each.id, 0) for each in people}
        return {name: count for name, count in room.items() if count > 0}

    @property
    def rows(self) -> list[Load]:
        return [*self.people, self.queue]

    @property
    def total(self) -> int:
        return sum(row.total for row in self.rows)

    @property
    def late(self) -> int:
        return sum(row.late.total() for row in self.rows)

    def of_step(self, step: Step) -> int:
        return sum(row.counts[step] for row in self.rows)


def managed(user: User) -> list[str]:
    """The labels of the flows that a person manages."""
    return sorted(label for label in registry if user.manages(label))


def workload(
    session: Session, labels: list[str], now: dt.datetime, *, role: str = "", late: bool = False
) -> Workload:
    """The open tasks of people in these flows.

    Args:
        role: only members of this role, those without work too.
        late: only what is overdue.
    """
    rows: dict[int | None, Load] = {None: Load(None)}
    if role:
        members = select(User).join(user_role, user_role.c.user_id == User.id).join(Role)
        members = members.where(Role.name == role, User.is_active).options(lazyload(User.roles))
        rows |= {person.id: Load(person) for person in session.scalars(members)}
    oldest = None
    for owner, label, node, count, overdue, first in session.execute(_counts(labels, now, late)):
        if owner not in rows:
            if role:
                continue
            rows[owner] = Load(None)
        rows[owner].counts[label, node] += count
        rows[owner].late[label, node] += overdue
        oldest = min(filter(None, (oldest, first)), default=None)
    missing = [owner for owner, row in rows.items() if owner is not None and row.person is None]
    busiest = sorted(missing, key=lambda owner: -rows[owner].total)[: max(PEOPLE, len(rows) - len(missing))]
    query = select(User).where(User.id.in_(busiest)).options(lazyload(User.roles))
    for person in session.scalars(query) if busiest else ():
        rows[person.id].person = person
    queue = rows.pop(None)
    people = [row for row in rows.values() if row.person is not None]
    people.sort(key=lambda row: (-row.total, row.person.name.lower() if row.person else ""))
    steps: Counter[Step] = sum((row.counts for row in (*rows.values(), queue)), Counter())
    found = Workload(
        people, queue, [step for step, _ in steps.most_common()], len(rows) - len(people), oldest
    )
    _count_finished(session, found, labels, now)
    limited = [row.person for row in people if row.person is not None and row.person.capacity is not None]
    found.busy = {person.id: 0 for person in limited} | open_counts(session, limited)
    return found


def _human() -> list[str]:
    return sorted({n.kind for flow in registry.values() for n in flow.definition.nodes.values() if n.human})


def _counts(labels: list[str], now: dt.datetime, late: bool) -> Any:
    overdue = Task.due < now
    query = (
        select(
            Task.owner_id, Process.flow_label, Task.flow_task, func.count(), func.count(case((overdue, 1))),
            func.min(case((overdue, Task.due))),
        )
        .join(Task.process)
        .where(
            Task.finished.is_(None),
            Task.status.in_(("NEW", "ASSIGNED")),
            Task.flow_task_type.in_(_human()),
            Process.flow_label.in_(labels),
        )
        .group_by(Task.owner_id, Process.flow_label, Task.flow_task)
    )  # fmt: skip
    return query.where(overdue) if late else query


def _count_finished(session: Session, found: Workload, labels: list[str], now: dt.datetime) -> None:
    people = [row.person.id for row in found.people if row.person is not None]
    if not people:
        return
    recent = Task.finished >= now - SPAN
    query = select(func.count(case((recent, 1))), func.count(case((~recent, 1)))).select_from(Task)
    query = query.join(Task.process).where(
        Task.owner_id.in_(people),
        Task.finished >= now - 2 * SPAN,
        Task.status == "DONE",
        Process.flow_label.in_(labels),
    )
    found.finished, found.finished_before = session.execute(query).one()


def tasks_of(session: Session, person: User, labels: list[str], limit: int) -> list[Task]:
    """The open tasks of a person in these flows, the most urgent first."""
    query = select(Task).join(Task.process).where(
        Task.owner_id == person.id,
        Task.status == "ASSIGNED",
        Task.finished.is_(None),
        Process.flow_label.in_(labels),
    )  # fmt: skip
    query = query.order_by(Task.due.is_(None), Task.due, Task.id).limit(limit)
    return list(session.scalars(query).unique())


def open_counts(session: Session, people: list[User]) -> dict[int, int]:
    """How many open tasks each of these people has, by their id."""
    query = select(Task.owner_id, func.count()).where(
        Task.owner_id.in_([person.id for person in people]),
        Task.status == "ASSIGNED",
        Task.finished.is_(None),
    )
    rows = session.execute(query.group_by(Task.owner_id)) if people else ()
    return {owner: count for owner, count in rows if owner is not None}


def roles(session: Session) -> list[str]:
    """The names of all roles that somebody has."""
    return list(
        session.scalars(select(Role.name).where(Role.id.in_(select(user_role.c.role_id))).order_by(Role.name))
    )
