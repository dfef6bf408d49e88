"""Starts, tasks of people, and tasks of code."""

from __future__ import annotations

import datetime as dt
import inspect
import zoneinfo
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Self

from . import port
from .base import Call, NextNode
from .boundary import Activity
from .moments import moment, moment_faults
from .outcome import Outcome, Wait
from .reference import Expression, Reference

if TYPE_CHECKING:
    from .activation import Activation

View_ = Callable[..., Any] | Reference


class Permitted(NextNode):
    """A node that asks for a permission."""

    def __init__(self) -> None:
        super().__init__()
        self._permission: str | None = None
        self._auto_permission = False
        self._permission_obj: Call | None = None

    def Permission(
        self, permission: str | None = None, *, auto_create: bool = False, obj: Call | None = None
    ) -> Self:
        """Ask for a permission.

        Args:
            permission: its name, such as `shop.approve`.
            auto_create: name it `<label>.can_<node>` instead.
            obj: a callable of the activation that returns an object (or its key): who holds the permission for
                this object alone, `shop.approve:42`, may do the task too.
        """
        self._permission, self._auto_permission, self._permission_obj = permission, auto_create, obj
        return self

    @property
    def permission(self) -> str | None:  # type: ignore[override]
        if self._auto_permission:
            return f"{self.flow_class._definition.label}.can_{self.name}"
        return self._permission

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        if not isinstance(self._permission, str | None):
            yield f".Permission() takes the name of a permission, not {self._permission!r}"
        if not self._auto_permission and self._permission is None and self._permission_obj is not None:
            yield ".Permission(obj=…) needs the name of a permission or auto_create=True"


class Form(Permitted):
    """A node with a form."""

    def __init__(self, view: View_ | None) -> None:
        super().__init__()
        self.view = view

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        if self.view is None or not (callable(self.view) or isinstance(self.view, Reference)):
            yield f"{self.kind}() needs a view: a ready one's `.as_view(…)`, a function or this.method"
            return
        check = getattr(self.view, "faults", None)
        if check is not None:
            yield from check(self.flow_class)

    def calls(self) -> Iterator[tuple[str, Call]]:
        yield from super().calls()
        if isinstance(self.view, Reference):
            yield "the view", self.view

    def respond(self, activation: Activation) -> Any:
        """What the view answers to the person's request."""
        return self.call(self.view, activation)


class Start(Form):
    """A person starts a process from a form. BPMN: none start event, followed by the form.

    Args:
        view: `views.CreateProcessView.as_view(fields=[…])`, another ready view, a function or `this.method`.
        undo_func: called with the activation before the start is undone.
    """

    starts: ClassVar[bool] = True
    human: ClassVar[bool] = True

    def __init__(self, view: View_ | None = None, *, undo_func: Call | None = None) -> None:
        super().__init__(view)
        self._undo = undo_func
        self._available: Callable[[Any], bool] | str | None = None

    def Available(self, user: Callable[[Any], bool] | None = None, *, username: str | None = None) -> Self:
        """Restrict who may start, beside the permission.

        Args:
            user: a callable that gets the user.
            username: the one person who may.
        """
        self._available = username if username is not None else user
        return self

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        if not isinstance(self._available, str | None) and not callable(self._available):
            yield f".Available() takes a callable of the user or username=, not {self._available!r}"

    def available(self, user: Any) -> bool:
        """Whether this person may start the flow here."""
        if user is None or user.is_superuser:
            return True
        if not user.can(self.permission):
            return False
        if isinstance(self._available, str):
            return bool(user.username == self._available)
        return self._available is None or bool(self._available(user))


class StartHandle(NextNode):
    """Code starts a process: `MyFlow.node.run(**kwargs)`.

    Args:
        func: called with the activation and the keywords of `run`, which returns what it returns; without one
            `run` returns the process.
    """

    starts: ClassVar[bool] = True

    def __init__(self, func: Call | None = None, *, undo_func: Call | None = None) -> None:
        super().__init__()
        self.func = func
        self._undo = undo_func

    def calls(self) -> Iterator[tuple[str, Call]]:
        yield from super().calls()
        if self.func is not None:
            yield "its function", self.func

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        yield from unpassable(self)

    def run(self, **kwargs: Any) -> Any:
        """Start a process.

        Args:
            kwargs: passed to the function. `_user=` names who starts it, `_propagate=True` raises what any node
                raises instead of recording it.

        Returns:
            What the function returns; the process, if there is no function.
        """
        return port.actions().start(self, kwargs)


class StartTimer(NextNode):
    """Starts a process on a schedule, once for each due moment. BPMN: timer start event.

    What was missed, while nothing ran, is made up by one start.

    Args:
        interval: the first start is one interval after the flow is first seen.
        cron: five fields, such as `"0 8 * * mon-fri"`.
        timezone: of the cron fields; UTC otherwise.
    """

    starts: ClassVar[bool] = True
    #: when it starts
    schedules: ClassVar[bool] = True

    def __init__(
        self, interval: dt.timedelta | None = None, cron: str | None = None, timezone: str = "UTC"
    ) -> None:
        super().__init__()
        self.interval, self.cron, self.timezone = interval, cron, timezone

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        if (self.interval is None) == (self.cron is None):
            yield "StartTimer() takes either interval= or cron="
        elif self.interval is not None and not (
            isinstance(self.interval, dt.timedelta) and self.interval > dt.timedelta()
        ):
            yield f"interval= is a positive timedelta, not {self.interval!r}"
        elif self.cron is not None and len(str(self.cron).split()) != 5:
            yield f"cron= has five fields (minute hour day month weekday), not {self.cron!r}"
        try:
            zoneinfo.ZoneInfo(self.timezone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, TypeError):
            yield f"timezone= names no time zone: {self.timezone!r}"


class View(Form, Activity):
    """A person's task. BPMN: user task.

    Args:
        view: a ready view's `.as_view(…)`, a function `view(activation) -> response`, or `this.method`.
        undo_func: called with the activation before the task is undone.
    """

    human: ClassVar[bool] = True

    def __init__(self, view: View_ | None, *, undo_func: Call | None = None) -> None:
        super().__init__(view)
        self._undo = undo_func
        self._assign: Any = None
        self._on_create: Call | None = None
        self._due: dt.timedelta | Call | None = None
        self._priority: int | Call = 0
        self.not_same_as: list[Any] = []

    def Assign(self, user: Any = None, *, username: str | None = None) -> Self:
        """Give the task to someone as soon as it is there.

        Args:
            user: a user, a callable of the activation that returns one, or `this.node.owner`.
            username: a user name.
        """
        self._assign = username if username is not None else user
        return self

    def onCreate(self, func: Call) -> Self:
        """Call something with the activation when the task is made."""
        self._on_create = func
        return self

    def Due(self, due: dt.timedelta | Call) -> Self:
        """Say by when the task should be done: a span from its creation, or a callable that returns a moment."""
        self._due = due
        return self

    def Priority(self, priority: int | Call) -> Self:
        """Say how urgent the task is: more comes first. A number, or a callable of the activation."""
        self._priority = priority
        return self

    def NotSameAs(self, *nodes: Any) -> Self:
        """Separate duties: who did one of these nodes in this process may not do this one."""
        self.not_same_as.extend(nodes)
        return self

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        yield from self._word_faults()

    def _word_faults(self) -> Iterator[str]:
        if self._due is not None:
            yield from moment_faults(self._due, ".Due()")
        if not isinstance(self._priority, int | Reference) and not callable(self._priority):
            yield f".Priority() takes a number or a callable, not {self._priority!r}"
        nodes = self.flow_class._definition.nodes
        for reference in self.not_same_as:
            if not isinstance(reference, Reference):
                yield f".NotSameAs() takes this.node, not {reference!r}"
            elif reference.name not in nodes:
                yield f".NotSameAs() names {reference!r}, but there is no node `{reference.name}`"

    def calls(self) -> Iterator[tuple[str, Call]]:
        yield from super().calls()
        if self._on_create is not None:
            yield ".onCreate()", self._on_create
        for name, call in (
            (".Assign()", self._assign),
            (".Due()", self._due),
            (".Priority()", self._priority),
            (".Permission(obj=…)", self._permission_obj),
        ):
            if isinstance(call, Reference) or callable(call):
                yield name, call

    def enter(self, activation: Activation) -> Outcome:
        wait = Wait(
            "NEW",
            owner=self._read(self._assign, activation),
            permission=self.permission,
            permission_obj=object_key(self._read(self._permission_obj, activation)),
            due=moment(self._read(self._due, activation), activation.now),
            priority=int(self._read(self._priority, activation) or 0),
        )
        if self._on_create is not None:
            self.call(self._on_create, activation)
        return wait

    def _read(self, value: Any, activation: Activation) -> Any:
        return self.call(value, activation) if callable(value) or isinstance(value, Reference) else value


class ManualTask(View):
    """A person's task without a form: done with one confirmation. BPMN: manual task."""

    def __init__(self, *, undo_func: Call | None = None) -> None:
        super().__init__(None, undo_func=undo_func)

    def faults(self) -> Iterator[str]:
        yield from Permitted.faults(self)
        yield from self._word_faults()


class Function(Activity):
    """Code that runs at once, in the same transaction, in a savepoint of its own. BPMN: script task.

    Args:
        func: `this.method`, a function or a lambda; it gets the activation.
        undo_func: called with the activation before the task is undone.
    """

    #: it is done in the moment in which it is entered, so no clock runs meanwhile
    instant: ClassVar[bool] = True

    def __init__(self, func: Call, *, undo_func: Call | None = None) -> None:
        super().__init__()
        self.func = func
        self._undo = undo_func

    def calls(self) -> Iterator[tuple[str, Call]]:
        yield from super().calls()
        yield "its function", self.func

    def enter(self, activation: Activation) -> Outcome:
        self.call(self.func, activation)
        return self.proceed(activation)


class SendHandle(Function):
    """As `Function`, for code that sends something. BPMN: send task."""


class BusinessRule(Function):
    """As `Function`, for code that decides by rules. BPMN: business rule task."""


class Handle(Activity):
    """Waits for other code: `MyFlow.node.run(process=…, **kwargs)`. BPMN: receive task.

    Args:
        func: called with the activation and the keywords of `run`, which returns what it returns.
        undo_func: called with the activation before the task is undone.
    """

    handles: ClassVar[bool] = True

    def __init__(self, func: Call | None = None, *, undo_func: Call | None = None) -> None:
        super().__init__()
        self.func = func
        self._undo = undo_func

    def calls(self) -> Iterator[tuple[str, Call]]:
        yield from super().calls()
        if self.func is not None:
            yield "its function", self.func

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        yield from unpassable(self)

    def run(self, **kwargs: Any) -> Any:
        """Complete the waiting task.

        Args:
            kwargs: `process=` or `task=` (an object or an id) says which; `_user=` who; `_propagate=True` raises
                what a later node raises. The rest is passed to the function.

        Raises:
            TransitionNotAllowed: the process does not wait here; the message names where it does.
        """
        return port.actions().handle(self, kwargs)

    def enter(self, activation: Activation) -> Outcome:
        return Wait("STARTED")


class Job(Activity):
    """Code that runs outside of the web request and of any lock, on the configured executor. BPMN: service task.

    Args:
        func: it gets the activation.
        retries: tries after the first one.
        backoff: the wait before a retry: a span, doubled each time with some jitter, or a callable of the attempt
            that returns one. Ten seconds by default, at most an hour.
        timeout: how long one try may take.
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

    def calls(self) -> Iterator[tuple[str, Call]]:
        yield from super().calls()
        yield "its function", self.func

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        if not isinstance(self.retries, int) or self.retries < 0:
            yield f"retries= counts tries after the first, from 0; it is not {self.retries!r}"
        if not isinstance(self.backoff, dt.timedelta) and not callable(self.backoff):
            yield f"backoff= takes a timedelta or a callable of the attempt, not {self.backoff!r}"
        if not isinstance(self.timeout, dt.timedelta | None):
            yield f"timeout= takes a timedelta, not {self.timeout!r}"

    def enter(self, activation: Activation) -> Outcome:
        return Wait("SCHEDULED", until=activation.now)

    def work(self, activation: Activation) -> None:
        """Do the job; its writes are stored when it is completed."""
        self.call(self.func, activation)

    def wait_before(self, attempt: int, jitter: float) -> dt.timedelta:
        """How long to wait before the try number `attempt`; `jitter` is between 0 and 1."""
        if not isinstance(self.backoff, dt.timedelta):
            return self.backoff(attempt)
        doubled: dt.timedelta = self.backoff * 2 ** min(attempt - 2, 20) * (1 + jitter / 4)
        return min(doubled, dt.timedelta(hours=1))


class Timer(NextNode):
    """Waits until a moment. BPMN: timer intermediate catch event.

    Args:
        until: a span from now, an aware moment, or a callable of the activation that returns either.
    """

    times: ClassVar[bool] = True

    def __init__(self, until: dt.timedelta | dt.datetime | Call) -> None:
        super().__init__()
        self.until = until

    def calls(self) -> Iterator[tuple[str, Call]]:
        yield from super().calls()
        if callable(self.until) or isinstance(self.until, Reference):
            yield "its moment", self.until

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        yield from moment_faults(self.until, "Timer()")

    def enter(self, activation: Activation) -> Outcome:
        until = self.until
        if callable(until) or isinstance(until, Reference):
            until = self.call(until, activation)
        when = moment(until, activation.now)
        if when is None:
            raise ValueError("a timer needs a moment, not None")
        return Wait("SCHEDULED", until=when)


def object_key(value: Any) -> str | None:
    """The key of an object for which a permission is asked."""
    if value is None or isinstance(value, str):
        return value
    return str(getattr(value, "id", value))


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
