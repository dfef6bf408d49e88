"""Events on the way and at the end of a path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from .base import NextNode, Node
from .outcome import Done, Outcome, Wait
from .tasks import Function

if TYPE_CHECKING:
    from .activation import Activation


class End(Node):
    """The end of a path; the process is done when none of its tasks is open. BPMN: none end event."""

    ends: ClassVar[bool] = True

    def enter(self, activation: Activation) -> Outcome:
        return Done()


class TerminateEnd(End):
    """The end of the whole process: it is done, and what is still open in it is cancelled. BPMN: terminate end event."""

    def enter(self, activation: Activation) -> Outcome:
        return Done(finishes="terminate")


class ErrorEnd(End):
    """The whole process ends as failed, and its parent feels it. BPMN: error end event.

    Args:
        code: kept in `process.data["_error"]`; `.OnError(code=…)` of a parent's `Subprocess` catches it.
    """

    def __init__(self, code: str | None = None) -> None:
        super().__init__()
        self.code = code

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        if self.code is not None and not isinstance(self.code, str):
            yield f"ErrorEnd(code) takes a string, not {self.code!r}"

    def enter(self, activation: Activation) -> Outcome:
        return Done(finishes="error", code=self.code)


class MessageThrow(Function):
    """As `Function`, for code that tells another process something. BPMN: message intermediate throw event."""


class SignalCatch(NextNode):
    """Waits for a signal. BPMN: signal intermediate catch event.

    Args:
        name: one throw releases every armed catch with this name, in every process.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.signal = name

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        yield from _name_faults(self.signal)

    def enter(self, activation: Activation) -> Outcome:
        return Wait("STARTED", awaits=f"signal:{self.signal}")


class SignalThrow(NextNode):
    """Throws a signal: news of the moment for the catches that are armed now. BPMN: signal intermediate throw event.

    Args:
        name: of the signal.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.signal = name

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        yield from _name_faults(self.signal)

    def enter(self, activation: Activation) -> Outcome:
        return Done(self.proceed(activation).ways, signals=(self.signal,))


def _name_faults(name: object) -> Iterator[str]:
    if not isinstance(name, str) or not name or len(name) > 200:
        yield f"a signal has a name of up to 200 characters, not {name!r}"
