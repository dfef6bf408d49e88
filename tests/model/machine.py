"""A machine that does at random what people, programs and clocks do, and looks at the books after each action."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

from hypothesis import assume, note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import delete, func, select, update

from portal.engine import actions, lifecycle, move_targets
from portal.engine.queue import jobs, timers
from portal.errors import FlowError, PermissionDenied, TransitionNotAllowed
from portal.models import Event, Message, Process, SignalDelivery, Task, User, db
from portal.models.task import task_link
from tests.audit import faults
from tests.model import random_flows

PICK = st.integers(0, 15)
#: the system, a manager, somebody who started the process, somebody who did not
ACTORS = st.sampled_from((None, None, "alice", "alice", "bob", "carol"))
TASK_ACTIONS = tuple(lifecycle.ACTIONS)
#: what something else in the process may forbid, though the task's state allows it; this is asked ahead of who it is
HINDERED = ("undo", "revive", "skip", "move")
#: the method of an activation, where it is not called like its action
METHODS = {"due": "change_due", "priority": "change_priority"}


class Engine(RuleBasedStateMachine):
    """One plan's flows, in an application that all machines share."""

    #: set by the test
    tester: ClassVar[Any] = None

    def __init__(self) -> None:
        super().__init__()
        self.session = db.session()
        _empty(self.session)
        random_flows.WORLD.__init__()
        #: tasks whose completion somebody was told of
        self.acknowledged: Counter[int] = Counter()
        #: jobs that a worker has taken and not come back with
        self.claims: list[jobs.Claim] = []

    @initialize(plan=random_flows.PLANS, fails=st.booleans(), way=st.booleans())
    def declare(self, plan: random_flows.Plan, fails: bool, way: bool) -> None:
        random_flows.WORLD.fails, random_flows.WORLD.way = fails, way
        try:
            self.root, self.child = random_flows.make(plan)
        except FlowError:
            assume(False)
        note(
            "\n".join(
                f"{n.name}: {n.kind} -> {[e.target.name for e in n.outgoing]}" for n in _nodes(self.root)
            )
        )
        note(
            "\n".join(
                f"  {n.name}: {n.kind} -> {[e.target.name for e in n.outgoing]}" for n in _nodes(self.child)
            )
        )
        registered = self.tester.app.extensions["portal_flows"]
        for flow_class in (self.root, self.child, random_flows.LeafFlow):
            registered[flow_class.definition.label] = flow_class
        self.people = {name: self.tester.person(name, []).id for name in ("alice", "bob", "carol")}
        self.session.execute(update(User).where(User.username == "alice").values(is_superuser=True))
        self.session.commit()
        self.root.start.run(_user=self.user("bob"))

    # -- reading -----------------------------------------------------------------------------------------

    def user(self, name: str | None) -> User | None:
        return None if name is None else self.session.get(User, self.people[name])

    def tasks(self, *criteria: Any) -> list[int]:
        query = select(Task.id).where(*criteria).order_by(Task.id)
        return list(self.session.scalars(query))

    def rows(self) -> Any:
        """All that a refused action must leave as it was."""
        read = self.session.execute
        found = (
            read(
                select(Task.id, Task.status, Task.owner_id, Task.attempt, Task.scheduled).order_by(Task.id)
            ).all(),
            read(
                select(Process.id, Process.status, Process.data, Process.on_hold).order_by(Process.id)
            ).all(),
            read(select(func.count(Event.id))).all(),
        )
        self.session.rollback()
        return found

    def refused(self, error: type[Exception] | tuple[type[Exception], ...], call: Callable[[], Any]) -> None:
        before = self.rows()
        try:
            call()
        except error:
            pass
        else:
            raise AssertionError("this must be refused")
        assert self.rows() == before, "what was refused has changed something"

    def allowed(self, refusals: tuple[type[Exception], ...], call: Callable[[], Any]) -> bool:
        """Make a call that may be refused; then it must have changed nothing."""
        before = self.rows()
        try:
            call()
        except refusals as refusal:
            note(f"refused: {refusal}")
        else:
            return True
        assert self.rows() == before, "what was refused has changed something"
        return False

    # -- what people do ----------------------------------------------------------------------------------

    @rule(actor=ACTORS)
    def start(self, actor: str | None) -> None:
        self.session.rollback()
        if self.session.scalar(select(func.count(Process.id))) < 12:
            self.root.start.run(_user=self.user(actor))

    @rule(picks=st.lists(PICK, min_size=1, max_size=4))
    def go_on(self, picks: list[int]) -> None:
        """What the flows wait for comes, so that most lives get further than their first waits."""
        for pick in picks:
            if self.tasks(Task.status == "SCHEDULED", Task.flow_task_type == "Timer") and pick % 4 == 3:
                self.advance(3)
            self.handle(pick)
            self.work(pick)

    @rule(pick=PICK)
    def work(self, pick: int) -> None:
        """Somebody takes a task and does it."""
        found = self.tasks(Task.status.in_(("NEW", "ASSIGNED")), Task.process.has(Process.on_hold.is_(False)))
        if not found:
            return
        task = self.session.get(Task, found[pick % len(found)], populate_existing=True)
        try:
            if task.status == "NEW":
                with task.activation() as activation:
                    activation.assign(self.user("bob"))
                if not task.is_open:
                    return  # a condition that holds now has ended the race that it was in
            with task.activation(task.owner) as activation:
                activation.execute()
        except TransitionNotAllowed:
            assert task.node.mutex is not None
        else:
            self.acknowledged[task.id] += 1

    @rule(pick=PICK, action=st.sampled_from(TASK_ACTIONS), actor=ACTORS, fitting=st.booleans(), to=PICK)
    def act(self, pick: int, action: str, actor: str | None, fitting: bool, to: int) -> None:
        """One of the actions of the table, on a task that it fits or on any; a move goes to any node of the flow."""
        found = self.fitting(action) if fitting else self.tasks()
        if found:
            self.do(action, found[-1 - pick % len(found)], actor, to)

    @rule(picks=st.lists(st.tuples(PICK, PICK, st.sampled_from((True, True, False))), min_size=2, max_size=5))
    def meddle(self, picks: list[tuple[int, int, bool]]) -> None:
        """A manager moves a token to one of the places that the page offers, or leaves a step out."""
        boss = self.user("alice")
        for pick, to, moves in picks:
            action = "move" if moves else "skip"
            found = [
                task
                for task in self.fitting(action)
                if action in lifecycle.actions_for(self.session.get(Task, task), boss)
            ]
            if found:
                self.do(action, found[-1 - pick % len(found)], "alice", to, offered=True)

    @rule(
        deeds=st.lists(
            st.tuples(PICK, st.sampled_from(("cancel", "undo", "undo", "revive", "revive"))),
            min_size=1,
            max_size=3,
        )
    )
    def intervene(self, deeds: list[tuple[int, str]]) -> None:
        """A manager takes something back, or brings it back, and goes on with that."""
        for pick, action in deeds:
            if found := self.fitting(action):
                self.do(action, found[-1 - pick % len(found)], "alice")

    @rule(pick=PICK, action=st.sampled_from(("assign", "unassign", "reassign")))
    def hand_around(self, pick: int, action: str) -> None:
        """A manager gives a task to somebody, or takes it from them; where there is none, one is started."""
        if not self.fitting(action) and not self.fitting("assign"):
            random_flows.LeafFlow.start.run(_user=self.user("bob"))
        for each in (action,) if self.fitting(action) else ("assign", action):
            if found := self.fitting(each):
                self.do(each, found[-1 - pick % len(found)], "alice")

    def fitting(self, action: str) -> list[int]:
        """Tasks in a state from which the action goes; for an undo, the last ones of their paths."""
        found = self.tasks(
            Task.status.in_(lifecycle.ACTIONS[action].source), Task.process.has(Process.on_hold.is_(False))
        )
        if action == "undo":
            standing = Task.status.not_in(("CANCELED", "REVIVED"))
            query = select(task_link.c.previous_id).join(Task, Task.id == task_link.c.task_id).where(standing)
            followed = set(self.session.scalars(query))
            found = [task for task in found if task not in followed]
        if action == "revive":
            found = [
                task for task in found if not self.session.get(Task, task).flow_task_type.endswith("Boundary")
            ]
        return found

    def do(self, action: str, task_id: int, actor: str | None, to: int = 0, offered: bool = False) -> None:
        """An action on a task, as the contract's table has it.

        Args:
            to: which node it is moved to.
            offered: only one of those to which the page offers to move it.
        """
        task = self.session.get(Task, task_id, populate_existing=True)
        arguments = self.arguments(action, task, to, offered)
        note(f"{action} by {actor}: {_words(task)} {arguments}")
        expected = self.expected(action, task, actor)
        status = task.status
        is_offered = actor is not None and action in lifecycle.actions_for(task, self.user(actor))
        if action == "move":
            is_offered = is_offered and arguments[0] in [
                node.name for node in move_targets.move_targets(task)
            ]

        def do() -> None:
            with actions.activation(self.session, task_id, self.user(actor)) as activation:
                getattr(activation, METHODS.get(action, action))(*arguments)

        turns = getattr(task.node, "mutex", None) is not None and action in ("assign", "execute")
        if expected is not None:  # whose turn it is is asked ahead of who it is
            self.refused((expected, TransitionNotAllowed) if turns or action in HINDERED else expected, do)
            return
        refusals: Any = (TransitionNotAllowed,) if turns or action in HINDERED else ()
        if random_flows.WORLD.fails and action == "undo":
            refusals = (*refusals, random_flows.Failure)
        allowed = self.allowed(refusals, do)
        # only to an undo and a revive may another task at work, or the author's code, say no
        sure = action in ("skip", "move") or not (self._has_mutexes() or random_flows.WORLD.fails)
        if action in HINDERED and actor is not None and sure:
            assert allowed == is_offered, f"the page for {action} says {is_offered}, the engine {allowed}"
        if not allowed:
            return
        after = self.session.get(Task, task_id, populate_existing=True)
        if action == "execute":
            self.acknowledged[task_id] += after.status == "DONE"
        else:
            expected_status = lifecycle.ACTIONS[action].target or status
            assert after.status == expected_status, (status, action, after.status)

    def arguments(self, action: str, task: Task, to: int, offered: bool) -> tuple[Any, ...]:
        """What an action needs beside its task."""
        if action in ("assign", "reassign"):
            return (self.user("bob" if action == "assign" else "alice"),)
        if action == "priority":
            return (to,)
        if action in ("due", "snooze", "reschedule"):
            return (self.tester.clock() + dt.timedelta(hours=1 + to % 3),)
        if action != "move":
            return ()
        names = (
            [node.name for node in move_targets.move_targets(task)]
            if offered
            else list(task.process.flow_class.definition.nodes)
        )
        return (names[to % len(names)],)

    def _has_mutexes(self) -> bool:
        """Whether another task at work may forbid what the buttons offer: they do not ask for it."""
        return any(each.definition.has_mutexes for each in (self.root, self.child))

    def expected(self, action: str, task: Task, actor: str | None) -> Any:
        """What the contract's table says of an action: None if it is allowed."""
        row = lifecycle.ACTIONS[action]
        human = task.flow_task_type == "ManualTask"
        if task.status not in row.source or (row.human and not human):
            return TransitionNotAllowed
        if task.process.on_hold and not row.on_hold:
            return TransitionNotAllowed
        if action == "assign" and actor is not None:  # to bob, who must be able to see the process
            bob = self.people["bob"]
            sees = task.process.created_by_id == bob or self.tasks(
                Task.process_id == task.process_id, Task.owner_id == bob
            )
            return None if sees and actor != "carol" else PermissionDenied
        if actor is None or actor == "alice":
            owner = actor is None or task.owner_id == self.people["alice"]
            return PermissionDenied if action == "execute" and not owner else None
        mine = task.owner_id == self.people[actor]
        if action in ("unassign", "reassign", "execute", "snooze"):
            return None if mine else PermissionDenied
        return PermissionDenied

    @rule(pick=PICK, action=st.sampled_from(("cancel", "suspend", "resume")), actor=ACTORS)
    def act_on_process(self, pick: int, action: str, actor: str | None) -> None:
        found = list(self.session.scalars(select(Process.id).order_by(Process.id)))
        if not found:
            return
        process = self.session.get(Process, found[-1 - pick % len(found)], populate_existing=True)
        row = lifecycle.PROCESS_ACTIONS[action]
        above = process.parent_task_id is not None and process.parent_task.process.on_hold
        if process.status not in row.source or (action == "suspend" and process.on_hold):
            expected: Any = TransitionNotAllowed
        else:
            expected = PermissionDenied if actor in ("bob", "carol") else None
        note(f"{action} process {process.id} ({process.status}, held from above: {above}) by {actor}")
        call = {"cancel": actions.cancel_process, "suspend": actions.suspend, "resume": actions.resume}[
            action
        ]
        key = process.id
        if expected is None:
            call(self.session, key, self.user(actor))
            assert self.session.get(Process, key, populate_existing=True).status == row.target
        else:
            self.refused(expected, lambda: call(self.session, key, self.user(actor)))

    # -- what programs and clocks do ---------------------------------------------------------------------

    def has(self, kind: str, *flow_classes: Any) -> bool:
        return any(
            node.kind == kind for each in flow_classes or (self.root, self.child) for node in _nodes(each)
        )

    @rule(pick=PICK)
    def handle(self, pick: int) -> None:
        found = self.tasks(
            Task.flow_task_type.in_(("Handle", "MessageCatch")), Task.status == "STARTED",
            Task.process.has(Process.on_hold.is_(False)),
        )  # fmt: skip
        if not found:
            return
        task = self.session.get(Task, found[pick % len(found)], populate_existing=True)
        note(f"run {_words(task)}")
        key, node = task.id, task.node
        if random_flows.WORLD.fails and node.func is not None:
            self.refused((random_flows.Failure, TransitionNotAllowed), lambda: node.run(task=key))
            return
        try:
            node.run(task=key)
        except TransitionNotAllowed:
            assert node.mutex is not None
        else:
            self.acknowledged[key] += 1

    @precondition(lambda self: self.has("MessageCatch", self.root))
    @rule(pick=PICK)
    def message(self, pick: int) -> None:
        """A message for a process; it may come before its catch is armed."""
        found = list(
            self.session.scalars(
                select(Process.id).where(Process.flow_label == "model_root", Process.finished.is_(None))
            )
        )
        catches = [node for node in _nodes(self.root) if node.kind == "MessageCatch"]
        if not found or not catches:
            return
        node, process = catches[pick % len(catches)], found[pick % len(found)]
        try:
            node.run(process=process)
        except (TransitionNotAllowed, random_flows.Failure) as error:
            note(f"refused: {error}")

    @rule(hours=st.integers(1, 3))
    def advance(self, hours: int) -> None:
        self.session.rollback()
        self.tester.advance(dt.timedelta(hours=hours))
        late = self.tasks(
            Task.status == "SCHEDULED", Task.scheduled <= self.tester.clock(),
            Task.flow_task_type != "Job", Task.process.has(Process.on_hold.is_(False)),
        )  # fmt: skip
        assert not late, f"due and not fired: {late}"

    @precondition(lambda self: self.has("Job"))
    @rule()
    def run_jobs(self) -> None:
        self.session.rollback()
        self.tester.turn(works=True)

    @precondition(lambda self: self.has("Job"))
    @rule()
    def take_job(self) -> None:
        """A worker takes a job and is not heard of for a while."""
        self.session.rollback()
        for due in timers.due(self.session, self.tester.clock()):
            if due.works and (claim := jobs.claim(self.session, due.task_id)) is not None:
                self.claims.append(claim)
                return

    @precondition(lambda self: self.claims)
    @rule()
    def return_late(self) -> None:
        self.session.rollback()
        jobs.perform(self.session, self.claims.pop())

    @precondition(lambda self: self.claims)
    @rule()
    def lose_worker(self) -> None:
        self.session.rollback()
        self.tester.clock.offset += jobs.LEASE + dt.timedelta(seconds=1)
        jobs.reclaim(self.session)

    @rule(name=st.sampled_from(("fails", "way", "holds", "breaks")))
    def switch(self, name: str) -> None:
        setattr(random_flows.WORLD, name, not getattr(random_flows.WORLD, name))

    # -- the books ---------------------------------------------------------------------------------------

    @invariant()
    def books_are_in_order(self) -> None:
        self.session.rollback()
        found = faults(self.session)
        found += self.unkept()
        found += self.done_otherwise()
        self.session.rollback()
        assert not found, "\n".join(found) + "\n\n" + self.log()

    def unkept(self) -> list[str]:
        """Completions that were acknowledged and are not in the books."""
        query = select(Event.task_id, func.count()).where(Event.to_state == "DONE").group_by(Event.task_id)
        stored = dict(self.session.execute(query).all())
        return [
            f"task {task} was acknowledged {times} times and is stored {stored.get(task, 0)} times"
            for task, times in self.acknowledged.items()
            if stored.get(task, 0) != times
        ]

    def done_otherwise(self) -> list[str]:
        """Code whose work is stored more than once, or though its task failed, or not though it is done."""
        query = select(Task.process_id, Task.number).join(Event, Event.task_id == Task.id)
        query = query.where(Event.to_state == "DONE", Event.action != "skip")
        done = set(self.session.execute(query).all())
        kinds = ("Function", "Job")
        works = self.session.execute(
            select(Task.process_id, Task.number, Task.flow_task).where(Task.flow_task_type.in_(kinds))
        ).all()
        data = dict(self.session.execute(select(Process.id, Process.data)).all())
        found = []
        for process, number, name in works:
            times = data[process].get(f"did_{number}", 0)
            promised = int((process, number) in done and not name.startswith("spawn"))
            if times != promised:
                found.append(
                    f"process {process}, task {number} ({name}): {times} works stored, {promised} promised"
                )
        return found

    def log(self) -> str:
        query = select(Event, Task).outerjoin(Task, Task.id == Event.task_id).order_by(Event.id)
        lines = []
        for event, task in self.session.execute(query).unique():
            what = "" if task is None else f"{task.number} {task.flow_task} [{task.token}]"
            lines.append(
                f"{event.process_id}: {what} {event.action} {event.from_state} -> {event.to_state} {event.detail}"
            )
        return "\n".join(lines)


def _words(task: Task) -> str:
    return f"process {task.process_id}, task {task.number} ({task.flow_task}, {task.status})"


def _nodes(flow_class: Any) -> list[Any]:
    return list(flow_class.definition.nodes.values())


def _empty(session: Any) -> None:
    session.rollback()
    session.expunge_all()  # the log keeps tracebacks, and with them tasks whose numbers come again
    session.execute(update(Process).values(parent_task_id=None, root_id=None))
    for table in (
        Event.__table__,
        SignalDelivery.__table__,
        Message.__table__,
        task_link,
        Task.__table__,
        Process.__table__,
    ):
        session.execute(delete(table))
    session.commit()
