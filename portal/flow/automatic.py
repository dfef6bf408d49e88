"""Nodes that run code: functions, jobs, and handles that wait for a call."""

from __future__ import annotations

import datetime as dt
import inspect
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, Generic, overload

from typing_extensions import ParamSpec, TypeVar

from . import runtime
from .base import Call, NextNode
from .boundary import Activity
from .callables import Called
from .outcome import Outcome, Wait
from .reference import Expression, Reference

if TYPE_CHECKING:
    from portal.models import Process, Task, User

    from .activation import Activation

#: what the function of a `StartHandle` or a `Handle` returns, and what it takes beside the activation
R = TypeVar("R", default=Any)
K = ParamSpec("K", default=...)
#: a method named by `this`, of which checkers know nothing, or a function
HandleCall = Callable[Concatenate["Activation[Any]", ...], Any] | Reference


class Function(Activity):
    """Code that runs at once, in the same transaction, in a savepoint of its own. BPMN: script task.

    Args:
        func: `this.method`, a function or a lambda; it gets the activation.
        undo_func: called with the activation before the task is undone.
    """

    instant: ClassVar[bool] = True

    def __init__(self, func: Call, *, undo_func: Call | None = None) -> None:
        super().__init__()
        self.func = func
        self._undo = undo_func

    def calls(self) -> Iterator[Called]:
        yield from super().calls()
        yield Called("its function", self.func)

    def enter(self, activation: Activation) -> Outcome:
        self.call(self.func, activation)
        return self.proceed(activation)


class SendHandle(Function):
    """As `Function`, for code that sends something. BPMN: send task."""


class BusinessRule(Function):
    """As `Function`, for code that decides by rules. BPMN: business rule task."""


class TakesKeywords(NextNode):
    """A node whose function gets keywords beside the activation: those of `run`, or what completes its task."""

    func: HandleCall | None

    def calls(self) -> Iterator[Called]:
        yield from super().calls()
        if self.func is not None:
            yield Called("its function", self.func, keywords=True)

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        yield from unpassable(self)


class Handle(TakesKeywords, Activity, Generic[R]):
    """Waits for other code: `MyFlow.node.run(process=…, **kwargs)`. BPMN: receive task.

    Args:
        func: called with the activation and the keywords of `run`, which returns what it returns.
        undo_func: called with the activation before the task is undone.
    """

    handles: ClassVar[bool] = True

    @overload
    def __init__(self: Handle[None], func: None = None, *, undo_func: Call | None = None) -> None: ...
    @overload
    def __init__(self: Handle[Any], func: Reference, *, undo_func: Call | None = None) -> None: ...
    @overload
    def __init__(
        self, func: Callable[Concatenate[Activation[Any], ...], R], *, undo_func: Call | None = None
    ) -> None: ...

    def __init__(self, func: HandleCall | None = None, *, undo_func: Call | None = None) -> None:
        super().__init__()
        self.func = func
        self._undo = undo_func

    def run(
        self,
        *,
        process: Process | int | None = None,
        task: Task | int | None = None,
        _user: User | int | None = None,
        _propagate: bool = False,
        **kwargs: Any,
    ) -> R:
        """Complete the waiting task.

        Args:
            process: the process that waits here, or its id.
            task: the waiting task, or its id, instead of `process`.
            _user: who acts, a user or an id; the system when it is left out.
            _propagate: raise what a later node raises, and take all of it back, instead of recording it.
            kwargs: passed to the function.

        Returns:
            What the function returns; None without a function.

        Raises:
            TransitionNotAllowed: the process does not wait here; the message names where it does.
            TypeError: neither `process` nor `task` is given, or both.
            UnsavedChanges: the session holds changes that are not saved.
        """
        ours = {"process": process, "task": task, "_user": _user, "_propagate": _propagate}
        result: R = runtime.actions().handle(self, {**kwargs, **ours})
        return result

    def enter(self, activation: Activation) -> Outcome:
        return Wait("STARTED")


class Job(Activity):
    """Code that runs outside of the web request and of any lock, on the configured executor. BPMN: service task.

    Args:
        func: it gets the activation.
        retries: tries after the first one.
        backoff: the wait before a retry: a span, doubled each time with some jitter, or a callable of the attempt
            that failed, 1 after the first one, that returns one. Ten seconds by default, at most an hour.
        timeout: how long one try may take; `PORTAL_JOB_TIMEOUT` where nothing is said.
        undo_func: called with the activation before the task is undone.
    """

    works: ClassVar[bool] = True

    def __init__(
        self,
        func: Call,
        *,
        retries: int = 0,
        backoff: dt.timedelta | Callable[[int], dt.timedelta] = dt.timedelta(seconds=10),
        timeout: dt.timedelta | None = None,
        undo_func: Call | None = None,
    ) -> None:
        super().__init__()
        self.func, self.retries, self.backoff, self.timeout = func, retries, backoff, timeout
        self._undo = undo_func

    def calls(self) -> Iterator[Called]:
        yield from super().calls()
        yield Called("its function", self.func)
        if callable(self.backoff):
            yield Called("backoff=", self.backoff, ("attempt",))

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        yield from tries_faults(self)
        if self.timeout is not None and (not _is_span(self.timeout) or not self.timeout):
            yield f"timeout= takes a timedelta, not {self.timeout!r}; write {_seconds(self.timeout, 60)}"

    def enter(self, activation: Activation) -> Outcome:
        return Wait("SCHEDULED", until=activation.now)

    def work(self, activation: Activation) -> None:
        """Do the job; its writes are stored when it is completed."""
        self.call(self.func, activation)

    def wait_after(self, tries: int, jitter: float) -> dt.timedelta:
        """How long to wait when this many tries have failed; `jitter` is between 0 and 1."""
        return wait_after(self.backoff, tries, jitter)


def tries_faults(node: Any) -> Iterator[str]:
    """What is wrong with how often a node is tried again, and when."""
    if isinstance(node.retries, bool) or not isinstance(node.retries, int) or node.retries < 0:
        yield f"retries= counts tries after the first, from 0; it is not {node.retries!r}; write retries=3"
    if not _is_span(node.backoff) and not callable(node.backoff):
        mend = _seconds(node.backoff, 10)
        yield f"backoff= takes a timedelta or a callable of the attempt, not {node.backoff!r}; write {mend}"


def wait_after(
    backoff: dt.timedelta | Callable[[int], dt.timedelta], tries: int, jitter: float
) -> dt.timedelta:
    """How long to wait when this many tries have failed: doubled each time, at most an hour; or as a callable says."""
    if not isinstance(backoff, dt.timedelta):
        return backoff(tries)
    doubled: dt.timedelta = backoff * 2 ** min(tries - 1, 20) * (1 + jitter / 4)
    return min(doubled, dt.timedelta(hours=1))


def _is_span(value: object) -> bool:
    return isinstance(value, dt.timedelta) and value >= dt.timedelta()


def _seconds(value: object, usual: int) -> str:
    number = value if isinstance(value, int | float) and value > 0 else usual
    return f"timedelta(seconds={number})"


def unpassable(node: Any) -> Iterator[str]:
    """Parameters of a function that `run` cannot pass, because it keeps their names for itself."""
    func = node.func
    if isinstance(func, Reference):
        func = getattr(node.flow_class, func.name, None)
        skip = 2  # self, activation
    else:
        skip = 1
    if not callable(func) or isinstance(func, Expression):
        return
    try:
        parameters = list(inspect.signature(func).parameters.values())[skip:]
    except (TypeError, ValueError):
        return
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        if parameter.name in ("process", "task") or parameter.name.startswith("_"):
            yield f"its function has a parameter `{parameter.name}`, a name that run() keeps for itself; rename it"
