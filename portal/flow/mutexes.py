"""`.Mutex()` and `.Milestone()`: what a task must wait for before it may be worked on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Self

from .base import Call, NextNode
from .callables import Called

if TYPE_CHECKING:
    from .activation import Activation


class Turn(NextNode):
    """A task that may have to wait for its turn."""

    def Mutex(self, name: str) -> Self:
        """Let only one task with this name be at work in the process at a time.

        A person's task is at work from its assignment to its end: meanwhile no other one may be assigned, and
        no `Handle` may run. Code and child processes wait until the name is free.

        Args:
            name: what the tasks share.
        """
        self.mutex = name
        return self

    def Milestone(self, condition: Call) -> Self:
        """Let a person's task be assigned and executed, or a `Handle` be run, only while a condition holds.

        Args:
            condition: `act.process.…`, a function, a lambda or `this.method`; it gets the activation and
                changes nothing.
        """
        self.milestone = condition
        return self

    def calls(self) -> Iterator[Called]:
        yield from super().calls()
        if self.milestone is not None:
            yield Called(".Milestone()", self.milestone)

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        if self.mutex is not None and (not isinstance(self.mutex, str) or not 0 < len(self.mutex) <= 200):
            yield f".Mutex(name) takes a name of up to 200 characters, not {self.mutex!r}"
        if self.milestone is not None and not self.human and not self.handles:
            yield ".Milestone() is for people's tasks and Handle; put a ConditionalCatch before this node"
        if self.keeps_messages and (self.mutex is not None or self.milestone is not None):
            yield "takes a message whenever it comes; put .Mutex() and .Milestone() on a Handle"

    def has_its_milestone(self, activation: Activation) -> bool:
        """Whether the process is where the task needs it to be."""
        return self.milestone is None or bool(self.call(self.milestone, activation))
