"""One task of a flow under test."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from portal.models import Task, User

from . import pages

if TYPE_CHECKING:
    from .flow_run import FlowRun


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
        if task.owner is not None and task.node is not None:
            self.run.look_at(task.node, self.page)
        with self.run.telling(), task.activation(task.owner) as activation:
            if not self.run.fill(activation, values):
                activation.execute()
        return self

    def page(self, user: User | str | None = None) -> str:
        """The page with the task's form, as HTML. `execute` looks at it too, once for each node.

        Args:
            user: who looks at it, a user or a user name; its owner when it is left out.

        Raises:
            Exception: what the page's template, or a view written by hand, raises.
        """
        task = self.task
        person = task.owner if user is None else self._actor(user)
        if person is None:
            raise AssertionError(f"nobody has {task.flow_task!r}: assign it, or say page(user=…)")
        return pages.task_page(task.id, person.id)

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

    def ask_help(
        self, helper: User | str, user: User | str | None = None, reason: str | None = None
    ) -> TaskRun:
        """Ask somebody, made when absent, to help with the task, as this manager or as the system."""
        return self._act("ask_help", user, self.run.person(helper, []), reason=reason)

    def _actor(self, user: User | str | None) -> User | None:
        return None if user is None else self.run.person(user, [f"{self.run.label}.manage"])

    def _act(self, action: str, user: User | str | None, *arguments: Any, reason: str | None) -> TaskRun:
        with self.run.telling(), self.task.activation(self._actor(user)) as activation:
            getattr(activation, action)(*arguments, reason=reason)
        return self
