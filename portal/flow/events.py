"""Nodes for events: timers, signals, messages, conditions, escalation, and the ends of a path."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic

from portal.working_time import WorkingTime

from .automatic import Function, Handle, R
from .base import Call, NextNode, Node
from .callables import Called
from .names import guess
from .outcome import Done, Outcome, Wait
from .reference import Reference, is_call
from .times import MOMENTS, moment, moment_faults

if TYPE_CHECKING:
    from portal.models import Process, Task, User

    from .activation import Activation


class Timer(NextNode):
    """Waits until a moment. BPMN: timer intermediate catch event.

    Args:
        until: a span from now, an aware moment, or a callable of the activation that returns either.
    """

    times: ClassVar[bool] = True

    def __init__(self, until: dt.timedelta | WorkingTime | dt.datetime | Call) -> None:
        super().__init__()
        self.until = until

    def calls(self) -> Iterator[Called]:
        yield from super().calls()
        if is_call(self.until):
            yield Called("its moment", self.until, gives=MOMENTS)

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        yield from moment_faults(self.until, "Timer()")

    def enter(self, activation: Activation) -> Outcome:
        when = moment(self.value(self.until, activation), activation.now)
        if when is None:
            raise ValueError("a timer needs a moment, not None")
        return Wait("SCHEDULED", until=when)


class End(Node):
    """The end of a path; the process is done when none of its tasks is open. BPMN: none end event."""

    ends: ClassVar[bool] = True

    def enter(self, activation: Activation) -> Outcome:
        return Done()


class TerminateEnd(End):
    """The whole process is done, and what is still open in it is cancelled. BPMN: terminate end event."""

    stops: ClassVar[bool] = True

    def enter(self, activation: Activation) -> Outcome:
        return Done(finishes="terminate")


class ErrorEnd(End):
    """The whole process ends as failed, and its parent feels it. BPMN: error end event.

    Args:
        code: kept in `process.data["_error"]`; `.OnError(code=…)` of a parent's `Subprocess` catches it.
    """

    stops: ClassVar[bool] = True

    def __init__(self, code: str | None = None) -> None:
        super().__init__()
        self.code = code

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        if self.code is not None and not isinstance(self.code, str):
            yield f"ErrorEnd(code) takes a string, not {self.code!r}; write {str(self.code)!r}"

    def enter(self, activation: Activation) -> Outcome:
        return Done(finishes="error", code=self.code)


class MessageThrow(Function):
    """As `Function`, for code that tells another process something. BPMN: message intermediate throw event."""


class _Signal(NextNode):
    """A node with the name of a signal."""

    signal: str

    def __init__(self, name: str) -> None:
        super().__init__()
        self.signal = name

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        yield from _name_faults(self.signal)


class SignalCatch(_Signal):
    """Waits for a signal. BPMN: signal intermediate catch event.

    Args:
        name: one throw releases every armed catch with this name, in every process.
    """

    def enter(self, activation: Activation) -> Outcome:
        return Wait("STARTED", awaits=f"signal:{self.signal}")


class SignalThrow(_Signal):
    """Throws a signal: news of the moment for the catches that are armed now. BPMN: signal intermediate throw event.

    Args:
        name: of the signal.
    """

    def enter(self, activation: Activation) -> Outcome:
        return Done(self.proceed(activation).ways, signals=(self.signal,))


class MessageCatch(Handle[R | None], Generic[R]):
    """As `Handle`, for a message: one that comes before it is armed is kept, and taken once when it is.

    BPMN: message intermediate catch event.
    """

    keeps_messages: ClassVar[bool] = True

    def run(
        self,
        *,
        process: Process | int | None = None,
        task: Task | int | None = None,
        _user: User | int | None = None,
        _propagate: bool = False,
        _key: str | None = None,
        _ttl: dt.timedelta | None = None,
        _where: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> R | None:
        """Send a message: the waiting task is completed with it, or it is kept until one waits.

        Args:
            process: the receiver, or its id.
            task: the waiting task, or its id; then nothing is kept.
            _user: who acts, a user or an id; the system when it is left out.
            _propagate: raise what a later node raises, and take all of it back, instead of recording it.
            _key: a second message with the same key is dropped.
            _ttl: how long the message is kept; for ever when it is left out.
            _where: names the receiver by its fields instead of `process`: `{"order": 7}`.
            kwargs: passed to the function.

        Returns:
            What the function returns; None for a message that is kept or dropped, or has a key.

        Raises:
            TransitionNotAllowed: the process is over.
            TypeError: neither `process`, `task` nor `_where` is given, or two of them.
        """
        ours = {"_key": _key, "_ttl": _ttl, "_where": _where}
        return super().run(process=process, task=task, _user=_user, _propagate=_propagate, **kwargs, **ours)


class EscalationThrow(NextNode):
    """Tells the nearest process above that listens (`.OnEscalation`); unheard it is ignored.

    BPMN: escalation intermediate throw event.

    Args:
        code: what a listener may ask for.
    """

    def __init__(self, code: str) -> None:
        super().__init__()
        self.code = code

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        if not isinstance(self.code, str) or not self.code:
            yield f"EscalationThrow(code) takes a string, not {self.code!r}; write {str(self.code or 'late')!r}"

    def enter(self, activation: Activation) -> Outcome:
        return Done(self.proceed(activation).ways, escalates=self.code)


class ConditionalCatch(NextNode):
    """Waits until a condition holds: asked when it is armed, after each action in its tree, and by the clock.

    BPMN: conditional intermediate catch event.

    Args:
        condition: `act.process.…`, a function, a lambda or `this.method`; it gets the activation and changes nothing.
    """

    asks: ClassVar[bool] = True

    def __init__(self, condition: Call) -> None:
        super().__init__()
        self.condition = condition

    def calls(self) -> Iterator[Called]:
        yield from super().calls()
        yield Called("its condition", self.condition)

    def holds(self, activation: Activation) -> bool:
        return bool(self.call(self.condition, activation))

    def enter(self, activation: Activation) -> Outcome:
        if self.holds(activation):
            return self.proceed(activation)
        return Wait("STARTED", awaits="condition", until=activation.now)


class CompensateThrow(NextNode):
    """Takes back what has been done: the handlers (`.CompensateWith`) of done tasks run, last things first.

    BPMN: compensation intermediate throw event.
    """

    def enter(self, activation: Activation) -> Outcome:
        return Wait("STARTED", compensates=True)


class CancelRegion(NextNode):
    """Cancels the open tasks of some nodes in its process, and goes on. BPMN: script task.

    Args:
        nodes: `this.name` of each node of the region.
    """

    def __init__(self, *nodes: Reference) -> None:
        super().__init__()
        self.region = nodes

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        if not self.region:
            yield "CancelRegion() needs the nodes of its region: this.name, …"
        known = self.flow_class.definition.nodes
        for node in self.region:
            if not isinstance(node, Reference) or node.name not in known:
                name = node.name if isinstance(node, Reference) else None
                mend = (
                    f"; write this.{node}" if isinstance(node, str) and node in known else guess(name, known)
                )
                yield f"CancelRegion() names {node!r}, which is no node of this flow{mend}"

    def enter(self, activation: Activation) -> Outcome:
        return Done(self.proceed(activation).ways, cancels=tuple(node.name for node in self.region))


def _name_faults(name: object) -> Iterator[str]:
    if not isinstance(name, str) or not 0 < len(name.strip()) <= 200:
        yield f'a signal has a name of up to 200 characters, not {name!r}; write "stop", say'
