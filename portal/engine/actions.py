"""The commands of people and programs on tasks and processes: assign, execute, cancel, undo, revive, suspend …"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.errors import PermissionDenied, PortalError
from portal.flow.activation import Activation
from portal.language import gettext as _
from portal.models import Process, Task, User

from . import adjusting, corrections, helping, lifecycle, moving, permissions, skipping
from .context import ActionContext
from .interpreter import assignment, compensation, joins, mutexes, processes, step, subprocesses
from .process_actions import add_item, cancel_process, changing_data, resume, retry, send, suspend, withdraw
from .snapshot import HELD
from .statements import placing
from .transaction import clock, key_of, read_task, transaction

__all__ = [
    "TaskActions",
    "activation",
    "add_item",
    "cancel_process",
    "changing_data",
    "demand_start",
    "reading",
    "reading_start",
    "resume",
    "retry",
    "send",
    "starting",
    "store_first",
    "suspend",
    "withdraw",
]

#: the states in which a person's form may come
_BEFORE_A_FORM = ("NEW", "ASSIGNED")


@contextmanager
def activation(session: Session, task: Task | int, user: User | int | None = None) -> Iterator[Activation]:
    """Lock the task's process, read both again, and commit at the end of the block.

    Raises:
        LookupError: the task is not there.
        UnsavedChanges: the session holds changes that are not saved.
    """
    nested = session.info.get("run") is not None
    with transaction(session, user, task=task) as run:
        found = task if nested and isinstance(task, Task) else read_task(session, task)
        run.seen.add(found)
        if found.status in _BEFORE_A_FORM:  # the history keeps what a form changes
            run.held[found.process] = corrections.values_of(found.process)
        yield run.activation(found)
        step.settle(run)


@contextmanager
def starting(session: Session, node: Any, user: User | int | None) -> Iterator[Activation]:
    """A new process for a person's start form; nothing of it is stored before `execute()`.

    Raises:
        PermissionDenied: this person may not start here.
    """
    with transaction(session, user) as run:
        demand_start(run.user, node)
        yield _new(run, node)
        step.settle(run)


def reading(session: Session, task: Task, user: User | None) -> Activation:
    """A task to look at: no lock, and nothing may change."""
    return ActionContext(session, user, clock.get()(), set()).activation(task)


def reading_start(session: Session, node: Any, user: User | None) -> Activation:
    """A process that is not there yet, to show its start form."""
    demand_start(user, node)
    return _new(ActionContext(session, user, clock.get()(), set()), node)


def demand_start(user: User | None, node: Any) -> None:
    if user is not None and not node.available(user):
        raise PermissionDenied(_("you may not start «%(flow)s» here", flow=node.flow_class.definition.title))


def _new(run: ActionContext, node: Any) -> Activation:
    process = processes.new_process(run, node.flow_class)
    task = processes.first_task(run, process, node)
    task.status, task.owner_permission = "ASSIGNED", node.permission
    return Activation(TaskActions(run), process, task, node, run.user, run.now)


class TaskActions:
    """The engine's side of an activation: the actions of a task's life."""

    def __init__(self, run: ActionContext) -> None:
        self.run = run

    def assign(self, activation: Activation, user: Any, reason: str | None = None) -> None:
        run, task = self.run, activation.task
        run.because("assign", reason)
        lifecycle.check("assign", task)
        mutexes.demand(run, task, "assign")
        assignee = self._user(user if user is not None else run.user)
        self._demand_fit(assignee, task)
        if run.user is not None and assignee.id != run.user.id:
            permissions.demand_manager(run.user, task.process, _("assign it to someone else"))
            run.pull("assign")
        self._give(task, assignee, "assign")

    def unassign(self, activation: Activation, reason: str | None = None) -> None:
        run, task = self.run, activation.task
        run.because("unassign", reason)
        lifecycle.demand("unassign", task, run.user)
        self._note_other(task, "unassign")
        permissions.remember_owner(run.session, task)
        task.owner, task.assigned, task.owner_by_rule = None, None, False
        task.snoozed_until, task.acting_for = None, None
        run.record(task, "NEW", "unassign")

    def reassign(self, activation: Activation, user: Any, reason: str | None = None) -> None:
        run, task = self.run, activation.task
        run.because("reassign", reason)
        lifecycle.demand("reassign", task, run.user)
        self._note_other(task, "reassign")
        assignee = self._user(user)
        self._demand_fit(assignee, task)
        permissions.remember_owner(run.session, task)
        self._give(task, assignee, "reassign")

    def execute(self, activation: Activation, reason: str | None = None) -> None:
        run, task = self.run, activation.task
        if task not in run.seen.of(task.process):  # a start form, whose process is still to be stored
            run.because("start", reason)
            self._start(activation)
            return
        run.because("execute", reason)
        lifecycle.check("execute", task)
        permissions.demand_finish(run.session, run.user, task)
        mutexes.demand(run, task, "execute")
        if run.user is not None and task.owner_id != run.user.id:
            self._stand_in(task, run.user)
        if (before := run.held.pop(task.process, None)) is not None:
            self._enter(task.process, before)
        self._resume(activation, "execute")

    def cancel(self, activation: Activation, reason: str | None = None) -> None:
        self.run.because("cancel", reason)
        lifecycle.demand("cancel", activation.task, self.run.user)
        step.close(self.run, activation.task)

    def undo(self, activation: Activation, reason: str | None = None) -> None:
        run, task, process = self.run, activation.task, activation.process
        run.because("undo", reason)
        lifecycle.demand("undo", task, run.user)
        if activation.node._undo is not None and compensation.LEFT_OUT not in task.data:
            activation.node.call(activation.node._undo, activation)
        run.record(task, "CANCELED", "undo")
        subprocesses.reopen(run, process, "undo")
        run.reopened.add(process)
        if activation.node.starts:
            processes.cancel_tree(run, process, "undo")
            subprocesses.cancelled(run, process)
        elif activation.node.ends:
            process.ended = _other_end(run, task)

    def revive(self, activation: Activation, reason: str | None = None) -> Task:
        run, old, process = self.run, activation.task, activation.process
        run.because("revive", reason)
        lifecycle.demand("revive", old, run.user)
        previous = [*old.previous, *joins.met(run, old), old]
        run.record(old, "REVIVED", "revive")
        step.leave(run, old)
        subprocesses.reopen(run, process, "revive")
        return processes.fresh_copy(run, old, old.node, previous)

    def skip(self, activation: Activation, user: Any = None, reason: str | None = None) -> None:
        with self._acting(activation, user) as (run, task):
            run.because("skip", reason)
            skipping.skip(run, task)

    def move(self, activation: Activation, to: str, user: Any = None, reason: str | None = None) -> Task:
        with self._acting(activation, user) as (run, task):
            run.because("move", reason)
            return moving.move(run, task, to)

    def change_due(self, activation: Activation, due: dt.datetime | None, reason: str | None = None) -> None:
        self.run.because("due", reason)
        adjusting.change_due(self.run, activation.task, due)

    def change_priority(self, activation: Activation, priority: int, reason: str | None = None) -> None:
        self.run.because("priority", reason)
        adjusting.change_priority(self.run, activation.task, priority)

    def snooze(self, activation: Activation, until: dt.datetime | None, reason: str | None = None) -> None:
        self.run.because("snooze", reason)
        adjusting.snooze(self.run, activation.task, until)

    def ask_help(self, activation: Activation, user: Any, reason: str | None = None) -> None:
        self.run.because("help", reason)
        helping.ask(self.run, activation.task, self._user(user))

    def end_help(self, activation: Activation, user: Any, reason: str | None = None) -> None:
        self.run.because("help", reason)
        helping.end(self.run, activation.task, self._user(user))

    def reschedule(self, activation: Activation, moment: dt.datetime, reason: str | None = None) -> None:
        self.run.because("reschedule", reason)
        adjusting.reschedule(self.run, activation.task, moment)

    @contextmanager
    def _acting(self, activation: Activation, user: Any) -> Iterator[tuple[ActionContext, Task]]:
        """The context of whoever is named to act: the system may act for anybody, a person for nobody else."""
        run, task = self.run, activation.task
        if user is None or (run.user is not None and key_of(user, User) == run.user.id):
            yield run, task
            return
        if run.user is not None:
            raise PermissionDenied(
                _("%(name)s acts here, and cannot act for somebody else", name=run.user.name)
            )
        with transaction(run.session, user, task=task) as inner:
            yield inner, task

    def owner_of(self, activation: Activation, node: str) -> User | None:
        """The user who last completed a node in this process."""
        run, process = self.run, activation.process
        done = [
            t
            for t in run.seen.of(process)
            if t.flow_task == node and t.status == "DONE" and t.owner is not None
        ]
        if (
            process not in run.seen.made and process.id is not None
        ):  # asked of a new one, it would be stored first
            query = select(Task).where(
                Task.process_id == process.id,
                Task.flow_task == node,
                Task.status == "DONE",
                Task.owner_id.is_not(None),
            )
            with run.session.no_autoflush:
                done.extend(run.session.scalars(query.order_by(Task.number.desc()).limit(1)).unique())
        return max(done, key=lambda task: task.number).owner if done else None

    def progress(self, activation: Activation, done: float, total: float | None, message: str) -> None:
        raise PortalError("only a job has progress")

    def refresh(self, activation: Activation) -> None:
        """Under the lock everything is fresh."""

    # -- the parts ---------------------------------------------------------------------------------------

    def _user(self, who: Any) -> User:
        user = None if who is None else assignment.find_user(self.run, who)
        if user is None:
            raise LookupError(_("there is no user %(name)s", name=repr(who)))
        return user

    def _note_other(self, task: Task, action: str) -> None:
        """Note for the audit that somebody acts on a task of somebody else."""
        if self.run.user is not None and not permissions.owns(self.run.user, task):
            self.run.pull(action)

    def _demand_fit(self, assignee: User, task: Task) -> None:
        if self.run.user is not None and not assignee.is_active:
            raise PermissionDenied(_("%(name)s is deactivated and gets no tasks", name=assignee.name))
        if permissions.has_done_its_counterpart(self.run.session, assignee, task):
            raise PermissionDenied(
                _("%(name)s did a step that must be done by someone else", name=assignee.name)
            )
        if self.run.user is not None and not permissions.has_right(self.run.session, assignee, task):
            needed = f" ({task.owner_permission})" if task.owner_permission else ""
            raise PermissionDenied(
                _("%(name)s does not hold the permission for this task", name=assignee.name) + needed
            )

    def _give(self, task: Task, assignee: User, action: str) -> None:
        before = task.owner.username if task.owner is not None else None
        task.owner = assignee
        placing.put(
            task, owner_id=assignee.id, assigned=self.run.now, owner_by_rule=False, snoozed_until=None
        )
        acting_for = permissions.acts_for(self.run.session, assignee, task)
        if acting_for is not None or task.acting_for_id is not None:
            task.acting_for = acting_for
        detail = {"to": assignee.username} if before is None else {"from": before, "to": assignee.username}
        self.run.record(task, "ASSIGNED", action, **detail)

    def _stand_in(self, task: Task, user: User) -> None:
        """Whoever finishes a task in place of its owner did it: the owner is the one whom `.NotSameAs` binds."""
        permissions.remember_owner(self.run.session, task)
        task.acting_for, task.acting_for_id = task.owner, task.owner_id
        task.owner, task.owner_id, task.owner_by_rule = user, user.id, False

    def _start(self, activation: Activation) -> None:
        run, task = self.run, activation.task
        store_first(run.session, activation)
        task.owner = run.user
        task.assigned = task.started = run.now
        processes.begin(run, activation.process, task)
        self._enter(activation.process, {})
        self._resume(activation, "start")

    def _enter(self, process: Process, before: dict[str, corrections.Held]) -> None:
        """Keep for the history what a form has changed; of a process that is new, all that it holds."""
        self.run.entered[process] = corrections.changes(before, corrections.values_of(process))

    def _resume(self, activation: Activation, action: str) -> None:
        step.resume(self.run, activation.task, lambda: activation.node.resume(activation), action)
        step.settle(self.run)


def store_first(session: Session, activation: Activation) -> None:
    """Insert what a new process points at, so that its key is known and the process is written once."""
    for owner in (activation.process, activation.task):
        if owner.__dict__.keys().isdisjoint(HELD):
            continue
        for pointer in (type(owner).artifact, type(owner).seed):
            if pointer.unstored(owner) is not None:
                session.add(pointer.unstored(owner))
                session.flush()
                pointer.take_key(owner)


def _other_end(run: ActionContext, task: Task) -> bool:
    kinds = {node.kind for node in task.process.flow_class.definition.nodes.values() if node.ends}  # type: ignore[union-attr]
    query = select(Task.id).where(
        Task.process_id == task.process_id,
        Task.status == "DONE",
        Task.flow_task_type.in_(kinds),
        Task.id != task.id,
    )
    return run.session.scalar(query.limit(1)) is not None
