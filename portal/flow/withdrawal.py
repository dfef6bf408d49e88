"""`Flow.withdraw`: whether who started a process may take it back."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from portal.errors import contain

from .base import Node
from .callables import Called, unfit

if TYPE_CHECKING:
    from .declaration import Flow


def allows(flow_class: type[Flow], process: Any) -> bool:
    """Whether a flow lets a process be withdrawn as it is now.

    Raises:
        Exception: what the flow's own callable raises.
    """
    rule = _rule(flow_class)
    if not callable(rule):
        return rule is True
    return bool(contain(lambda: rule(process)))


def faults(flow_class: type[Flow]) -> Iterator[str]:
    rule = _rule(flow_class)
    if isinstance(rule, bool):
        return
    if not callable(rule):
        yield f"withdraw: takes True, False or a callable of the process, not {rule!r}"
        return
    yield from unfit(Called("withdraw", rule, ("process",)))


def _rule(flow_class: type[Flow]) -> Any:
    """What the flow says: a function of the process, or a method that has `self` beside it."""
    value = inspect.getattr_static(flow_class, "withdraw", False)
    if isinstance(value, Node):  # a step that is called so
        return False
    if inspect.isfunction(value):
        parameters = list(inspect.signature(value).parameters)
        if parameters[-1:] == ["activation"]:  # what a node calls by `this.withdraw`
            return False
        if parameters[:1] == ["self"]:
            return value.__get__(flow_class())
    return getattr(flow_class, "withdraw", False)
