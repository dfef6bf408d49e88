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
    """A process that people and code go through, declared as a class.

    The first line of the docstring is its title, the rest its description.
    """

    #: what a process of this flow is stored as
    process_class: ClassVar[type[Process] | None] = None
    #: Jinja with `process` and `flow`; one line of substance
    process_summary_template: ClassVar[str] = ""
    process_result_template: ClassVar[str] = ""
    #: raise what a node raises, and roll the whole action back, instead of recording it
    propagate_errors: ClassVar[bool] = False
    #: whether who started a process may withdraw it: True, or a callable of the process
    withdraw: ClassVar[bool | Callable[..., bool]] = False
    #: which events people get mail about, where it is not all of `MAILS`, as in `{"due": False}`
    process_notices: ClassVar[Mapping[str, bool]] = {}
    #: addresses that are called at every one of `EVENTS`
    process_webhooks: ClassVar[Sequence[str]] = ()
    #: what signs the calls of other programs (`POST /api/v1/hooks/<label>/<node>`); several while one is replaced
    webhook_secret: ClassVar[str | Sequence[str] | None] = None
    #: what mail to an address (or to the name before its `@`) is for: `{"invoices@example.com": this.arrived}`
    mail_addresses: ClassVar[Mapping[str, Reference]] = {}
    #: whether anybody may write there, or only people of the portal from the address that it knows
    mail_from_anyone: ClassVar[bool] = False
    #: under which heading the catalogue of requests has it
    category: ClassVar[str] = ""
    #: words by which people find it there, beside those of its title and description
    keywords: ClassVar[Sequence[str]] = ()
    #: whether the audit keeps who opened which of its processes, tasks and files
    audit_reads: ClassVar[bool] = False
    #: what becomes of its processes when they are over for so long
    retention: ClassVar[Sequence[Retention]] = ()
    #: the line by which a requester sees how far it is, as in `{"Manager": this.approve, "Paid": this.end}`
    milestones: ClassVar[Mapping[str, Reference]] = {}

    #: what the class declares, resolved and checked
    definition: ClassVar[Definition]
    #: `MyFlow.send(name, process=…, **data)` sends a message. For checkers it is of any type: a node may be called so
    send: ClassVar[Any] = classmethod(_send)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        define(cls)
