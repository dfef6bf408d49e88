"""What a node, and an author's code, may know and do while a task is active."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Generic, Protocol

from typing_extensions import TypeVar

if TYPE_CHECKING:
    from portal.models import Process, Task, User

    from .base import Node
    from .declaration import Flow

#: the class of the process
P = TypeVar("P", bound="Process", covariant=True, default="Process")


class Work(Protocol):
    """The engine's side of an activation."""

    def assign(
        self, activation: Activation[Any], user: User | int | None, reason: str | None = None
    ) -> None: ...
    def unassign(self, activation: Activation[Any], reason: str | None = None) -> None: ...
    def reassign(self, activation: Activation[Any], user: User | int, reason: str | None = None) -> None: ...
    def execute(self, activation: Activation[Any], reason: str | None = None) -> None: ...
    def cancel(self, activation: Activation[Any], reason: str | None = None) -> None: ...
    def undo(self, activation: Activation[Any], reason: str | None = None) -> None: ...
    def revive(self, activation: Activation[Any], reason: str | None = None) -> Task: ...
    def skip(
        self, activation: Activation[Any], user: User | int | None = None, reason: str | None = None
    ) -> None: ...
    def move(
        self, activation: Activation[Any], to: str, user: User | int | None = None, reason: str | None = None
    ) -> Task: ...
    def change_due(
        self, activation: Activation[Any], due: dt.datetime | None, reason: str | None = None
    ) -> None: ...
    def change_priority(
        self, activation: Activation[Any], priority: int, reason: str | None = None
    ) -> None: ...
    def snooze(
        self, activation: Activation[Any], until: dt.datetime | None, reason: str | None = None
    ) -> None: ...
    def ask_help(self, activation: Activation[Any], user: User | int, reason: str | None = None) -> None: ...
    def end_help(self, activation: Activation[Any], user: User | int, reason: str | None = None) -> None: ...
    def reschedule(
        self, activation: Activation[Any], moment: dt.datetime, reason: str | None = None
    ) -> None: ...
    def owner_of(self, activation: Activation[Any], node: str) -> User | None: ...
    def progress(
        self, activation: Activation[Any], done: float, total: float | None, message: str
    ) -> None: ...
    def refresh(self, activation: Activation[Any]) -> None: ...


class Activation(Generic[P]):
    """A task that is being worked on.

    `flow.Activation[ExpenseProcess]` in an annotation says of which class its process is.

    Attributes:
        process: the process, of the flow's own process class.
        task: the task.
        node: its node in the flow.
        flow: an instance of the flow class, for its methods.
        user: who acts; None is the system.
        now: the moment of the action, timezone-aware.
        success_url: where a person goes after the task is done; on a page it is the inbox. A view may change it.
    """

    def __init__(
        self, work: Work, process: P, task: Task, node: Node, user: User | None, now: dt.datetime
    ) -> None:
        self._work = work
        self.process = process
        self.task = task
        self.node = node
        self.flow: Flow = node.flow_class()
        self.user = user
        self.now = now
        self.success_url = ""  # the web layer knows addresses
        self.is_done = False
        #: what the arrivals of a `Join` ask its condition about
        self.active_tasks: list[Task] = []

    @property
    def attempt(self) -> int:
        """Which try of a job this is, from 1. After the death of a worker the same work may come again."""
        return max(1, int(self.task.attempt))

    def done(self) -> None:
        """Say that the node has done its work. A second call does nothing."""
        self.is_done = True

    def progress(self, done: float, total: float | None = None, message: str = "") -> None:
        """Show the people who watch how far a running job is. It is stored at once, and is no part of the transaction.

        Args:
            done: units done so far, in any unit.
            total: units in all, in the same unit; None if it is not known.
            message: what is being done now.
        """
        self._work.progress(self, done, total, message)

    def refresh(self) -> None:
        """Read the process again; a job otherwise sees it as it was at the job's start."""
        self._work.refresh(self)

    def owner_of(self, node: str) -> User | None:
        """The user who last completed a node in this process.

        Args:
            node: the node's name.

        Returns:
            None if the node was not completed yet, or by nobody.
        """
        return self._work.owner_of(self, node)

    def assign(self, user: User | int | None = None, reason: str | None = None) -> None:
        """Give the task to a user: NEW to ASSIGNED.

        Args:
            user: a user or the id of one; who acts, when it is left out.
            reason: why; it is kept in the history.

        Raises:
            TransitionNotAllowed: the task is not NEW.
            PermissionDenied: the user may not do the task, or who acts may not give it to somebody else.
        """
        self._work.assign(self, user, reason)

    def unassign(self, reason: str | None = None) -> None:
        """Give the task back: ASSIGNED to NEW.

        Args:
            reason: why; it is kept in the history.

        Raises:
            TransitionNotAllowed: the task is not ASSIGNED.
            PermissionDenied: who acts is neither its owner nor a manager of the flow.
        """
        self._work.unassign(self, reason)

    def reassign(self, user: User | int, reason: str | None = None) -> None:
        """Hand the task over: it stays ASSIGNED.

        Args:
            user: the new owner, or the id of one.
            reason: why; it is kept in the history.

        Raises:
            TransitionNotAllowed: the task is not ASSIGNED.
            PermissionDenied: the user may not do the task, or who acts is neither its owner nor a manager.
        """
        self._work.reassign(self, user, reason)

    def execute(self, reason: str | None = None) -> None:
        """Complete the task: ASSIGNED to DONE. The process runs on until every branch waits or ends.

        Args:
            reason: why; it is kept in the history.

        Raises:
            TransitionNotAllowed: the task is not ASSIGNED.
            PermissionDenied: who acts is not its owner, or has lost the permission.
        """
        self._work.execute(self, reason)

    def cancel(self, reason: str | None = None) -> None:
        """Cancel the open task: its state becomes CANCELED.

        Args:
            reason: why; it is kept in the history.

        Raises:
            TransitionNotAllowed: the task is over.
            PermissionDenied: who acts is no manager of the flow.
        """
        self._work.cancel(self, reason)

    def undo(self, reason: str | None = None) -> None:
        """Take a completed task back: DONE to CANCELED. The node's `undo_func` is called first.

        Args:
            reason: why; it is kept in the history.

        Raises:
            TransitionNotAllowed: the task is not DONE, or something after it stands.
            PermissionDenied: who acts is no manager of the flow.
        """
        self._work.undo(self, reason)

    def revive(self, reason: str | None = None) -> Task:
        """Run a fresh copy of a cancelled or failed task, whose state becomes REVIVED.

        Args:
            reason: why; it is kept in the history.

        Returns:
            The copy.

        Raises:
            TransitionNotAllowed: the task is neither CANCELED nor in ERROR.
            PermissionDenied: who acts is no manager of the flow.
        """
        return self._work.revive(self, reason)

    def skip(self, user: User | int | None = None, reason: str | None = None) -> None:
        """Leave the task out: NEW, ASSIGNED, SCHEDULED or ERROR to DONE, without its form or its code. The process
        goes on behind it.

        Args:
            user: who acts, where that is not said already; the user of this activation when it is left out.
            reason: why; it is kept in the history.

        Raises:
            TransitionNotAllowed: the task is at work or over, or it decides where the process goes.
            PermissionDenied: who acts is no manager of the flow.
        """
        self._work.skip(self, user, reason)

    def move(self, to: str, user: User | int | None = None, reason: str | None = None) -> Task:
        """Cancel the open task, and start another node with its token.

        Args:
            to: the name of the node.
            user: who acts, where that is not said already; the user of this activation when it is left out.
            reason: why; it is kept in the history.

        Returns:
            The task at that node; the join in which it meets its other branches, if that is one.

        Raises:
            TransitionNotAllowed: the task is over, the flow has no such node, or the token cannot be there: on another
                branch, behind a join that takes all branches together; the message says which.
            PermissionDenied: who acts is no manager of the flow.
        """
        return self._work.move(self, to, user, reason)

    def change_due(self, due: dt.datetime | None, reason: str | None = None) -> None:
        """Say anew by when a person's task should be done.

        Args:
            due: an aware moment; None for none.
            reason: why; it is kept in the history.

        Raises:
            TransitionNotAllowed: it is no person's task, or it is over.
            PermissionDenied: who acts is no manager of the flow.
            PortalError: the moment has no time zone.
        """
        self._work.change_due(self, due, reason)

    def change_priority(self, priority: int, reason: str | None = None) -> None:
        """Say anew how urgent a person's task is.

        Args:
            priority: a whole number from -1000 to 1000; more comes first.
            reason: why; it is kept in the history.

        Raises:
            TransitionNotAllowed: it is no person's task, or it is over.
            PermissionDenied: who acts is no manager of the flow.
            PortalError: it is no such number.
        """
        self._work.change_priority(self, priority, reason)

    def snooze(self, until: dt.datetime | None, reason: str | None = None) -> None:
        """Hide the task from its owner's inbox until a moment. It stays theirs, and falls due as before.

        Args:
            until: an aware moment that is ahead; None shows it again.
            reason: why; it is kept in the history.

        Raises:
            TransitionNotAllowed: the task is nobody's.
            PermissionDenied: who acts is neither its owner nor a manager of the flow.
            PortalError: the moment is past, or has no time zone.
        """
        self._work.snooze(self, until, reason)

    def ask_help(self, user: User | int, reason: str | None = None) -> None:
        """Ask somebody to help with the task. They see it and its process, are told, and need no permission for it; the
        owner finishes it.

        Args:
            user: who is asked.
            reason: why; it is kept in the history.

        Raises:
            TransitionNotAllowed: nobody is at work on it.
            PermissionDenied: who acts is neither its owner nor a manager of the flow.
            PortalError: they own it, or help with it already.
        """
        self._work.ask_help(self, user, reason)

    def end_help(self, user: User | int, reason: str | None = None) -> None:
        """Let somebody help with the task no more.

        Args:
            user: who helps.
            reason: why; it is kept in the history.

        Raises:
            TransitionNotAllowed: the task is over.
            PermissionDenied: who acts is neither its owner, nor a manager, nor the helper.
            LookupError: they do not help with it.
        """
        self._work.end_help(self, user, reason)

    def reschedule(self, moment: dt.datetime, reason: str | None = None) -> None:
        """Say anew when a timer fires, or when a job runs next.

        Args:
            moment: an aware moment; one that has passed is now.
            reason: why; it is kept in the history.

        Raises:
            TransitionNotAllowed: the task is not SCHEDULED.
            PermissionDenied: who acts is no manager of the flow.
            PortalError: the moment has no time zone.
        """
        self._work.reschedule(self, moment, reason)
