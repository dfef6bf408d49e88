"""Lets a company work for ninety days in a few seconds: people, programs, timers and jobs, each at its moment.

Everything goes through the engine, under a clock that is moved, so the history is what it would be. The same company
and the same end make the same processes.
"""

from __future__ import annotations

import datetime as dt
from functools import partial
from random import Random
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select, union_all

from portal.engine import actions, external
from portal.engine.moving_clock import clock
from portal.engine.queue import jobs, reminders, schedules, timers
from portal.engine.statements import driver
from portal.errors import PermissionDenied, TransitionNotAllowed
from portal.flow.registry import registry
from portal.models import Process, Task, User, db

from . import life
from .agenda import ZONE, Agenda
from .company import Answer, Company, Story
from .forms import Forms

#: which part of the tasks nobody turns to in time
_NEGLECTED = 0.035
_OF_LATE = dt.timedelta(days=8)

#: what waits for a program
_CALLED = ("Handle", "MessageCatch")

_task, _process = Task.__table__.c, Process.__table__.c
_ROOT: Any = bindparam("root")
_IN_TREE = union_all(
    select(_process.id).where(_process.id == _ROOT), select(_process.id).where(_process.root_id == _ROOT)
)


class Open(NamedTuple):
    """What is known of an open task."""

    id: int
    flow_task: str
    status: str
    flow_task_type: str
    owner_id: int | None
    scheduled: dt.datetime | None
    owner_permission: str | None
    owner_permission_obj: str | None
    flow_label: str
    created_by_id: int | None


_OPEN_IN_TREE = (
    select(
        *(_task[name] for name in Open._fields[:-2]), _process.flow_label, _process.created_by_id,
    )
    .join_from(Task.__table__, Process.__table__, _process.id == _task.process_id)
    .where(_process.id.in_(_IN_TREE), _task.finished.is_(None), _task.flow_task > "")  # as in the index of what is open
    .order_by(_task.id)
)  # fmt: skip


class Simulation:
    """The work of a company: who does what, when, and what comes of it."""

    def __init__(self, company: Company, now: dt.datetime, reader: Connection) -> None:
        self.company, self.now = company, now
        #: what has become of a tree is read past the session, each time by itself: no transaction begins for it
        self._reader = reader
        self._open_in_tree = driver.Query(reader.dialect, _OPEN_IN_TREE)  # asked after every deed
        self.random = Random(company.seed)
        self.agenda = Agenda(now - company.span, now, self.random)
        self.people: dict[str, int] = {}
        self.names: dict[int, str] = {}
        #: what is known of a task has led to an event already
        self._planned: set[tuple[int, str, dt.datetime | None]] = set()
        self._stories: dict[int, Story] = {}
        self._listening: set[int] = set()
        self._owners: dict[int, int] = {}
        self._leavers: set[int] = set()
        self.forms = Forms()
        self._allowed = {
            person.username: {each for role in person.roles for each in company.roles[role]}
            for person in company.people
            if person.roles
        }

    def run(self) -> None:
        session = db.session
        self.people = {row.username: row.id for row in session.execute(select(User.username, User.id))}
        self._leavers = {self.people[person.username] for person in self.company.people if person.left}
        self.names = {key: name for name, key in self.people.items()}
        session.rollback()
        for story in self.company.stories:
            for _ in range(story.number):
                self.agenda.at(self._some_moment(), partial(self._start, story))
        self._plan_schedules()
        for away in self.company.away:
            if away.begins < 0:
                self.agenda.at(self.now + dt.timedelta(days=away.begins), partial(life.go_away, self, away))
        self.agenda.run(self._look_around)
        token = clock.set(lambda: self.now)
        try:
            while reminders.turn(
                db.session()
            ):  # ahead of the addresses: no mail of it comes at the first start
                pass
            life.end(self)
        finally:
            clock.reset(token)

    def manager_of(self, label: str) -> int:
        """Who manages a flow."""
        names = [name for name, allowed in self._allowed.items() if f"{label}.manage" in allowed]
        return self.people[names[0] if names else "carol"]

    # -- moments ----------------------------------------------------------------------------------------------

    def _some_moment(self) -> dt.datetime:
        """A moment at work of the ninety days. Much of it is of late, so that there is work to look at."""
        span = _OF_LATE if self.random.random() < 0.36 else self.company.span
        return self.agenda.at_work(self.now - self.random.random() * (span - dt.timedelta(hours=1)))

    def _is_late_in(self) -> bool:
        return self.agenda.moment > self.now - dt.timedelta(days=12)

    # -- what happens ------------------------------------------------------------------------------------------

    def _start(self, story: Story) -> int | None:
        values = dict(story.values(self.random, self.agenda.moment.astimezone(ZONE).date()))
        node = story.start
        requester = self.people[self._starter(story)] if node.human else None
        if requester is not None:
            root = self.forms.begin(node, requester, values)
        else:
            node.run(**values)
            newest = select(Process.id).where(Process.parent_task_id.is_(None)).order_by(Process.id.desc())
            root = db.session.scalars(newest.limit(1)).one()
            db.session.rollback()
        self._stories[root] = story
        if requester is not None:
            life.befall(self, root, story, requester)
        return root

    def _starter(self, story: Story) -> str:
        permission = story.start.permission
        names = [
            person.username
            for person in self.company.people
            if (story.role is None or story.role in person.roles)
            and not person.is_superuser
            and not person.left
            and (permission is None or permission in self._allowed[person.username])
        ]
        favourite = [name for name in names if name == "alice"] * 6  # whose requests one looks at
        return self.random.choice(names + favourite)

    def _look_around(self, root: int) -> None:
        self._look(root)
        self._listen(root)

    def _look(self, root: int) -> None:
        """Plan what comes of the open tasks of a tree."""
        for row in map(Open._make, self._open_in_tree.read(self._reader, {"root": root})):
            key = (row.id, row.status, row.scheduled)
            if row.flow_task_type == "SignalCatch":
                self._listening.add(root)
            elif key not in self._planned:
                self._planned.add(key)
                self._plan(root, row)

    def _plan(self, root: int, row: Open) -> None:
        node = registry[row.flow_label].definition.nodes[row.flow_task]
        if node.topic is not None:
            self._plan_elsewhere(root, row, node)
        elif row.status == "SCHEDULED":
            moment = max(row.scheduled or self.agenda.moment, self.agenda.moment + dt.timedelta(seconds=2))
            self.agenda.at(moment, lambda: self._turn(root, row.id, node.works))
        elif node.human and row.status in ("NEW", "ASSIGNED"):
            self._plan_person(root, row)
        elif row.flow_task_type in _CALLED and (answer := self._answer(root, row)) is not None:
            wait = dt.timedelta(hours=self.random.uniform(3, 60))
            self.agenda.at(
                self.agenda.at_work(self.agenda.moment + wait), lambda: self._call(root, row.id, node, answer)
            )

    def _plan_elsewhere(self, root: int, row: Open, node: Any) -> None:
        answer = self._answer(root, row)
        if row.status == "SCHEDULED" and answer is not None:
            values = dict(answer(self.random, None))
            moment = self.agenda.moment + dt.timedelta(minutes=self.random.uniform(1, 20))
            self.agenda.at(moment, lambda: self._work_elsewhere(root, row.id, node, values))

    def _plan_person(self, root: int, row: Open) -> None:
        hours = self.random.lognormvariate(0, 1.1) * self._stories[root].hours * 4
        if self.random.random() < _NEGLECTED or (row.owner_id in self._leavers and self._is_late_in()):
            hours += 24 * 40
        moment = self.agenda.at_work(self.agenda.moment + dt.timedelta(hours=hours))
        if moment > self.now and row.owner_id is None and self.random.random() < 0.45:
            taken = self.agenda.moment + (self.now - self.agenda.moment) * self.random.uniform(0.2, 0.8)
            self.agenda.at(taken, lambda: self._do(root, row, finish=False))
        self.agenda.at(moment, lambda: self._do(root, row, finish=True))

    def _do(self, root: int, row: Open, finish: bool) -> int | None:
        """Somebody takes the task, and finishes it."""
        answer = self._answer(root, row) or _nothing
        for name in self._candidates(row, self._owners.get(row.id, row.owner_id)):
            try:
                self._act(row.id, self.people[name], answer if finish else None)
            except (PermissionDenied, TransitionNotAllowed):  # somebody else has to do it, or it is over
                continue
            return root
        return None

    def _act(self, task_id: int, user_id: int, answer: Answer | None) -> None:
        with actions.activation(db.session(), task_id, user_id) as activation:
            if activation.task.owner_id is None:
                activation.assign(None)
                self._owners[task_id] = user_id
            if answer is not None:
                self.forms.finish(activation, dict(answer(self.random, activation.process)))

    def _candidates(self, row: Open, owner_id: int | None) -> list[str]:
        if owner_id is not None:
            return [self._who_works_for(self.names[owner_id])]
        wanted = {row.owner_permission, f"{row.owner_permission}:{row.owner_permission_obj}"}
        names = [
            name
            for name, allowed in self._allowed.items()
            if wanted & allowed and self.people[name] != row.created_by_id
        ]
        self.random.shuffle(names)
        return names

    def _who_works_for(self, name: str) -> str:
        """Somebody, or their substitute while they are away."""
        days = (self.agenda.moment - self.now) / dt.timedelta(days=1)
        for away in self.company.away:
            if away.who == name and away.begins <= days < away.ends:
                return away.substitute
        return name

    def _answer(self, root: int, row: Open) -> Answer | None:
        answers = self._stories[root].answers
        return answers.get(f"{row.flow_label}.{row.flow_task}") or answers.get(row.flow_task)

    def _turn(self, root: int, task_id: int, works: bool) -> int:
        """A job is done, or a timer fires."""
        if works:
            claim = jobs.claim(db.session(), task_id)
            if claim is not None:
                jobs.perform(db.session(), claim)
        else:
            timers.fire(db.session(), task_id)
        return root

    def _work_elsewhere(self, root: int, task_id: int, node: Any, values: dict[str, Any]) -> int | None:
        """A program fetches what waits for its topic, and completes it."""
        hour = {node.topic: dt.timedelta(hours=1)}
        fetched = external.fetch_and_lock(
            db.session(), None, "demo", hour, limit=100, tell=lambda task: task.id
        )

        def write(activation: Any) -> None:
            for name, value in values.items():
                setattr(activation.process, name, value)

        for each in fetched:
            lock = external.Lock(each, None, "demo")
            if each == task_id:
                external.complete(db.session(), lock, write)
            else:
                external.unlock(db.session(), lock)
        return root if task_id in fetched else None

    def _call(self, root: int, task_id: int, node: Any, answer: Answer) -> int | None:
        """A program answers what a process waits for."""
        task = db.session.get_one(Task, task_id)
        values = answer(self.random, task.process)
        if task.finished is not None or task.process.on_hold:
            db.session.rollback()
            return None
        node.run(task=task, **values)
        return root

    def _listen(self, root: int) -> None:
        """Look at what waits for signals, after something that throws them."""
        nodes = self._stories[root].start.flow_class.definition.nodes.values()
        if self._listening and any(node.kind == "SignalThrow" for node in nodes):
            for each in sorted(self._listening):
                self._listening.discard(each)
                self._look(each)

    def _plan_schedules(self) -> None:
        """Starts by the calendar are looked at once a day."""
        for day in range(self.company.span.days + 1):
            self.agenda.at(self.now - self.company.span + dt.timedelta(days=day), self._fire_schedules)

    def _fire_schedules(self) -> None:
        if not schedules.fire(db.session()):
            return
        made = select(Process.id).where(Process.created == self.agenda.moment).order_by(Process.id)
        for root in db.session.scalars(made).all():
            label = db.session.get_one(Process, root).flow_label
            stories = [
                each for each in self.company.stories if each.start.flow_class.definition.label == label
            ]
            self._stories[root] = stories[0] if stories else Story(None, 0, _nothing)
            self._look(root)


def _nothing(_die: Random, _process: Any) -> dict[str, Any]:
    return {}
