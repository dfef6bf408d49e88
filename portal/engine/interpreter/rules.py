"""Chooses who gets a task by a rule of `portal.assign`."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Protocol

from sqlalchemy import func, select

from portal.flow import assignment as rules
from portal.models import Process, Role, Task, Turn, User

from .. import absences, permissions, writes
from ..context import ActionContext
from ..holders import holds, lists

_random = random.SystemRandom()


class Person(Protocol):
    """The columns of a candidate: there may be hundreds, of whom one gets the task."""

    id: int
    capacity: int | None


class Candidates:
    """The people who may get a task, in the order of their numbers.

    Args:
        where: what narrows them.
        turns: the node's turn, once a rule has asked for it.
    """

    def __init__(
        self, run: ActionContext, task: Task, where: tuple[Any, ...] = (), turns: list[Turn] | None = None
    ) -> None:
        self.run, self.task, self.where = run, task, where
        self.turns = [] if turns is None else turns

    def narrowed(self, *where: Any) -> Candidates:
        return Candidates(self.run, self.task, (*self.where, *where), self.turns)

    @property
    def dialect(self) -> str:
        return self.run.session.get_bind().dialect.name

    def all(self) -> list[Person]:
        """Whoever may get the task, but for those whom `.NotSameAs` keeps away."""
        session, task = self.run.session, self.task
        query = _able(self.dialect, task.owner_permission, task.owner_permission_obj)
        return self._with_room(list(session.execute(query.where(*self.where), {"now": self.run.now})))

    def _with_room(self, people: list[Person]) -> list[Person]:
        limited = [person for person in people if person.capacity is not None]
        if not limited:
            return people
        counts = self.open_tasks(limited)
        return [each for each in people if each.capacity is None or counts[each.id] < each.capacity]

    def open_tasks(self, people: Iterable[Person]) -> dict[int, int]:
        """How many open tasks each of these people has, those among them that this very action has given out."""
        self.run.session.flush()
        keys = [person.id for person in people]
        query = (
            select(Task.owner_id, func.count().label("tasks"))
            .where(Task.owner_id.in_(keys), Task.finished.is_(None))
            .group_by(Task.owner_id)
        )
        counts = {row.owner_id: row.tasks for row in self.run.session.execute(query)}
        return {key: counts.get(key, 0) for key in keys}

    def turn(self) -> Turn:
        """The row of whose turn it was last at this node, locked: a second worker waits for the choice of the first."""
        if not self.turns:
            self.turns.append(_locked_turn(self.run, self.task))
        return self.turns[0]

    def from_the_next(self, people: list[Person]) -> list[Person]:
        """The same people, beginning behind the one whose turn it was last."""
        last = self.turn().user_id or 0
        return [each for each in people if each.id > last] + [each for each in people if each.id <= last]

    def first_fit(self, people: Iterable[Person]) -> User | None:
        """The first of these whom `.NotSameAs` does not keep away."""
        session, kept_away = self.run.session, permissions.has_done_its_counterpart
        found = next((each for each in people if not kept_away(session, each.id, self.task)), None)
        return None if found is None else session.get_one(User, found.id)


@lru_cache(maxsize=500)
def _able(dialect_name: str, permission: str | None, obj: str | None) -> Any:
    """The statement for who is there at the moment `now` and holds a permission, everywhere or for one object."""
    query = select(User.id, User.capacity).where(User.is_active, ~absences.AWAY).order_by(User.id)
    if permission is None:
        return query
    return query.where(holds(dialect_name, permission, f"{permission}:{obj}" if obj else permission))


def choose(run: ActionContext, task: Task, rule: rules.Rule) -> tuple[User | None, str]:
    """Choose who gets a task by a rule. Returns None where nobody fits, and the words of the rule that chose."""
    candidates = Candidates(run, task)
    chosen, words = _choose(candidates, rule)
    if chosen is not None:
        for turn in candidates.turns:
            turn.user_id = chosen.id
    return chosen, words


Choice = tuple[User | None, str]


def _choose(candidates: Candidates, rule: Any) -> Choice:
    if rule.role is not None:
        candidates = candidates.narrowed(User.roles.any(Role.name == rule.role))
    return _CHOICES[type(rule)](candidates, rule)


def _round_robin(candidates: Candidates, rule: rules.RoundRobin) -> Choice:
    candidates.turn()  # locked before anybody is read
    return candidates.first_fit(candidates.from_the_next(candidates.all())), rule.title


def _shortest_queue(candidates: Candidates, rule: rules.ShortestQueue) -> Choice:
    candidates.turn()  # locked before anything is counted; of equal queues the next in turn gets it
    people = candidates.from_the_next(candidates.all())
    counts = candidates.open_tasks(people)
    return candidates.first_fit(sorted(people, key=lambda each: counts[each.id])), rule.title


def _random_choice(candidates: Candidates, rule: rules.Random) -> Choice:
    people = candidates.all()
    _random.shuffle(people)
    return candidates.first_fit(people), rule.title


def _familiar(candidates: Candidates, rule: rules.Familiar) -> Choice:
    return _who_did(candidates, Task.finished.desc(), Task.number.desc()), rule.title


def _case_owner(candidates: Candidates, rule: rules.CaseOwner) -> Choice:
    return _who_did(candidates, Task.finished, Task.number), rule.title


def _who_did(candidates: Candidates, *order: Any) -> User | None:
    """The person who did the first of the people's tasks of this process in an order; its start does not count."""
    run, process = candidates.run, candidates.task.process
    nodes = candidates.task.process.flow_class.definition.nodes  # type: ignore[union-attr]  # it is running
    human = [node.name for node in nodes.values() if node.human and not node.starts]
    run.session.flush()
    key = run.session.scalar(
        select(Task.owner_id)
        .where(
            Task.process_id == process.id,
            Task.status == "DONE",
            Task.flow_task.in_(human),
            Task.owner_id.is_not(None),
        )
        .order_by(*order)
        .limit(1)
    )
    return None if key is None else _only(candidates, key)


def _only(candidates: Candidates, key: int) -> User | None:
    return candidates.first_fit(candidates.narrowed(User.id == key).all())


def _capability(candidates: Candidates, rule: rules.Capability) -> Choice:
    skilled = candidates.narrowed(lists(candidates.dialect, User.skills, rule.skill))
    chosen, words = _choose(skilled, rule.then)
    return chosen, f"{rule.title} {rule.skill}, {words}"


def _experienced(candidates: Candidates, rule: rules.Experienced) -> Choice:
    candidates.turn()  # locked before anything is counted
    people = candidates.from_the_next(candidates.all())
    run, task = candidates.run, candidates.task
    query = (
        select(Task.owner_id, func.count().label("tasks"))
        .join(Process, Process.id == Task.process_id)
        .where(
            Task.owner_id.in_([each.id for each in people]),
            Task.finished >= run.now - rule.within,
            Task.status == "DONE",
            Task.flow_task == task.flow_task,
            Process.flow_label == task.process.flow_label,
        )
        .group_by(Task.owner_id)
    )
    run.session.flush()
    counts = {row.owner_id: row.tasks for row in run.session.execute(query)}
    people = sorted((each for each in people if each.id in counts), key=lambda each: -counts[each.id])
    return candidates.first_fit(people), rule.title


def _manager_of(candidates: Candidates, rule: rules.ManagerOf) -> Choice:
    key = getattr(rule.person, "manager_id", None)
    words = f"{rule.title} {rule.person.username}" if isinstance(rule.person, User) else rule.title
    return None if key is None else _only(candidates, key), words


def _first(candidates: Candidates, rule: rules.First) -> Choice:
    words = []
    for each in rule.rules:
        chosen, said = _choose(candidates, each)
        if chosen is not None:
            return chosen, said
        words.append(said)
    return None, ", ".join(words)


_CHOICES: dict[type[rules.Rule], Callable[[Candidates, Any], Choice]] = {
    rules.RoundRobin: _round_robin,
    rules.ShortestQueue: _shortest_queue,
    rules.Random: _random_choice,
    rules.Familiar: _familiar,
    rules.CaseOwner: _case_owner,
    rules.Capability: _capability,
    rules.Experienced: _experienced,
    rules.ManagerOf: _manager_of,
    rules.First: _first,
}


def _locked_turn(run: ActionContext, task: Task) -> Turn:
    key = {"flow_label": task.process.flow_label, "node": task.flow_task}
    session = run.session
    session.execute(writes.insert(session, Turn).values(**key).on_conflict_do_nothing())
    query = select(Turn).filter_by(**key).with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one()
