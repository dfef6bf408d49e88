"""`Flow`, the class that a flow is declared with. Its nodes are resolved and checked as soon as the class is there."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from portal.errors import Fault, FlowError

from . import runtime
from .base import Node
from .definition import Definition, define
from .reference import Reference
from .retention import Retention
from .source import declared_here

if TYPE_CHECKING:
    from portal.models import Process


class _Body(dict[str, Any]):
    """The body of a flow class; a second node of one name would silently take the place of the first."""

    def __init__(self, bases: tuple[type, ...]) -> None:
        super().__init__()
        self._bases = bases

    def __setitem__(self, name: str, value: Any) -> None:
        if isinstance(value, Node) and value.name:
            other = value.flow_class
            if not any(issubclass(base, other) for base in self._bases):
                mend = f"declare one here, or inherit from {other.__name__}"
                self._refuse(name, f"{other.__name__}.{value.name} is a node of another flow; {mend}")
        if isinstance(self.get(name), Node) and isinstance(value, Node):
            self._refuse(name, "a second node of the same name; rename one of them")
        if isinstance(value, type) and issubclass(value, Node):
            self._refuse(name, f"the class {value.__name__} itself; write flow.{value.__name__}()")
        if isinstance(self.get(name), Node) and inspect.isfunction(value):
            self._refuse(name, "a method takes the place of the node of the same name; rename one of them")
        if isinstance(value, tuple) and any(isinstance(each, Node) for each in value):
            self._refuse(name, "a node in a tuple; remove the comma behind it")
        super().__setitem__(name, value)

    def _refuse(self, name: str, text: str) -> NoReturn:
        place = declared_here()
        raise FlowError(faults=[Fault(f"{self.get('__qualname__', '')}.{name}", text, *place)])


class _FlowType(type):
    """Only here to see a name that is given twice in one class body."""

    @classmethod
    def __prepare__(cls, name: str, bases: tuple[type, ...], /, **kwargs: Any) -> _Body:
        return _Body(bases)


def _send(cls: type[Flow], /, name: str, **kwargs: Any) -> None:
    """Send a process of this flow a message: to each `.OnMessage(name)` that is armed in it, or to its `MessageCatch`
    of that name.

    Args:
        name: of the message, or of the node.
        kwargs: `process=` is the receiver or its id. `_user=` is who acts, the system when it is left out. The rest is
            the message's data: those of the event's task, or the keywords of the catch's function.

    Raises:
        TransitionNotAllowed: nothing in the process waits for it; the message names what does.
        TypeError: `process=` is missing.
        UnsavedChanges: the session holds changes that are not saved.
    """
    runtime.actions().send(cls, name, kwargs)


class Flow(metaclass=_FlowType):
    """A process that people and code go through, declared as a class: its nodes, and the settings below.

    The first line of the docstring of a flow is its title, the rest its description. Its label, by which permissions,
    addresses and commands name it, is the name of the class less `Flow`, in snake case.

    Attributes:
        process_class: what a process of this flow is stored as, a subclass of `Process` with its fields.
        process_summary_template: one line of substance about a process, Jinja with `process` and `flow`.
        process_result_template: the same for one that is over.
        category: the heading under which the catalogue of requests has the flow.
        keywords: words by which people find it there, beside those of its title and description.
        milestones: the line by which a requester sees how far it is: `{"Manager": this.approve, "Paid": this.end}`.
        withdraw: whether who started a process may withdraw it: True, or a callable of the process.
        propagate_errors: raise what a node raises, and roll the whole action back, instead of recording it.
        process_notices: which events people get mail about, where it is not all of them, as in `{"due": False}`.
        process_webhooks: addresses that are called at every event.
        webhook_secret: what signs the calls of other programs (`POST /api/v1/hooks/<label>/<node>`); several while one
            is replaced.
        mail_addresses: what mail to an address, or to the name before its `@`, is for:
            `{"invoices@example.com": this.arrived}`.
        mail_from_anyone: whether anybody may write there, or only people of the portal from the address that it knows.
        audit_reads: whether the audit keeps who opened which of its processes, tasks and files.
        retention: what becomes of its processes when they have been over for a while.
        definition: what the class declares, resolved and checked; set by us.

    Raises:
        FlowError: the declaration is wrong; with the class, the node and the mend.
    """

    process_class: ClassVar[type[Process] | None] = None
    process_summary_template: ClassVar[str] = ""
    process_result_template: ClassVar[str] = ""
    category: ClassVar[str] = ""
    keywords: ClassVar[Sequence[str]] = ()
    milestones: ClassVar[Mapping[str, Reference]] = {}
    withdraw: ClassVar[bool | Callable[..., bool]] = False
    propagate_errors: ClassVar[bool] = False
    process_notices: ClassVar[Mapping[str, bool]] = {}
    process_webhooks: ClassVar[Sequence[str]] = ()
    webhook_secret: ClassVar[str | Sequence[str] | None] = None
    mail_addresses: ClassVar[Mapping[str, Reference]] = {}
    mail_from_anyone: ClassVar[bool] = False
    audit_reads: ClassVar[bool] = False
    retention: ClassVar[Sequence[Retention]] = ()

    definition: ClassVar[Definition]
    #: `MyFlow.send(name, process=…, **data)` sends a message. For checkers it is of any type: a node may be called so
    send: ClassVar[Any] = classmethod(_send)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Resolve and check what the class declares."""
        super().__init_subclass__(**kwargs)
        define(cls)
