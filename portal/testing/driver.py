"""Drives flows in a test through their real forms, with a clock that the test moves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from portal.errors import TransitionNotAllowed

if TYPE_CHECKING:
    from portal.flow import Flow
    from portal.models import Process, Task, User


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.offset = dt.timedelta()

    def __call__(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + self.offset


class TaskRun:
    """One task, with the actions of people on it; besides, it has the attributes of the task as it is now."""

    number: int
    flow_task: str
    status: str
    token: str
    owner: User | None
    created: dt.datetime
    assigned: dt.datetime | None
    started: dt.datetime | None
    finished: dt.datetime | None
    due: dt.datetime | None
    scheduled: dt.datetime | None
    priority: int
    data: dict[str, Any]
    title: str
    is_open: bool

    def __init__(self, run: FlowRun, task_id: int) -> None:
        self.run = run
        self.id = task_id

    @property
    def task(self) -> Task:
        from portal.models import Task

        task: Task = self.run.read(Task, self.id)
        return task

    def __getattr__(self, name: str) -> Any:
        return getattr(self.task, name)

    def assign(self, user: User | str, reason: str | None = None) -> TaskRun:
        """Give the task to someone.

        Args:
            user: a user, or a user name; one who is absent is made with the needed permission.
            reason: why.

        Raises:
            TransitionNotAllowed: the task is not NEW.
            PermissionDenied: a rule of the flow, such as `.NotSameAs`, excludes this person.
        """
        task = self.task
        if task.owner_permission is None:
            wanted = [f"{task.process.flow_label}.view"]
        elif task.owner_permission_obj is None:
            wanted = [task.owner_permission]
        else:
            wanted = [f"{task.owner_permission}:{task.owner_permission_obj}"]
        person = self.run.person(user, wanted)
        with self.run.telling(), task.activation(person) as activation:
            activation.assign(person, reason=reason)
        return self

    def unassign(self, user: User | str | None = None, reason: str | None = None) -> TaskRun:
        """Give the task back.

        Args:
            user: who does it, a user or a user name; the system when it is left out.
            reason: why.
        """
        return self._act("unassign", user, reason=reason)

    def reassign(self, to: User | str, user: User | str | None = None, reason: str | None = None) -> TaskRun:
        """Hand the task over.

        Args:
            to: the new owner, a user or a user name.
            user: who does it; the system when it is left out.
            reason: why.
        """
        task = self.task
        person = self.run.person(to, [task.owner_permission] if task.owner_permission else [])
        return self._act("reassign", user, person, reason=reason)

    def execute(self, **values: Any) -> TaskRun:
        """Fill the task's form in, as its owner.

        Args:
            values: the form's fields, as Python values.

        Raises:
            InvalidForm: the form refuses the values, or has no such field.
            TransitionNotAllowed: the task is not ASSIGNED.
        """
        task = self.task
        with self.run.telling(), task.activation(task.owner) as activation:
            if not self.run.fill(activation, values):
                activation.execute()
        return self

    def cancel(self, user: User | str | None = None, reason: str | None = None) -> TaskRun:
        """Cancel the open task, as this manager or as the system."""
        return self._act("cancel", user, reason=reason)

    def undo(self, user: User | str | None = None, reason: str | None = None) -> TaskRun:
        """Take the completed task back, as this manager or as the system."""
        return self._act("undo", user, reason=reason)

    def skip(self, user: User | str | None = None, reason: str | None = None) -> TaskRun:
        """Leave the task out, as this manager or as the system: the process goes on behind it."""
        return self._act("skip", user, reason=reason)

    def revive(self, user: User | str | None = None, reason: str | None = None) -> TaskRun:
        """Run a fresh copy of the cancelled or failed task, as this manager or as the system.

        Returns:
            The copy.
        """
        with self.run.telling(), self.task.activation(self._actor(user)) as activation:
            fresh = activation.revive(reason=reason)
        return TaskRun(self.run, fresh.id)

    def move(self, to: str, user: User | str | None = None, reason: str | None = None) -> TaskRun:
        """Cancel the open task, and start the node `to` with its token, as this manager or as the system.

        Returns:
            The task there.
        """
        with self.run.telling(), self.task.activation(self._actor(user)) as activation:
            fresh = activation.move(to, reason=reason)
        return TaskRun(self.run, fresh.id)

    def change_due(
        self, due: dt.datetime | None, user: User | str | None = None, reason: str | None = None
    ) -> TaskRun:
        """Say anew by when the task should be done, as this manager or as the system."""
        return self._act("change_due", user, due, reason=reason)

    def change_priority(
        self, priority: int, user: User | str | None = None, reason: str | None = None
    ) -> TaskRun:
        """Say anew how urgent the task is, as this manager or as the system."""
        return self._act("change_priority", user, priority, reason=reason)

    def snooze(
        self, until: dt.datetime | None, user: User | str | None = None, reason: str | None = None
    ) -> TaskRun:
        """Hide the task from its owner's inbox until a moment, as this manager or as the system."""
        return self._act("snooze", user, until, reason=reason)

    def _actor(self, user: User | str | None) -> User | None:
        return None if user is None else self.run.person(user, [f"{self.run.label}.manage"])

    def _act(self, action: str, user: User | str | None, *arguments: Any, reason: str | None) -> TaskRun:
        with self.run.telling(), self.task.activation(self._actor(user)) as activation:
            getattr(activation, action)(*arguments, reason=reason)
        return self


class FlowRun:
    """One process of a flow under test."""

    def __init__(self, tester: FlowTester, flow_class: type[Flow]) -> None:
        self._tester = tester
        self.flow_class = flow_class
        self.label: str = flow_class.definition.label
        self._process_id: int | None = None

    @property
    def process(self) -> Process:
        """The process as it is now."""
        from portal.models import Process

        if self._process_id is None:
            raise AssertionError("nothing has started yet: call run.start(…)")
        process: Process = self.read(Process, self._process_id)
        return process

    @property
    def path(self) -> list[str]:
        """The nodes whose tasks are DONE, in the order in which they finished."""
        from sqlalchemy import select

        from portal.models import Event, Task, db

        query = select(Task.flow_task).join(Event, Event.task_id == Task.id)
        query = query.where(
            Task.process_id == self._process_id, Task.status == "DONE", Event.to_state == "DONE"
        )
        return list(db.session.scalars(query.order_by(Event.id)))

    def start(self, node: str = "start", user: User | str | None = None, **values: Any) -> Any:
        """Start the process.

        Args:
            node: the name of a start.
            user: who starts it, a user or a user name; one who is absent is made with the needed permission.
            values: the form's fields as Python values, or the keywords of a `StartHandle`.

        Returns:
            This run; what `run` of a `StartHandle` returns.

        Raises:
            InvalidForm: the form refuses the values, or has no such field.
            PermissionDenied: this person may not start it.
        """
        from portal.engine import actions
        from portal.models import db

        start: Any = self.flow_class.definition.nodes[node]
        if not start.human:
            if user is not None:
                values["_user"] = self.person(user, [])
            return self._started(lambda: start.run(**values))
        person = self.person(
            user if user is not None else "someone", [start.permission] if start.permission else []
        )
        with actions.starting(db.session(), start, person) as activation:
            if not self.fill(activation, values):
                activation.execute()
            process: Process = activation.process
            db.session.flush()
            self._process_id = process.id
        return self

    def _started(self, call: Callable[[], Any]) -> Any:
        from sqlalchemy import func, select

        from portal.models import Process, db

        newest = select(func.max(Process.id)).where(Process.flow_label == self.label)
        newest = newest.where(Process.parent_task_id.is_(None))
        result = call()
        self._process_id = db.session.scalar(newest)
        return result

    def task(self, name: str) -> TaskRun:
        """The one open task of a node.

        Args:
            name: the node's name.

        Raises:
            AssertionError: there is none, or there are several; the message names the open tasks and what failed.
        """
        found = [task for task in self.tasks(name) if task.is_open]
        if len(found) != 1:
            what = "no open task" if not found else f"{len(found)} open tasks"
            told = "; ".join(["", *self.failures()])
            raise AssertionError(f"{what} of {name!r}; open are: {', '.join(self._open()) or 'none'}{told}")
        return found[0]

    def failures(self) -> list[str]:
        """What stands in ERROR in this process and below it, or has failed and is tried again: a line each."""
        from sqlalchemy import func, select

        from portal.models import Process, Task, db

        if self._process_id is None:
            return []
        root = select(func.coalesce(Process.root_id, Process.id)).where(Process.id == self._process_id)
        tree = func.coalesce(Process.root_id, Process.id) == root.scalar_subquery()
        query = select(Task).join(Task.process).where(tree, Task.finished.is_(None)).order_by(Task.id)
        return [line for task in db.session.scalars(query).unique() if (line := _failure(task, self))]

    @contextmanager
    def telling(self) -> Iterator[None]:
        """What is not possible because a node has failed says what has failed."""
        try:
            yield
        except TransitionNotAllowed as error:
            if found := self.failures():
                raise TransitionNotAllowed("; ".join([str(error), *found])) from error
            raise

    def tasks(self, name: str) -> list[TaskRun]:
        """All tasks of a node, oldest first."""
        from sqlalchemy import select

        from portal.models import Task, db

        query = select(Task.id).where(Task.process_id == self._process_id, Task.flow_task == name)
        return [TaskRun(self, task_id) for task_id in db.session.scalars(query.order_by(Task.number))]

    def _open(self) -> list[str]:
        from sqlalchemy import select

        from portal.models import Task, db

        query = select(Task.flow_task).where(Task.process_id == self._process_id, Task.finished.is_(None))
        return list(db.session.scalars(query.order_by(Task.number)))

    def children(self, node: str) -> list[FlowRun]:
        """The child processes of a node's tasks, oldest first, each a run of its own."""
        from sqlalchemy import select

        from portal.models import Process, Task, db

        query = select(Process).join(Task, Process.parent_task_id == Task.id)
        query = query.where(Task.process_id == self._process_id, Task.flow_task == node).order_by(Process.id)
        runs = []
        for child in db.session.scalars(query).unique():
            assert child.flow_class is not None  # a child was just started by a flow that is there
            run = FlowRun(self._tester, child.flow_class)
            run._process_id = child.id
            runs.append(run)
        return runs

    def handle(self, node: str, **kwargs: Any) -> Any:
        """Run a `Handle` of this process.

        Args:
            node: its name.
            kwargs: passed to its function.

        Returns:
            What the function returns.

        Raises:
            TransitionNotAllowed: the process does not wait there.
        """
        with self.telling():
            handle: Any = self.flow_class.definition.nodes[node]
            return handle.run(process=self.process, **kwargs)

    def jobs(self) -> FlowRun:
        """Run the jobs that are due, one after the other in this thread."""
        self._tester.turn(works=True)
        return self

    def advance(self, **span: float) -> FlowRun:
        """Move the clock; what falls due meanwhile fires in its order. Jobs do not run: see `jobs`.

        Args:
            span: the keywords of a `timedelta`: `days=3, seconds=1`.
        """
        self._tester.advance(dt.timedelta(**span))
        return self

    def read(self, model: Any, key: int) -> Any:
        return self._tester.read(model, key)

    def person(self, user: User | str, permissions: list[str]) -> User:
        return self._tester.person(user, permissions)

    def fill(self, activation: Any, values: dict[str, Any]) -> bool:
        """Validate values through the node's real form, and write them. True if the view did all by itself."""
        from portal.web.forms.submit import fill_form

        return fill_form(activation, values)


class FlowTester:
    """Makes runs of flows that share one application, database and clock."""

    def __init__(self, app: Any, clock: Clock) -> None:
        self.app = app
        self.clock = clock
        #: what the test has read. A session forgets what nobody holds, and `run.process.data["x"] = 1` with it
        self._read: dict[tuple[Any, int], Any] = {}

    def __call__(self, flow_class: type[Flow], *, propagate: bool = False) -> FlowRun:
        """A run of a flow; one that is declared in the test itself is registered by this, with those that it calls.

        Args:
            flow_class: the flow.
            propagate: what a node of this flow, or of those that it calls, raises comes out of the call that led to
                it, and takes that action back, as with `Flow.propagate_errors`.
        """
        from portal.engine.interpreter import step
        from portal.models import init_db

        flows = self.app.extensions["portal_flows"]
        needed = {each.definition.label: each for each in (*_called_by(flow_class), flow_class)}
        if any(flows.get(label) is not each for label, each in needed.items()):
            flows.update(needed)
            init_db()
        raising = step.propagating.get()
        step.propagating.set(raising | set(needed.values()) if propagate else raising - {flow_class})
        return FlowRun(self, flow_class)

    def read(self, model: Any, key: int) -> Any:
        """A row as it is now, with what the test has changed in it and not committed yet."""
        from portal.models import db

        found = self._read[model, key] = db.session.get_one(model, key)
        if not db.session.is_modified(found):
            db.session.refresh(found)
        return found

    def person(self, user: User | str, permissions: list[str]) -> User:
        """A user by name, made when absent, with the permissions that they lack."""
        from portal.models import User, create_user, db, find_user

        if isinstance(user, User):
            found = user
        else:
            existing = find_user(db.session(), user)
            if existing is None:
                return create_user(user, permissions=permissions)
            found = existing
            lacking = [name for name in permissions if not found.can(name)]
            if lacking:
                found.permissions.extend(lacking)
        db.session.commit()
        return found

    def turn(self, works: bool) -> None:
        """Do what is due now: jobs, or timers."""
        from portal.engine.queue import jobs, timers
        from portal.models import db

        timers.turn(db.session())
        seen: set[tuple[int, dt.datetime]] = set()
        while True:
            session = db.session()
            found = [d for d in timers.due(session, self.clock()) if d.works is works]
            found = [d for d in found if (d.task_id, d.scheduled) not in seen]
            if not found:
                timers.turn(db.session())
                return
            for each in found:
                seen.add((each.task_id, each.scheduled))
                if not works:
                    timers.fire(session, each.task_id)
                    continue
                claimed = jobs.claim(session, each.task_id)
                if claimed is not None:
                    jobs.perform(session, claimed)

    def advance(self, span: dt.timedelta) -> None:
        from portal.engine.queue import timers
        from portal.models import db

        target = self.clock.offset + span
        while True:
            self.turn(works=False)
            upcoming = timers.next_moment(db.session(), after=self.clock())
            if upcoming is None or upcoming > self.clock() + (target - self.clock.offset):
                break
            self.clock.offset += upcoming - self.clock() + dt.timedelta(microseconds=1)
        self.clock.offset = max(target, self.clock.offset)
        self.turn(works=False)


def _failure(task: Task, run: FlowRun) -> str:
    """The line that tells of a task that has failed; empty where it has not."""
    kept = (task.data or {}).get("_exception")
    if kept is None or task.status not in ("ERROR", "SCHEDULED"):
        return ""
    name = f"`{task.flow_task}`"
    if task.process.flow_label != run.label:
        name += f" of {task.process.flow_label}"
    now = (
        "is in ERROR"
        if task.status == "ERROR"
        else f"is tried again, after try {kept.get('tries', 1)} failed"
    )
    message = f": {kept['message']}" if kept.get("message") else ""
    place = f" … {kept['place']}" if kept.get("place") else ""
    return f"{name} {now}: {kept['type']}{message}{place}"


def _called_by(flow_class: Any) -> list[Any]:
    """The flows that a flow calls as children, and those that these call."""
    found = [flow_class]
    for each in found:
        nodes = each.definition.nodes.values()
        called = [node.start_node().flow_class for node in nodes if node.calls_processes]
        found.extend(child for child in called if child not in found)
    return found[1:]
