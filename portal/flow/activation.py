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

    def assign(self, activation: Activation[Any], user: User | int | None) -> None: ...
    def unassign(self, activation: Activation[Any]) -> None: ...
    def reassign(self, activation: Activation[Any], user: User | int) -> None: ...
    def execute(self, activation: Activation[Any]) -> None: ...
    def cancel(self, activation: Activation[Any]) -> None: ...
    def undo(self, activation: Activation[Any]) -> None: ...
    def revive(self, activation: Activation[Any]) -> Task: ...
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

    def assign(self, user: User | int | None = None) -> None:
        """Give the task to a user: NEW to ASSIGNED.

        Args:
            user: a user or the id of one; who acts, when it is left out.

        Raises:
            TransitionNotAllowed: the task is not NEW.
            PermissionDenied: the user may not do the task, or who acts may not give it to somebody else.
        """
        self._work.assign(self, user)

    def unassign(self) -> None:
        """Give the task back: ASSIGNED to NEW.

        Raises:
            TransitionNotAllowed: the task is not ASSIGNED.
            PermissionDenied: who acts is neither its owner nor a manager of the flow.
        """
        self._work.unassign(self)

    def reassign(self, user: User | int) -> None:
        """Hand the task over: it stays ASSIGNED.

        Args:
            user: the new owner, or the id of one.

        Raises:
            TransitionNotAllowed: the task is not ASSIGNED.
            PermissionDenied: the user may not do the task, or who acts is neither its owner nor a manager.
        """
        self._work.reassign(self, user)

    def execute(self) -> None:
        """Complete the task: ASSIGNED to DONE. The process runs on until every branch waits or ends.

        Raises:
            TransitionNotAllowed: the task is not ASSIGNED.
            PermissionDenied: who acts is not its owner, or has lost the permission.
        """
        self._work.execute(self)

    def cancel(self) -> None:
        """Cancel the open task: its state becomes CANCELED.

        Raises:
            TransitionNotAllowed: the task is over.
            PermissionDenied: who acts is no manager of the flow.
        """
        self._work.cancel(self)

    def undo(self) -> None:
        """Take a completed task back: DONE to CANCELED. The node's `undo_func` is called first.

        Raises:
            TransitionNotAllowed: the task is not DONE, or something after it stands.
            PermissionDenied: who acts is no manager of the flow.
        """
        self._work.undo(self)

    def revive(self) -> Task:
        """Run a fresh copy of a cancelled or failed task, whose state becomes REVIVED.

        Returns:
            The copy.

        Raises:
            TransitionNotAllowed: the task is neither CANCELED nor in ERROR.
            PermissionDenied: who acts is no manager of the flow.
        """
        return self._work.revive(self)
