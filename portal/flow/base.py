"""A flow, its nodes, and the edges between them."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self, Union

from portal.errors import FlowError, contain

from .outcome import Done, Outcome, Way
from .reference import Expression, Reference

if TYPE_CHECKING:
    from portal.models import Process

    from .activation import Activation
    from .definition import Definition

#: what an author may give where the engine calls something with the activation
Call = Callable[["Activation[Any]"], Any] | Reference
#: where a path goes: `this.name`, or a node declared above
Target = Union["Node", Reference]


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class Edge:
    """One way from a node to another."""

    source: Node
    target: Any
    #: next, then, else, case, default or always
    kind: str = "next"
    condition: Call | None = None
    task_data: Call | None = None
    task_seed: Call | None = None
    #: one token for each item of a data source
    multiple: bool = False
    text: str = ""

    @property
    def label(self) -> str:
        """What a picture writes beside the edge."""
        return self.text or (describe(self.condition) if self.condition is not None else "")

    @property
    def calls(self) -> tuple[Call | None, ...]:
        return (self.condition, self.task_data, self.task_seed)


def describe(call: Any) -> str:
    """A condition in words: the expression, the name of the function or the first line of its docstring."""
    if isinstance(call, Expression):
        return str(call)
    name = call.name if isinstance(call, Reference) else getattr(call, "__name__", "")
    return "" if name in ("<lambda>", "") else name.replace("_", " ")


def title_of(name: str) -> str:
    return name.strip("_").replace("_", " ").capitalize()


class Node:
    """A step of a flow.

    Its runtime is `enter`, when a token comes in, and `resume`, when its wait is over. Both answer `Done` or
    `Wait` and never see a database. What else the engine asks is a flag, never the class.
    """

    #: a process can begin here
    starts: ClassVar[bool] = False
    #: a person does it
    human: ClassVar[bool] = False
    #: every way out is a branch of its own
    splits: ClassVar[bool] = False
    #: branches meet here
    merges: ClassVar[bool] = False
    #: the first branch to finish a task ends the others
    races: ClassVar[bool] = False
    #: a path ends here
    ends: ClassVar[bool] = False
    #: the clock runs its function outside of every lock
    works: ClassVar[bool] = False
    #: it waits for a moment
    times: ClassVar[bool] = False
    #: other code completes it through `run`
    handles: ClassVar[bool] = False
    permission: str | None = None

    def __init__(self) -> None:
        self.name = ""
        self.flow_class: type[Flow] = Flow
        self.outgoing: tuple[Edge, ...] = ()
        self.incoming: tuple[Edge, ...] = ()
        self.boundaries: tuple[Node, ...] = ()
        self._declared: list[Edge] = []
        self._attached: list[Node] = []
        self._undo: Call | None = None
        self._title = ""
        self.description = ""
        self.summary_template = ""
        self.result_template = ""

    @property
    def kind(self) -> str:
        return type(self).__name__

    @property
    def title(self) -> str:
        return self._title or title_of(self.name)

    def __repr__(self) -> str:
        return f"<{self.kind} {self.flow_class.__name__}.{self.name}>"

    def Annotation(
        self, title: str = "", description: str = "", summary_template: str = "", result_template: str = ""
    ) -> Self:
        """Say in words what the step is.

        Args:
            title: a few words for lists and pictures.
            description: a sentence or two for the person who does it.
            summary_template: Jinja with `process`, `task`, `flow`: one line of substance while it is open.
            result_template: the same once it is done.
        """
        self._title = title or self._title
        self.description = description or self.description
        self.summary_template = summary_template or self.summary_template
        self.result_template = result_template or self.result_template
        return self

    def bind_boundaries(self) -> None:
        """Name the boundary events after their host: `approve__timeout`, `approve__timeout_2` …"""
        counts: dict[str, int] = {}
        boundaries = []
        for attached in self._attached:
            word = attached.kind.removesuffix("Boundary").lower()
            counts[word] = counts.get(word, 0) + 1
            suffix = f"_{counts[word]}" if counts[word] > 1 else ""
            boundary: Any = attached.bound(self.flow_class, f"{self.name}__{word}{suffix}")
            boundary.host = self
            boundaries.append(boundary)
        self.boundaries = tuple(boundaries)

    # -- the language's machinery -----------------------------------------------------------------------

    def calls(self) -> Iterator[tuple[str, Call]]:
        """What the engine will call, each with the words that name it in a message."""
        if self._undo is not None:
            yield "undo_func", self._undo
        for edge in self._declared:
            for call in edge.calls:
                if call is not None:
                    yield f".{edge.kind.capitalize()}()", call

    def takes_over(self, kind: str, status: str) -> bool:
        """Whether a task in this state goes on here, though its node may have been of another kind when it came."""
        if status in ("NEW", "ASSIGNED"):  # a person has it, whatever form they are shown
            return self.human and (not self.starts or kind == self.kind)
        return kind == self.kind or status not in ("SCHEDULED", "STARTED")

    def faults(self) -> Iterator[str]:
        """What is wrong with this node alone, each with its mend."""
        yield from ()

    def bound(self, flow_class: type[Flow], name: str) -> Self:
        """A copy that belongs to a flow class; one that is inherited is copied again for the heir."""
        node = copy.copy(self)
        node.name, node.flow_class = name, flow_class
        node._declared = [dataclasses.replace(edge, source=node) for edge in self._declared]
        node._attached = list(self._attached)
        node.bind_boundaries()
        return node

    def _way(self, target: Any, kind: str = "next", **kwargs: Any) -> Self:
        self._declared.append(Edge(self, target, kind, **kwargs))
        return self

    # -- at run time ------------------------------------------------------------------------------------

    def call(self, call: Any, activation: Activation, *args: Any, **kwargs: Any) -> Any:
        """Call what an author gave: a method named by `this`, a function or an expression."""
        function = getattr(activation.flow, call.name) if isinstance(call, Reference) else call
        return contain(lambda: function(activation, *args, **kwargs))

    def way(self, edge: Edge, activation: Activation) -> Way:
        """The edge with the data and the seed that its task gets."""
        data = self.call(edge.task_data, activation) if edge.task_data is not None else None
        seed = self.call(edge.task_seed, activation) if edge.task_seed is not None else None
        return Way(edge, checked_data(data), seed)

    def proceed(self, activation: Activation) -> Done:
        return Done(tuple(self.way(edge, activation) for edge in self.outgoing))

    def enter(self, activation: Activation) -> Outcome:
        """A token has come in."""
        return self.proceed(activation)

    def resume(self, activation: Activation) -> Outcome:
        """The wait is over."""
        return self.proceed(activation)


def checked_data(data: Any) -> Mapping[str, Any] | None:
    if data is not None and not isinstance(data, Mapping):
        raise TypeError(f"a task's data is a mapping, not {type(data).__name__}")
    return data


class NextNode(Node):
    """A node with one way out."""

    def Next(self, node: Target, task_data: Call | None = None, task_seed: Call | None = None) -> Self:
        """Say which node comes next.

        Args:
            node: `this.name`, or a node declared above.
            task_data: a callable of the activation; the mapping that it returns is the next task's `data`.
            task_seed: a callable of the activation; the mapped object that it returns is the next task's `seed`.
        """
        return self._way(node, task_data=task_data, task_seed=task_seed)


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
    #: which events people get mail about, where it is not all of `MAILS`, as in `{"due": False}`
    process_notices: ClassVar[Mapping[str, bool]] = {}
    #: addresses that are called at every one of `EVENTS`
    process_webhooks: ClassVar[Sequence[str]] = ()

    _definition: ClassVar[Definition]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        from .definition import define

        cls._definition = define(cls)


def label_of(class_name: str) -> str:
    """`HelloWorldFlow` is `hello_world`."""
    name = class_name.removesuffix("Flow") or class_name
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def docstring_of(cls: type) -> tuple[str, str]:
    """The title and the description in the docstring of a flow."""
    text = inspect.cleandoc(cls.__dict__.get("__doc__") or "")
    title, _, description = text.partition("\n")
    return title.strip(), " ".join(description.split())
