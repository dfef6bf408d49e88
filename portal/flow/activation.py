"""What a node, and an author's code, may know and do while a task is active."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .base import Node
    from .declaration import Flow


class Work(Protocol):
    """The engine's side of an activation."""

    def assign(self, activation: Activation, user: Any) -> None: ...
    def unassign(self, activation: Activation) -> None: ...
    def reassign(self, activation: Activation, user: Any) -> None: ...
    def execute(self, activation: Activation) -> None: ...
    def cancel(self, activation: Activation) -> None: ...
    def undo(self, activation: Activation) -> None: ...
    def revive(self, activation: Activation) -> Any: ...
    def owner_of(self, activation: Activation, node: str) -> Any: ...
    def progress(self, activation: Activation, done: float, total: float | None, message: str) -> None: ...
    def refresh(self, activation: Activation) -> None: ...


class Activation:
    """A task that is being worked on.

    Attributes:
        process: the process, of the flow's own process class.
        task: the task.
        node: its node in the flow.
        flow: an instance of the flow class, for its methods.
        user: who acts; None is the system.
        now: the moment of the action, timezone-aware.
        success_url: where a person goes after the task is done; on a page it is the inbox. A view may change it.
    """

    def __init__(self, work: Work, process: Any, task: Any, node: Node, user: Any, now: dt.datetime) -> None:
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
        self.active_tasks: Sequence[Any] = ()

    @property
    def attempt(self) -> int:
        """Which try of a job this is, from 1."""
        return max(1, int(self.task.attempt))

    def done(self) -> None:
        """Say that the node has done its work. A second call does nothing."""
        self.is_done = True

    def progress(self, done: float, total: float | None = None, message: str = "") -> None:
        """Tell the people who watch how far a running job is.

        Args:
            done: units done so far.
            total: units in all, if known.
            message: what is being done now.
        """
        self._work.progress(self, done, total, message)

    def refresh(self) -> None:
        """Read the process again; a job otherwise sees it as it was at the job's start."""
        self._work.refresh(self)

    def owner_of(self, node: str) -> Any:
        """The user who last completed a node in this process, or None."""
        return self._work.owner_of(self, node)

    def assign(self, user: Any = None) -> None:
        """Give the task to a user (the acting one by default): NEW to ASSIGNED."""
        self._work.assign(self, user)

    def unassign(self) -> None:
        """Give the task back: ASSIGNED to NEW."""
        self._work.unassign(self)

    def reassign(self, user: Any) -> None:
        """Hand the task over to another user."""
        self._work.reassign(self, user)

    def execute(self) -> None:
        """Complete the task; the process runs on until every branch waits or ends."""
        self._work.execute(self)

    def cancel(self) -> None:
        """Cancel the open task."""
        self._work.cancel(self)

    def undo(self) -> None:
        """Take a completed task back, while nothing after it stands."""
        self._work.undo(self)

    def revive(self) -> Any:
        """Run a fresh copy of a cancelled or failed task, and return it."""
        return self._work.revive(self)
