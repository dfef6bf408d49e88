"""Ends of a path."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .base import Node
from .outcome import Done, Outcome

if TYPE_CHECKING:
    from .activation import Activation


class End(Node):
    """The end of a path; the process is done when none of its tasks is open. BPMN: none end event."""

    ends: ClassVar[bool] = True

    def enter(self, activation: Activation) -> Outcome:
        return Done()
