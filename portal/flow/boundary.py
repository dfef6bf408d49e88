"""Events on the border of a task: timeout, message, signal, error, escalation, compensation. BPMN: boundary events."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Self

from portal.working_time import WorkingTime

from .base import Call, Edge, Node, Target
from .callables import Called
from .mutexes import Turn
from .outcome import Outcome, Wait
from .reference import Reference, is_call
from .times import MOMENTS, following, is_span, moment, moment_faults

if TYPE_CHECKING:
    from .activation import Activation


class Boundary(Node):
    """Sits on a host; when it fires, its path begins with the host's token."""

    def __init__(self, then: Target, interrupting: bool = True, title: str = "") -> None:
        super().__init__()
        self.host = self
        self.interrupting = interrupting
        self._title = title
        self._way(then)

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        if not isinstance(self.interrupting, bool):
            yield f"interrupting= takes True or False, not {self.interrupting!r}"
        earlier: list[Boundary] = []
        for each in self.host.boundaries if self.host is not None else ():
            if each is self:
                break
            if each.kind == self.kind:
                earlier.append(each)
        if (hidden := next((each for each in earlier if self.is_behind(each)), None)) is not None:
            yield f"never happens, since {hidden.name} is declared before it and takes all that it would; {self.mend}"

    #: what to do about one that stands behind another
    mend: ClassVar[str] = "remove one of them"

    def is_behind(self, earlier: Any) -> bool:
        """Whether another one of its kind, declared before it on the same host, takes all that it would."""
        return False

    def word_of(self, edge: Edge) -> str:
        return f".On{self.kind.removesuffix('Boundary')}()"

    def catches(self, error: BaseException | str | None) -> bool:
        """Whether it catches what its host raised, or the code of a failed end."""
        return False

    def hears(self, code: str) -> bool:
        """Whether it waits for an escalation with this code from below its host."""
        return False


class TimeoutBoundary(Boundary):
    """`.OnTimeout(delay, then, interrupting=True, repeat=None)`: when the host is still open after a while."""

    arms: ClassVar[bool] = True
    times: ClassVar[bool] = True

    def __init__(
        self,
        delay: dt.timedelta | WorkingTime | dt.datetime | Call,
        then: Target,
        interrupting: bool = True,
        repeat: dt.timedelta | WorkingTime | int | None = None,
        title: str = "",
    ) -> None:
        super().__init__(then, interrupting, title)
        self.delay, self.repeat = delay, repeat

    @property
    def interval(self) -> dt.timedelta | WorkingTime | None:
        """How long after one firing the next one comes."""
        span = self.delay if isinstance(self.repeat, int) else self.repeat
        return span if isinstance(span, dt.timedelta | WorkingTime) else None

    def next_moment(self, last: dt.datetime, now: dt.datetime) -> dt.datetime | None:
        """When it fires again that should have fired at `last`: the first of its moments behind now."""
        span = self.interval
        return None if span is None else following(span, last, now)

    @property
    def times_to_fire(self) -> int | None:
        """How often it fires while its host is open; None for without end."""
        return 1 if self.repeat is None else self.repeat if isinstance(self.repeat, int) else None

    def calls(self) -> Iterator[Called]:
        yield from super().calls()
        if is_call(self.delay):
            yield Called(".OnTimeout()", self.delay, gives=MOMENTS)

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        yield from moment_faults(self.delay, ".OnTimeout()")
        yield from self._repeat_faults()

    def _repeat_faults(self) -> Iterator[str]:
        repeat = self.repeat
        if repeat is None:
            return
        if self.interrupting:
            yield ".OnTimeout(repeat=…) needs interrupting=False: one that interrupts its task fires once"
        if isinstance(repeat, dt.timedelta | WorkingTime):
            if not is_span(repeat):
                yield f".OnTimeout(repeat=…) needs a span of time, not {repeat!r}"
        elif isinstance(repeat, bool) or not isinstance(repeat, int) or repeat < 1:
            yield f".OnTimeout(repeat=…) takes a timedelta, or how often it fires, not {repeat!r}"
        elif not is_span(self.delay):
            yield f".OnTimeout(repeat={repeat}) repeats its delay, which is no span; say repeat=timedelta(…)"

    def enter(self, activation: Activation) -> Outcome:
        when = moment(self.value(self.delay, activation), activation.now)
        if when is None:
            raise ValueError("a timeout needs a moment, not None")
        return Wait("SCHEDULED", until=when)


class NamedBoundary(Boundary):
    """Waits for news with a name for as long as its host is open. One that does not interrupt fires each time."""

    arms: ClassVar[bool] = True
    #: what kind of news
    news: ClassVar[str]

    def __init__(self, name: str, then: Target, interrupting: bool = True, title: str = "") -> None:
        super().__init__(then, interrupting, title)
        setattr(self, self.news, name)

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        name: object = getattr(self, self.news)
        if not isinstance(name, str) or not 0 < len(name.strip()) <= 200:
            word = f".On{self.news.capitalize()}()"
            mend = f'write {word[:-1]}"{self.news}", this.<node>)'
            yield f"{word} takes the name of a {self.news}, of up to 200 characters, not {name!r}; {mend}"

    def enter(self, activation: Activation) -> Outcome:
        return Wait("STARTED")


class SignalBoundary(NamedBoundary):
    """`.OnSignal(name, then, interrupting=True)`: when a signal is thrown while the host is open."""

    news: ClassVar[str] = "signal"


class MessageBoundary(NamedBoundary):
    """`.OnMessage(name, then, interrupting=True)`: when the process is sent a message while the host is open."""

    news: ClassVar[str] = "message"


class ErrorBoundary(Boundary):
    """`.OnError(then, code=None)`: when the host fails."""

    mend: ClassVar[str] = "declare the one with a code first, or remove one of them"

    def __init__(self, then: Target, code: str | type[BaseException] | None = None) -> None:
        super().__init__(then)
        self.code = code

    def is_behind(self, earlier: Any) -> bool:
        return earlier.code is None or earlier.code == self.code

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        if not (
            self.code is None
            or isinstance(self.code, str)
            or (isinstance(self.code, type) and issubclass(self.code, BaseException))
        ):
            mend = f"write code={str(self.code)!r}"
            yield f".OnError(code=…) takes a string or an exception class, not {self.code!r}; {mend}"

    def catches(self, error: BaseException | str | None) -> bool:
        if self.code is None:
            return True
        if isinstance(self.code, str):
            names = (
                [base.__name__ for base in type(error).__mro__]
                if isinstance(error, BaseException)
                else [error]
            )
            return self.code in names
        return isinstance(error, self.code)


class EscalationBoundary(Boundary):
    """`.OnEscalation(then, code=None, interrupting=False)`: when a process below escalates."""

    listens: ClassVar[bool] = True

    def __init__(self, then: Target, code: str | None = None, interrupting: bool = False) -> None:
        super().__init__(then, interrupting)
        self.code = code

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        if self.code is not None and (not isinstance(self.code, str) or not self.code):
            mend = f"write code={str(self.code)!r}"
            yield f".OnEscalation(code=…) takes the code of an EscalationThrow, a text, not {self.code!r}; {mend}"

    def hears(self, code: str) -> bool:
        return self.code is None or self.code == code


class CompensationBoundary(Boundary):
    """`.CompensateWith(handler)`: how the host is taken back once it is done."""

    compensates: ClassVar[bool] = True

    def __init__(self, handler: Call | Node) -> None:
        super().__init__(handler)  # type: ignore[arg-type]  # a method's edge is dropped when it is bound
        self.handler = handler

    def bound(self, flow_class: Any, name: str) -> Self:
        """A handler that is a method needs no edge to it."""
        boundary = super().bound(flow_class, name)
        node = vars(flow_class).get(self.handler.name) if isinstance(self.handler, Reference) else None
        is_node = isinstance(self.handler, Node) or isinstance(
            node or getattr(flow_class, getattr(self.handler, "name", ""), None), Node
        )
        if not is_node:
            boundary._declared = []
        return boundary

    def word_of(self, edge: Edge) -> str:
        return ".CompensateWith()"

    def calls(self) -> Iterator[Called]:
        if not self._declared and not isinstance(self.handler, Node):
            yield Called(".CompensateWith()", self.handler)

    def handler_node(self) -> Node | None:
        return self.outgoing[0].target if self.outgoing else None


class Activity(Turn):
    """A task: work that takes time or can fail, so events can sit on its border."""

    def OnTimeout(
        self,
        delay: dt.timedelta | WorkingTime | dt.datetime | Call,
        then: Target,
        interrupting: bool = True,
        repeat: dt.timedelta | WorkingTime | int | None = None,
        title: str = "",
    ) -> Self:
        """Go another way when the task is still open after a while.

        Args:
            delay: a span from the task's creation, an aware moment, or a callable of the activation.
            then: where the path goes.
            interrupting: cancel the task; else its path begins beside the task, which goes on.
            repeat: fire again each time this span has passed, while the task is open; or how often to fire, each time
                after the delay. Only where it does not interrupt.
            title: a few words for lists and pictures.
        """
        self._attached.append(TimeoutBoundary(delay, then, interrupting, repeat, title))
        return self

    def OnError(self, then: Target, code: str | type[BaseException] | None = None) -> Self:
        """Go another way when the task fails.

        Args:
            then: where the path goes.
            code: what to catch: an exception class, the name of one, or the code of an `ErrorEnd`; everything
                when it is absent.
        """
        self._attached.append(ErrorBoundary(then, code))
        return self

    def OnEscalation(self, then: Target, code: str | None = None, interrupting: bool = False) -> Self:
        """Go another way, or a second one, when a process below this task escalates.

        Args:
            then: where the path goes.
            code: what to listen for; everything when it is absent.
            interrupting: cancel the task, with the processes below it.
        """
        self._attached.append(EscalationBoundary(then, code, interrupting))
        return self

    def OnMessage(self, name: str, then: Target, interrupting: bool = True, *, title: str = "") -> Self:
        """Go another way, or a second one, when the process is sent a message: `MyFlow.send(name, process=…, **data)`.

        Args:
            name: of the message.
            then: where the path goes. The data of the message are those of the event's task.
            interrupting: cancel the task; else the path begins beside it, at each message.
            title: a few words for lists and pictures.
        """
        self._attached.append(MessageBoundary(name, then, interrupting, title))
        return self

    def OnSignal(self, name: str, then: Target, interrupting: bool = True, *, title: str = "") -> Self:
        """Go another way, or a second one, when a signal is thrown: by a `SignalThrow` or `flow.throw_signal(name)`.

        Args:
            name: of the signal.
            then: where the path goes.
            interrupting: cancel the task; else the path begins beside it, at each signal.
            title: a few words for lists and pictures.
        """
        self._attached.append(SignalBoundary(name, then, interrupting, title))
        return self

    def CompensateWith(self, handler: Call | Node) -> Self:
        """Say how the task is taken back by a `CompensateThrow`.

        Args:
            handler: a method, or a node that needs no way in or out.
        """
        self._attached.append(CompensationBoundary(handler))
        return self
