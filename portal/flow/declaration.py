"""`Flow`, the class that a flow is declared with. Its nodes are resolved and checked as soon as the class is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from portal.errors import FlowError

from .base import Node
from .definition import Definition, define

if TYPE_CHECKING:
    from portal.models import Process


class _Body(dict[str, Any]):
    """The body of a flow class; a second node of one name would silently take the place of the first."""

    def __setitem__(self, name: str, value: Any) -> None:
        if isinstance(self.get(name), Node) and isinstance(value, Node):
            flow = self.get("__qualname__", "")
            raise FlowError(f"{flow}.{name}: a second node of the same name; rename one of them")
        super().__setitem__(name, value)


class _FlowType(type):
    """Only here to see a name that is given twice in one class body."""

    @classmethod
    def __prepare__(cls, name: str, bases: tuple[type, ...], /, **kwargs: Any) -> _Body:
        return _Body()


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

    #: what the class declares, resolved and checked
    definition: ClassVar[Definition]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        define(cls)
