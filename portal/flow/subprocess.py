"""Nodes that start child processes and wait for them. BPMN: call activity."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from .base import Call, checked_list
from .boundary import Activity
from .callables import Called
from .names import guess
from .outcome import Outcome, Wait
from .reference import Expression, Reference
from .starts import StartHandle

if TYPE_CHECKING:
    from .activation import Activation


class Subprocess(Activity):
    """Starts a child process and waits until it is over. BPMN: call activity.

    Args:
        start: a `StartHandle`: `Child.start`, or `this.start` for the flow itself.
        kwargs: keywords for its function; callables among them are called with the activation. Without a function
            they become the child's data.
        undo_func: called with the activation before the task is undone.
    """

    calls_processes: ClassVar[bool] = True

    def __init__(
        self, start: StartHandle | Reference, *, undo_func: Call | None = None, **kwargs: Any
    ) -> None:
        super().__init__()
        self.start, self.kwargs = start, kwargs
        self._undo = undo_func

    def calls(self) -> Iterator[Called]:
        yield from super().calls()
        for name, value in self.kwargs.items():
            if isinstance(value, Reference | Expression) or callable(value):
                yield Called(f"{name}=", value)

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        start: Any = self.start
        if isinstance(start, Reference):
            start = vars(self.flow_class).get(start.name)
        if not isinstance(start, StartHandle):
            mend = "write Child.start, a flow.StartHandle of the called flow"
            if isinstance(self.start, type) and hasattr(self.start, "definition"):
                starts = [each.name for each in self.start.definition.starts if isinstance(each, StartHandle)]
                mend = (
                    f"write {self.start.__name__}.{starts[0]}"
                    if starts
                    else "give that flow a flow.StartHandle()"
                )
            yield f"{self.kind}() calls a StartHandle of a flow, such as Child.start, not {self.start!r}; {mend}"
            return
        given = {**self.kwargs, "item": None} if self.takes_items else self.kwargs
        yield from _unfit_keywords(self.kind, start, given)

    def start_node(self) -> Any:
        """The start of the child's flow."""
        if isinstance(self.start, Reference):
            return self.flow_class.definition.nodes[self.start.name]
        return self.start

    def keywords(self, activation: Activation) -> dict[str, Any]:
        return {name: self.value(given, activation) for name, given in self.kwargs.items()}

    def children(self, activation: Activation, started: int) -> tuple[tuple[Any, Mapping[str, Any]], ...]:
        """The children to start now, when so many have been started before."""
        return () if started else ((self.start_node(), self.keywords(activation)),)

    def enter(self, activation: Activation) -> Outcome:
        children = self.children(activation, 0)
        return Wait("STARTED", children=children) if children else self.proceed(activation)


def _unfit_keywords(kind: str, start: StartHandle[Any, Any], given: Mapping[str, Any]) -> Iterator[str]:
    """What the function of a start does not take of the keywords that it is called with, and what it lacks."""
    function: Any = start.func
    if isinstance(function, Reference):
        function = getattr(start.flow_class(), function.name, None)
    if function is None:
        return
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # it does not tell what it takes
        return
    known = list(signature.parameters)[1:]
    named = f"{start.flow_class.__name__}.{start.name}"
    for name in given:
        try:
            signature.bind_partial(None, **{name: None})
        except TypeError:
            mend = guess(name, known, "") if known else "; leave it out"
            yield f"{kind}() gives {named} `{name}`, which its function does not take{mend}"
    for name, each in list(signature.parameters.items())[1:]:
        is_open = each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD) or each.default is not each.empty
        if not is_open and name not in given:
            yield f"the function of {named} asks for `{name}`; add {name}=… to {kind}(), or give it a default"


class NSubprocess(Subprocess):
    """Starts a child process for each item and waits until all are over. BPMN: multi-instance call activity.

    Args:
        start: a `StartHandle`; its function gets `item=`. Without one, a mapping becomes the child's data and a
            mapped object its seed.
        items: a list, or a callable or an `act` expression; it is asked again whenever a child is over, so items
            that were added meanwhile get their child too.
        sequential: one child at a time.
        kwargs: more keywords for the start's function.
    """

    takes_items: ClassVar[bool] = True

    def __init__(
        self,
        start: StartHandle | Reference,
        items: Iterable[Any] | Call,
        sequential: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(start, **kwargs)
        self.items, self.sequential = items, sequential

    def calls(self) -> Iterator[Called]:
        yield from super().calls()
        if isinstance(self.items, Reference | Expression) or callable(self.items):
            yield Called("items", self.items, many=True)

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        items = self.items
        if isinstance(items, str | Mapping) or not (
            isinstance(items, Iterable | Reference) or callable(items)
        ):
            yield f"NSubprocess() needs items: a list, a callable or an act expression, not {items!r}; write this.items"
        if not isinstance(self.sequential, bool):
            yield f"sequential= takes True or False, not {self.sequential!r}"

    def children(self, activation: Activation, started: int) -> tuple[tuple[Any, Mapping[str, Any]], ...]:
        waiting = checked_list("items", self.value(self.items, activation))[started:]
        keywords = self.keywords(activation)
        return tuple(
            (self.start_node(), {**keywords, "item": item})
            for item in waiting[: 1 if self.sequential else None]
        )
