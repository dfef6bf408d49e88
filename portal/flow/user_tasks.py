"""Start forms, and tasks of people."""

from __future__ import annotations

import datetime as dt
import logging
import reprlib
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Self

from portal import usernames
from portal.errors import CodeExit, contain
from portal.working_time import WorkingTime

from .assignment import Rule, rule_faults
from .base import Call
from .boundary import Activity
from .callables import Called, has_owner
from .names import guess
from .outcome import Outcome, Wait
from .permitted import Form, Permitted, View_
from .reference import Reference, is_call
from .times import MOMENTS, moment, moment_faults

if TYPE_CHECKING:
    from portal.models import User

    from .activation import Activation

log = logging.getLogger("portal.failures")

#: what an `act` expression gives in the place of these words
_GIVES: dict[str, tuple[type, ...]] = {".Due()": MOMENTS, ".Priority()": (int, float, Decimal)}
#: what a column of integers holds, and the characters of the key of an object
_MOST, _LONGEST_KEY = 2**31 - 1, 100


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
        self._available: Callable[[User], bool] | Reference | str | None = None
        self._available_twice = self._available_to_nobody = False

    def Available(
        self, user: Callable[[User], bool] | Reference | None = None, *, username: str | None = None
    ) -> Self:
        """Restrict who may start, beside the permission.

        Args:
            user: a callable that gets the user, or `this.method`.
            username: the one person who may.
        """
        self._available = username if username is not None else user
        self._available_twice = username is not None and user is not None
        self._available_to_nobody = self._available is None
        return self

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        if not isinstance(self._available, str | Reference | None) and not callable(self._available):
            yield f".Available() takes a callable of the user or username=, not {self._available!r}; write username=…"
        if self._available_to_nobody:
            yield ".Available() names nobody; write a callable of the user or username=…"
        if self._available_twice:
            yield ".Available() got a callable and username=; keep one of them"

    def calls(self) -> Iterator[Called]:
        yield from super().calls()
        if is_call(self._available):
            yield Called(".Available()", self._available, ("user",))

    def available(self, user: User | None) -> bool:
        """Whether this person may start the flow here."""
        if user is None or user.is_superuser:
            return True
        if not user.can(self.permission):
            return False
        if isinstance(self._available, str):
            return bool(usernames.key(user.username) == usernames.key(self._available))
        if isinstance(self._available, Reference):
            return self._rule_holds(getattr(self.flow_class(), self._available.name), user)
        return self._available is None or self._rule_holds(self._available, user)

    def _rule_holds(self, rule: Callable[[User], bool], user: User) -> bool:
        """Ask an author's rule. One that fails keeps its start from people, and takes no page down with it."""
        try:
            return contain(lambda: bool(rule(user)))
        except Exception as error:
            cause = error.__cause__ if isinstance(error, CodeExit) else error
            label = self.flow_class.definition.label
            log.error(
                "%s.%s: the rule of .Available() failed for user %s: %s",
                label, self.name, user.id, type(cause).__name__,
                exc_info=cause, extra={"flow": label, "node": self.name},
            )  # fmt: skip
            return False


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
        self.assigned = None
        self._named_in_place = self._names_nobody = self._named_twice = self._named_oddly = False
        self._on_create: Call | None = None
        self.due = None
        self._priority: int | Call = 0
        self.not_same_as: list[Reference] = []

    def Assign(self, user: User | Call | Rule | None = None, *, username: str | None = None) -> Self:
        """Give the task to someone as soon as it is there.

        Args:
            user: a user, a callable of the activation that returns one, `this.node.owner`, or a rule of
                `portal.assign`.
            username: a user name.
        """
        self.assigned = username if username is not None else user
        self._named_in_place = isinstance(user, str)
        self._names_nobody = user is None and username is None
        self._named_twice = user is not None and username is not None
        self._named_oddly = username is not None and not isinstance(username, str)
        return self

    def onCreate(self, func: Call) -> Self:
        """Call something with the activation when the task is made."""
        self._on_create = func
        return self

    def Due(self, due: dt.timedelta | WorkingTime | Call) -> Self:
        """Say by when the task should be done: a span from its creation, or a callable that returns a moment."""
        self.due = due
        return self

    def Priority(self, priority: int | Call) -> Self:
        """Say how urgent the task is: more comes first. A number, or a callable of the activation."""
        self._priority = priority
        return self

    def NotSameAs(self, *nodes: Reference) -> Self:
        """Separate duties: who did one of these nodes in this process may not do this one."""
        self.not_same_as.extend(nodes)
        return self

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        yield from self._word_faults()

    def _word_faults(self) -> Iterator[str]:
        if isinstance(self.assigned, Rule) or (
            isinstance(self.assigned, type) and issubclass(self.assigned, Rule)
        ):
            yield from rule_faults(".Assign()", [self.assigned])
        if self._named_in_place:
            yield f".Assign({self.assigned!r}) gives no user; write .Assign(username={self.assigned!r})"
        if self._named_oddly:
            mend = f"write .Assign({self.assigned!r})"
            yield f".Assign(username=…) takes a user name, not {self.assigned!r}; {mend}"
        if self._names_nobody:
            mend = "write .Assign(username=…), .Assign(this.<node>.owner) or .Assign(assign.RoundRobin())"
            yield f".Assign() names nobody; {mend}"
        if self._named_twice:
            yield ".Assign() got somebody and username=; keep one of them"
        if self.due is not None:
            yield from moment_faults(self.due, ".Due()")
        if isinstance(self._priority, bool) or not (
            isinstance(self._priority, int | Reference) or callable(self._priority)
        ):
            yield f".Priority() takes a number or a callable, not {self._priority!r}; write .Priority(1)"
        elif isinstance(self._priority, int) and abs(self._priority) > _MOST:
            yield f".Priority() takes a number up to {_MOST:,}, not {self._priority:,}; write .Priority(1000)"
        nodes = self.flow_class.definition.nodes
        for reference in self.not_same_as:
            if isinstance(reference, str):
                yield f".NotSameAs() got the text {reference!r}; write this.{reference}"
            elif not isinstance(reference, Reference):
                yield f".NotSameAs() takes this.node, not {reference!r}"
            elif reference.name not in nodes:
                mend = guess(reference.name, nodes)
                yield f".NotSameAs() names {reference!r}, but there is no node `{reference.name}`{mend}"
            elif reference.name == self.name:
                yield f".NotSameAs({reference!r}) is the step itself; name the one whose people may not do it"
            elif not has_owner(nodes[reference.name]):
                yield f".NotSameAs() names {reference!r}, which nobody does; name a step of people"

    def calls(self) -> Iterator[Called]:
        yield from super().calls()
        if self._on_create is not None:
            yield Called(".onCreate()", self._on_create)
        if isinstance(self.assigned, Rule):
            yield from (
                Called(f".Assign({type(self.assigned).__name__}(…))", call) for call in self.assigned.calls()
            )
        for name, call in (
            (".Assign()", self.assigned),
            (".Due()", self.due),
            (".Priority()", self._priority),
            (".Permission(obj=…)", self._permission_obj),
        ):
            if isinstance(call, Reference) or (callable(call) and not isinstance(call, type)):
                yield Called(name, call, gives=_GIVES.get(name, ()))

    def enter(self, activation: Activation) -> Outcome:
        obj, priority = self._permission_obj, self._priority
        wait = Wait(
            "NEW",
            owner=self._chosen(activation),
            permission=self.permission,
            permission_obj=None if obj is None else object_key(self.value(obj, activation)),
            due=None if self.due is None else moment(self.value(self.due, activation), activation.now),
            priority=priority if isinstance(priority, int) else _priority(self.value(priority, activation)),
        )
        if self._on_create is not None:
            self.call(self._on_create, activation)
        return wait

    def _chosen(self, activation: Activation) -> Any:
        if isinstance(self.assigned, Rule):
            return self.assigned.bound(lambda call: self.value(call, activation))
        return self.value(self.assigned, activation)


class ManualTask(View):
    """A person's task without a form: done with one confirmation. BPMN: manual task."""

    def __init__(self, *, undo_func: Call | None = None) -> None:
        super().__init__(None, undo_func=undo_func)

    def faults(self) -> Iterator[str]:
        yield from Permitted.faults(self)
        yield from self._word_faults()


def _priority(value: Any) -> int:
    found = int(value or 0)
    if abs(found) > _MOST:
        raise ValueError(f".Priority() gives {reprlib.repr(found)}; no database holds more than {_MOST:,}")
    return found


def object_key(value: Any) -> str | None:
    """The key of an object for which a permission is asked."""
    if value is None:
        return None
    found = value if isinstance(value, str) else str(getattr(value, "id", value))
    if len(found) > _LONGEST_KEY or not found.isprintable():
        raise ValueError(
            f".Permission(obj=…) gives {reprlib.repr(found)}; it is an object with an id, or a short text"
        )
    return found
