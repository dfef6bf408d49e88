"""`ActionContext`: what one action has read and made so far, and the one place where a state is written."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol

from sqlalchemy.orm import Session
from sqlalchemy.orm.collections import collection_adapter

from portal.errors import contain
from portal.flow.activation import Activation, Work
from portal.flow.base import Node
from portal.flow.declaration import Flow
from portal.flow.outcome import Done
from portal.models import Process, Task, User
from portal.trace import current

from . import audit, lifecycle, reasons, related
from .bulk_insert import Change, Rows
from .corrections import Changes, Held
from .failures import Failure
from .retries import is_passing
from .savepoint import GuardedCall, calls_authors
from .seen import Seen
from .statements import NOTHING, Found, placing

#: what is done for somebody who is away, where a person does it in their place
_DEEDS = ("assign", "reassign", "execute")
#: what a person fills a form in for
_ENTERED = ("start", "execute")


class Lost(Node):
    """A node that the code no longer has: its tasks can be seen, cancelled and migrated."""


def lost(task: Task) -> Node:
    return Lost().bound(task.process.flow_class or Flow, task.flow_task)


def _remember(owner: Process | Task, name: str, task: Task) -> None:
    """Add a task to a list of related tasks that is loaded."""
    collection_adapter(owner.__dict__[name]).append_without_event(task)


def new_task(
    now: dt.datetime, process: Process, node: Node, token: str, data: Mapping[str, Any] | None = None
) -> Task:
    """The next task of a process."""
    number = process.task_count + 1
    placing.put(process, task_count=number)
    task = placing.new_task(
        process,
        data,
        number=number,
        flow_task=node.name,
        flow_task_type=node.kind,
        status="STARTED",
        token=token,
        created=now,
        fingerprint=node.flow_class.definition.fingerprint,
        trace=current.get() or None,
    )
    related.answer(task)
    return task


class Interpreter(Protocol):
    """The interpreter's functions that its parts call back."""

    def settle(self, run: ActionContext) -> None: ...
    def attempt(
        self,
        run: ActionContext,
        task: Task,
        call: Callable[[], Any],
        action: str = ...,
        *,
        of: Task | None = ...,
    ) -> Any: ...
    def resume(self, run: ActionContext, task: Task, call: Callable[[], Any], action: str = ...) -> bool: ...
    def complete(self, run: ActionContext, task: Task, outcome: Done, action: str = ...) -> None: ...
    def fail(self, run: ActionContext, task: Task, error: Exception, action: str = ...) -> None: ...
    def incident(self, run: ActionContext, task: Task, error: Exception, action: str) -> None: ...
    def close(self, run: ActionContext, task: Task, action: str = ...) -> None: ...


class ActionContext:
    """The work of one action under the lock."""

    #: set once, where the engine is put together: see `portal.engine`
    interpreter: ClassVar[Interpreter]
    #: makes the engine's side of an activation
    work: ClassVar[Callable[[ActionContext], Work]]

    def __init__(
        self,
        session: Session,
        user: User | None,
        now: dt.datetime,
        roots: set[int],
        outer: ActionContext | None = None,
    ) -> None:
        self.session = session
        self.user = user
        self.now = now
        #: the roots of the trees that this transaction holds
        self.roots = roots
        #: what was read with the lock
        self.found = NOTHING
        self.seen: Seen = outer.seen if outer else Seen(session)
        #: tasks that a token has just come to, the next one last
        self.ready: list[Task] = []
        #: how often a token has come to a node
        self.visits: Counter[tuple[Process, str, str]] = outer.visits if outer else Counter()
        #: tasks whose creation has no event yet
        self.unrecorded: set[Task] = outer.unrecorded if outer else set()
        #: tasks whose events on their border were armed in this transaction
        self.hosts: set[Task] = outer.hosts if outer else set()
        self.touched: dict[Process, None] = {}
        #: processes whose waiting joins must look again
        self.joins_due: dict[Process, None] = {}
        #: the events of a task that moved, by the fresh task that takes its place: what follows the name of the node
        #: in theirs, and their task
        self.events_of: dict[Task, dict[str, Task]] = {}
        #: processes that an undo leaves open, though nothing in them is
        self.reopened: set[Process] = outer.reopened if outer else set()
        self.rows: Rows = outer.rows if outer else Rows(session, now)
        #: whom the history names: within an action of somebody's, what the system does is theirs
        self.by: int | None = user.id if user is not None else outer.by if outer else None
        #: why, by the name of the action for which somebody has said so
        self.reasons: dict[str, str] = {}
        #: the names of the managers' levers that somebody has pulled: the audit keeps those that did something
        self.pulled: set[str] = outer.pulled if outer else set()
        #: what a person's form found, and what it has changed, by process: see `corrections`
        self.held: dict[Process, dict[str, Held]] = {}
        self.entered: dict[Process, Changes] = {}
        self.work_for_clock = False
        #: changes of state by flow and action, for who counts them
        self.counts: Counter[tuple[str, str]] = outer.counts if outer else Counter()
        #: called with the session when the action is committed, each once
        self.after_commit: dict[Callable[[Session], None], None] = {}
        self.propagate: bool = outer.propagate if outer else False
        #: the node whose own failure belongs to the caller of `run`
        self.called: Task | None = None
        #: what has failed in this action, told when it is committed
        self.failures: list[Failure] = outer.failures if outer else []
        #: what the whole action is to be done again for, whoever's code it came through
        self.disturbed: Exception | None = None

    # -- what there is ----------------------------------------------------------------------------------

    def hold(self, found: Found) -> None:
        """Remember what is locked, and what was read with it."""
        self.found = found
        if found.root_id is not None:
            self.roots.add(found.root_id)
        if found.task is not None and found.process is not None:
            self.seen.add(found.task)
            if found.alone:
                self.seen.alone.add(found.process)

    def open_tasks(self, process: Process) -> list[Task] | None:
        """The open tasks that this action leaves a process with. None where the database may have others, or what
        follows the commit may change them."""
        if self.after_commit or not self.seen.has_all(process):
            return None
        return [task for task in self.seen.tasks.get(process, ()) if task.finished is None]

    def let_go(self) -> None:
        """Hold no task any more, see `Seen.let_go`."""
        self.seen.let_go()
        self.found = NOTHING
        for held in (self.hosts, self.visits, self.events_of):
            held.clear()
        self.rows.let_go()

    def forget(self) -> None:
        """Drop what a rollback has taken away."""
        pending = set(self.rows.pending())
        self.unrecorded -= self.seen.forget(pending)
        self.ready = [task for task in self.ready if task in self.session or task in pending]
        for due in (self.touched, self.joins_due):
            for lost in [process for process in due if process not in self.session]:
                del due[lost]

    def taken_back(self, savepoint: Any) -> None:
        """Forget what came behind a savepoint, also where an author's code has set it and rolled it back."""
        mark = self.rows.savepoints.pop(savepoint, None)
        if mark is not None:
            self.rows.cut(mark).leave(self.session)
            self.session.expire_all()
            self.forget()

    def activation(self, task: Task) -> Activation:
        return Activation(
            type(self).work(self), task.process, task, task.node or lost(task), self.user, self.now
        )

    def guarded(self, task: Task, call: Callable[[], Any]) -> Any:
        """Call an author's code so that its failure takes nothing else with it."""
        try:
            if not calls_authors(task.node):
                return contain(call)
            with GuardedCall(self.session, task.process, task):
                return contain(call)
        except Exception as error:
            self.forget()
            if is_passing(error):
                self.disturbed = error
            raise

    # -- what is made -----------------------------------------------------------------------------------

    def create(
        self,
        process: Process,
        node: Node,
        token: str,
        *previous: Task,
        data: Mapping[str, Any] | None = None,
    ) -> Task:
        task = new_task(self.now, process, node, token, data)
        self.store(task)
        for each in previous:
            self.link(task, each)
        return task

    def store(self, task: Task) -> None:
        """Add a new task."""
        self.rows.tasks.append(task)
        self.seen.made.add(task)
        self.unrecorded.add(task)
        self.seen.add(task)
        process = task.process
        if "tasks" in process.__dict__:
            _remember(process, "tasks", task)

    def number_tasks(self) -> None:
        """Store the new tasks for the sake of their keys. Their links and their history can wait."""
        self.rows.only_tasks = True
        try:
            self.session.flush()
        finally:
            self.rows.only_tasks = False

    def link(self, task: Task, previous: Task) -> None:
        """A token has come from one task to another."""
        self.rows.link(task, previous)
        if "previous" in task.__dict__:
            _remember(task, "previous", previous)
        if "leading" in previous.__dict__:
            _remember(previous, "leading", task)

    def record(self, task: Task, to: str, action: str = "step", /, **detail: Any) -> None:
        """Write a task's state, and the row of history with it. Nothing else writes one."""
        process, closed = task.process, to in lifecycle.CLOSED
        before = None if task in self.unrecorded else task.status
        self.unrecorded.discard(task)
        started = {}
        if to == "STARTED" or (to == "DONE" and task.started is None):
            started["started"] = self.now
        placing.put(task, status=to, finished=self.now if closed else None, **started)
        if to == "SCHEDULED":
            self.work_for_clock = True
        if closed and "/" in task.token:
            self.joins_due[process] = None
        self.touched[process] = None
        if action in _ENTERED and (entered := self.entered.pop(process, None)):
            detail["changes"] = entered
        if action in _DEEDS and task.acting_for is not None:
            detail["for"] = task.acting_for.username
        self._write(process, task, action, before, to, detail)

    def note(self, task: Task, action: str, /, **detail: Any) -> None:
        """A row of history for an action that leaves the state as it is."""
        self._write(task.process, task, action, task.status, task.status, detail)

    def because(self, action: str, reason: str | None) -> None:
        """Store in the history why an action is done; this replaces an earlier reason of the same transaction.

        Raises:
            PortalError: that text cannot be kept.
        """
        if action in audit.LEVERS:
            self.pull(action)
        self.reasons.pop(action, None)
        if text := reasons.checked(reason):
            self.reasons[action] = text

    def pull(self, action: str) -> None:
        """Note that a person does this as a manager."""
        if self.user is not None:
            self.pulled.add(action)

    def note_process(self, process: Process, action: str, /, **detail: Any) -> None:
        """A row of history for an action on a process that leaves its state as it is."""
        self._write(process, None, action, process.status, process.status, detail)

    def record_process(self, process: Process, to: str, action: str, /, **detail: Any) -> None:
        # One with a table of its own is stored before it begins, and has the state of a new one by then.
        before = None if action == "start" else process.status
        placing.put(process, status=to, finished=self.now if to in ("DONE", "CANCELED", "FAILED") else None)
        self.touched[process] = None
        self._write(process, None, action, before, to, detail)

    def _write(
        self,
        process: Process,
        task: Task | None,
        action: str,
        before: str | None,
        to: str,
        detail: dict[str, Any],
    ) -> None:
        self.counts[process.flow_label, action] += 1
        if action in self.reasons:
            detail["reason"] = self.reasons[action]
        trace = current.get() or None
        self.rows.changes.append(Change(process, task, action, before, to, detail, self.by, trace))
