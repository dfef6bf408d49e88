"""One process of a flow under test."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from portal.engine import actions, external
from portal.engine.external import Lock
from portal.errors import InvalidForm, TransitionNotAllowed
from portal.flow import Flow, throw_signal
from portal.flow.names import guess
from portal.models import Event, Process, Task, User, db
from portal.web.forms.build import process_field_names
from portal.web.forms.submit import fill_form

from . import pages, telling
from .failing import failing
from .task_run import TaskRun

if TYPE_CHECKING:
    from .tester import FlowTester


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
        if self._process_id is None:
            raise AssertionError("nothing has started yet: call run.start(…)")
        process: Process = self.read(Process, self._process_id)
        return process

    @property
    def path(self) -> list[str]:
        """The nodes whose tasks are DONE, in the order in which they finished."""
        query = select(Task.flow_task).join(Event, Event.task_id == Task.id)
        query = query.where(
            Task.process_id == self._process_id, Task.status == "DONE", Event.to_state == "DONE"
        )
        return list(db.session.scalars(query.order_by(Event.id)))

    def start(self, node: str = "start", user: User | str | None = None, **values: Any) -> Any:
        """Start the process.

        Args:
            node: the name of a start. At a `StartTimer` the clock moves to the next moment of its schedule.
            user: who starts it, a user or a user name; one who is absent is made with the needed permission.
            values: the form's fields as Python values, or the keywords of a `StartHandle`.

        Returns:
            This run; what `run` of a `StartHandle` returns.

        Raises:
            InvalidForm: the form refuses the values, or has no such field.
            PermissionDenied: this person may not start it.
        """
        start: Any = self._node(node)
        if not start.starts:
            starts = ", ".join(each.name for each in self.flow_class.definition.starts)
            raise AssertionError(
                f"{node!r} is no start of {self.flow_class.__name__}; its starts are: {starts}"
            )
        if start.schedules:
            self._started(lambda: self._tester.start_on_schedule(start))
            return self
        if not start.human:
            if user is not None:
                values["_user"] = self.person(user, [])
            return self._started(lambda: start.run(**values))
        self._fill_start(start, user, values)
        return self

    def _fill_start(self, start: Any, user: User | str | None, values: dict[str, Any]) -> None:
        person = self.person(
            user if user is not None else "someone", [start.permission] if start.permission else []
        )
        self.look_at(start, lambda: pages.start_page(start, person))
        with actions.starting(db.session(), start, person) as activation:
            if not self.fill(activation, values):
                activation.execute()
            process: Process = activation.process
            db.session.flush()
            self._process_id = process.id

    def _node(self, name: str) -> Any:
        """A node of the flow.

        Raises:
            AssertionError: there is none of this name; the message names the nearest one.
        """
        nodes = self.flow_class.definition.nodes
        if name not in nodes:
            raise AssertionError(f"{self.flow_class.__name__} has no node {name!r}{guess(name, nodes, '')}")
        return nodes[name]

    def _started(self, call: Callable[[], Any]) -> Any:
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
        if not found and not self.tasks(name):
            self._node(name)
        if len(found) != 1:
            what = "no open task" if not found else f"{len(found)} open tasks"
            told = "; ".join(["", *self.failures()])
            raise AssertionError(f"{what} of {name!r}; open are: {', '.join(self._open()) or 'none'}{told}")
        return found[0]

    def failures(self) -> list[str]:
        """What stands in ERROR in this process and below it, or has failed and is tried again: a line each."""
        return [] if self._process_id is None else telling.failures(self.process)

    def explain(self) -> str:
        """Print why the process waits, or how it has ended: its open tasks, and what each of them waits for.

        Returns:
            The text that is printed.
        """
        text = self.explanation()
        print(text)
        return text

    def explanation(self) -> str:
        return telling.explanation(self.process, self.path)

    @property
    def has_started(self) -> bool:
        return self._process_id is not None

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
        query = select(Task.id).where(Task.process_id == self._process_id, Task.flow_task == name)
        return [TaskRun(self, task_id) for task_id in db.session.scalars(query.order_by(Task.number))]

    def _open(self) -> list[str]:
        query = select(Task.flow_task).where(Task.process_id == self._process_id, Task.finished.is_(None))
        return list(db.session.scalars(query.order_by(Task.number)))

    def children(self, node: str) -> list[FlowRun]:
        """The child processes of a node's tasks, oldest first, each a run of its own."""
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
        handle: Any = self._node(node)
        if not handle.handles:
            known = [each.name for each in self.flow_class.definition.nodes.values() if each.handles]
            there = f"its handles are: {', '.join(known)}" if known else "it has none"
            raise AssertionError(f"{node!r} is no handle of {self.flow_class.__name__}; {there}")
        with self.telling():
            return handle.run(process=self.process, **kwargs)

    def send(self, message: str, /, **data: Any) -> FlowRun:
        """Send the process a message, as `MyFlow.send(message, process=…, **data)` does.

        Args:
            message: the name of a `MessageCatch`, or of an `.OnMessage`.
            data: what it carries.

        Raises:
            TransitionNotAllowed: the process does not wait for it.
        """
        with self.telling():
            self.flow_class.send(message, process=self.process, **data)
        return self

    def signal(self, name: str) -> FlowRun:
        """Throw a signal, as `flow.throw_signal(name)` does: every process under test that waits for it goes on."""
        throw_signal(name)
        self._tester.turn(works=False)
        return self

    def fire(self, event: str) -> FlowRun:
        """Let an event on the border of a task happen.

        Args:
            event: its name: `approve__timeout` moves the clock to its moment, `approve__message` and
                `approve__signal` send what it waits for.

        Raises:
            AssertionError: it does not stand ready, or is of a kind that something else has to bring about.
        """
        node, task = self._node(event), self.task(event)
        if node.message is not None:
            return self.send(node.message)
        if node.signal is not None:
            return self.signal(node.signal)
        if task.scheduled is None:
            raise AssertionError(f"{event} happens when its task fails or is escalated: see `fails`")
        return self.advance(until=task.scheduled)

    def fails(self, node: str, error: BaseException | None = None) -> AbstractContextManager[None]:
        """`with run.fails("pay", Refused("no money")):` lets the code of a node raise within the block.

        Args:
            node: its name: one that calls a function, or asks a condition.
            error: what it raises; a `RuntimeError` when it is left out.

        Raises:
            AssertionError: the node calls nothing of yours.
        """
        return failing(self._node(node), error or RuntimeError(f"{node} fails in this test"))

    def external(self, node: str, /, **data: Any) -> FlowRun:
        """Do an external task, as a program elsewhere would: fetch and lock it, and complete it.

        Args:
            node: its name.
            data: what came of the work, as Python values: keywords of the node's function, or fields of the process.

        Raises:
            InvalidForm: the process has no such field.
        """
        unknown = data.keys() - process_field_names(type(self.process))
        if unknown and self._node(node).func is None:
            raise InvalidForm(errors={name: ["There is no such field."] for name in sorted(unknown)})

        def write(activation: Any) -> None:
            if activation.node.func is not None:
                activation.node.call(activation.node.func, activation, **data)
                return
            for name, value in data.items():
                setattr(activation.process, name, value)

        with self.telling():
            external.complete(db.session(), self._fetched(node), write)
        return self

    def external_fails(
        self,
        node: str,
        message: str = "It fails in this test.",
        *,
        retries: int | None = None,
        code: str | None = None,
    ) -> FlowRun:
        """Report the failure of an external task, as a program elsewhere would.

        Args:
            node: its name.
            message: what has happened.
            retries: how many tries are left; as the flow says when it is left out.
            code: that of an error which the flow knows, for `.OnError(…, code=…)`; it is not tried again.
        """
        with self.telling():
            if code is None:
                external.fail(db.session(), self._fetched(node), message, left=retries)
            else:
                external.throw(db.session(), self._fetched(node), code, message)
        return self

    def _fetched(self, node: str) -> Lock:
        """Fetch and lock the open task of a node, as a program elsewhere does."""
        task, topic = self.task(node), self._node(node).topic
        if topic is None:
            raise AssertionError(f"{node} is no ExternalTask")
        hour = dt.timedelta(hours=1)
        fetched = external.fetch_and_lock(
            db.session(), None, "tester", {topic: hour}, limit=10_000, tell=lambda each: each.id
        )
        if task.id not in fetched:
            raise AssertionError(f"{node} cannot be fetched now: it is {task.status}")
        return Lock(task.id, None, "tester")

    def jobs(self) -> FlowRun:
        """Run the jobs that are due, one after the other in this thread."""
        self._tester.turn(works=True)
        return self

    def advance(
        self, *, until: dt.datetime | str | Callable[[FlowRun], object] | None = None, **span: float
    ) -> FlowRun:
        """Move the clock; what falls due meanwhile fires in its order. Jobs do not run: see `jobs`.

        Args:
            until: an aware moment; or the name of a node, until a token has come there or the event has fired; or a
                callable of this run, until it is true.
            span: the keywords of a `timedelta`: `days=3, seconds=1`. With a name or a callable the longest that it may
                take, a year when it is left out.

        Raises:
            AssertionError: nothing falls due any more, or not in that span, and `until` is not so.
        """
        if until is None:
            self._tester.advance(dt.timedelta(**span))
        elif isinstance(until, dt.datetime):
            self._tester.advance(until - self._tester.clock() + dt.timedelta(microseconds=1))
        else:
            asked = self._reached(until) if isinstance(until, str) else until
            limit = dt.timedelta(**span) if span else None
            if not self._tester.advance_until(lambda: bool(asked(self)), limit):
                raise AssertionError(f"the clock has moved, and it is not so yet\n{self.explanation()}")
        return self

    def _reached(self, name: str) -> Callable[[FlowRun], bool]:
        """Whether a token has come to a node; an event on a border stands ready before it fires."""
        arms = self._node(name).arms
        return lambda run: any(task.status == "DONE" or not arms for task in run.tasks(name))

    def child(self, node: str) -> FlowRun:
        """The one child process of a node's tasks that is not over, or else the newest one.

        Raises:
            AssertionError: there is none, or several are open.
        """
        runs = self.children(node)
        found = [run for run in runs if run.process.finished is None] or runs[-1:]
        if len(found) != 1:
            raise AssertionError(
                f"{len(found)} open children of {node!r}, of {len(runs)} in all; see `children`"
            )
        return found[0]

    def read(self, model: Any, key: int) -> Any:
        return self._tester.read(model, key)

    def person(self, user: User | str, permissions: list[str]) -> User:
        return self._tester.person(user, permissions)

    def look_at(self, node: Any, page: Callable[[], str]) -> None:
        self._tester.look_at(node, page)

    def fill(self, activation: Any, values: dict[str, Any]) -> bool:
        """Validate values through the node's real form, and write them. True if the view did all by itself."""
        return fill_form(activation, values)
