"""A node of a flow, and the edges between nodes."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self, Union

from portal.errors import ended

from .callables import Called
from .names import guess
from .outcome import Done, Outcome, Way
from .reference import Expression, Reference, is_call
from .source import declared_here

if TYPE_CHECKING:
    from .activation import Activation
    from .boundary import Boundary
    from .declaration import Flow

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
    return " ".join(filter(None, name.split("_"))).capitalize()


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
    #: it chooses one of its ways
    decides: ClassVar[bool] = False
    #: a path ends here
    ends: ClassVar[bool] = False
    #: the clock runs its function outside of every lock
    works: ClassVar[bool] = False
    #: it waits for a moment
    times: ClassVar[bool] = False
    #: other code completes it through `run`
    handles: ClassVar[bool] = False
    #: what comes before it waits is kept for it
    keeps_messages: ClassVar[bool] = False
    #: its condition is asked again and again
    asks: ClassVar[bool] = False
    #: it starts processes on a schedule
    schedules: ClassVar[bool] = False
    #: it starts child processes
    calls_processes: ClassVar[bool] = False
    #: it starts one for each of its items, and people may add some
    takes_items: ClassVar[bool] = False
    #: it is done in the moment in which it is entered, so no clock runs meanwhile
    instant: ClassVar[bool] = False
    #: the whole process ends with it
    stops: ClassVar[bool] = False
    #: an event that stands ready from the creation of its host, as a task of its own
    arms: ClassVar[bool] = False
    #: an event that waits for an escalation from below its host
    listens: ClassVar[bool] = False
    #: an event that says how its host is taken back: no way that a token goes
    compensates: ClassVar[bool] = False
    #: a join that waits for the branches of earlier runs of its split
    blocking: bool = False
    #: the task whose border an event sits on
    host: Node | None = None
    #: whether an event ends the task that it sits on
    interrupting: bool = True
    #: the name of the signal that it throws or waits for
    signal: str | None = None
    #: under which programs elsewhere fetch it
    topic: str | None = None
    #: what a business rule decides by: `portal.flow.decisions.Table`
    table: Any = None
    #: the name of the message that it waits for on the border of a task
    message: str | None = None
    #: what it cancels, in its process
    region: Sequence[Reference] = ()
    #: what only one task of a process may hold at a time
    mutex: str | None = None
    #: a condition without which it may not be worked on
    milestone: Call | None = None
    #: nodes whose people may not do this one
    not_same_as: Sequence[Any] = ()
    permission: str | None = None
    #: the form by which a person does it
    view: Any = None
    #: who gets its task, and when that is due: a value, or what says it
    assigned: Any = None
    due: Any = None
    #: the author's code that it calls, and how often that is tried again
    func: Any = None
    retries: int = 0
    #: what decides between its ways, or what it waits for
    condition: Any = None
    #: the code of the error or escalation that it throws or catches
    code: Any = None
    #: the start of the flow that it calls, for what it calls it, and whether one after the other
    start: Any = None
    items: Any = None
    sequential: bool = False
    #: when a join goes on before every branch is in, and whether it cancels the others then
    count: int | None = None
    continue_on_condition: Any = None
    cancel_active: bool = True
    #: how long an event waits, until when, how often a schedule turns, and the schedule itself
    delay: Any = None
    until: Any = None
    interval: Any = None
    cron: str | None = None
    #: how often an event on a border fires again
    repeat: Any = None

    def __init__(self) -> None:
        self.name = ""
        #: the line that declares it
        self.place = declared_here()
        self.flow_class: type[Flow]
        self.outgoing: tuple[Edge, ...] = ()
        self.incoming: tuple[Edge, ...] = ()
        self.boundaries: tuple[Boundary, ...] = ()
        #: what it answers whenever it is done, and for which ways; None where an author's code gives their tasks
        #: something
        self._proceeds: tuple[tuple[Edge, ...], Done | None] = ((), Done())
        self._declared: list[Edge] = []
        self._attached: list[Boundary] = []
        self._undo: Call | None = None
        self._title = ""
        self.description = ""
        self.summary_template = ""
        self.result_template = ""

    @property
    def partial(self) -> bool:
        """Whether it is a join that may go on before every branch is in."""
        return False

    @property
    def item_ways(self) -> tuple[Edge, ...]:
        """The ways with a branch for each item of a data source; people may add some while they are under way."""
        return ()

    @property
    def kind(self) -> str:
        return type(self).__name__

    @property
    def title(self) -> str:
        return self._title or title_of(self.name)

    def __repr__(self) -> str:
        flow = f"{self.flow_class.__name__}." if self.name else ""
        return f"<{self.kind} {flow}{self.name}>"

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
            boundary = attached.bound(self.flow_class, f"{self.name}__{word}{suffix}")
            boundary.host = self
            boundaries.append(boundary)
        self.boundaries = tuple(boundaries)

    def word_of(self, edge: Edge) -> str:
        """The word of the language by which an author has declared one of its ways, for a message."""
        return f".{edge.kind.capitalize()}()"

    if not TYPE_CHECKING:  # a checker tells the slip by itself

        def __getattr__(self, name: str) -> Any:
            """Only asked for what there is not: an author's slip in a word of the language is told with the mend."""
            if name.startswith("_") or not (name[0].isupper() or name.startswith("on")):
                mend = self._instead_of_run() if name == "run" else ""
                text = f"{type(self).__name__!r} object has no attribute {name!r}{mend}"
                raise AttributeError(text, name=name, obj=self)
            words = [each for each in dir(type(self)) if each[0].isupper() or each == "onCreate"]
            kind = f"flow.{self.kind}"
            mend = guess(name, words, ".") if words else "; it has none"
            raise AttributeError(f"{kind}() has no word .{name}(){mend}", name=name, obj=self)

    def _instead_of_run(self) -> str:
        """How a program does what people do by a form, to be added to a message."""
        if not self.human or not hasattr(self, "flow_class"):  # it is not in a flow yet
            return ""
        if self.starts:
            return f"; people fill it in: write views.submit({self.flow_class.__name__}.{self.name}, user, …)"
        return "; people do it: write with task.activation(user) as activation: activation.execute()"

    # -- the language's machinery -----------------------------------------------------------------------

    def calls(self) -> Iterator[Called]:
        """What the engine will call, each with the words that name it in a message."""
        if self._undo is not None:
            yield Called("undo_func", self._undo)
        for edge in self._declared:
            for call in edge.calls:
                if call is not None:
                    yield Called(self.word_of(edge), call)

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
        try:
            return function(activation, *args, **kwargs)
        except Exception:
            raise
        except BaseException as error:
            raise ended(error) from error

    def value(self, given: Any, activation: Activation) -> Any:
        """What an author gave, or what it returns where that is to be called."""
        return self.call(given, activation) if is_call(given) else given

    def way(self, edge: Edge, activation: Activation) -> Way:
        """The edge with the data and the seed that its task gets."""
        data = self.call(edge.task_data, activation) if edge.task_data is not None else None
        seed = self.call(edge.task_seed, activation) if edge.task_seed is not None else None
        return Way(edge, checked_data(data), seed)

    def proceed(self, activation: Activation) -> Done:
        outgoing, plain = self._proceeds
        if outgoing is not self.outgoing:
            given = any(edge.task_data is not None or edge.task_seed is not None for edge in self.outgoing)
            plain = None if given else Done(tuple(map(Way, self.outgoing)))
            self._proceeds = self.outgoing, plain
        return plain or Done(tuple(self.way(edge, activation) for edge in self.outgoing))

    def enter(self, activation: Activation) -> Outcome:
        """A token has come in."""
        return self.proceed(activation)

    def resume(self, activation: Activation) -> Outcome:
        """The wait is over."""
        return self.proceed(activation)


def checked_list(said: str, given: Any) -> list[Any]:
    """The items that an author's source gave; `said` is the word by which it was declared."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(f"{said} gives a list, not {'None' if given is None else type(given).__name__}")
    return list(given)


def checked_data(data: Any) -> Mapping[str, Any] | None:
    if data is not None and not isinstance(data, Mapping):
        raise TypeError(f"a task's data is a mapping, not {type(data).__name__}")
    return data


class NextNode(Node):
    """A node with one way out."""

    def Next(
        self, node: Target, task_data: Call | None = None, task_seed: Call | None = None, *, label: str = ""
    ) -> Self:
        """Say which node comes next.

        Args:
            node: `this.name`, or a node declared above.
            task_data: a callable of the activation; the mapping that it returns is the next task's `data`.
            task_seed: a callable of the activation; the mapped object that it returns is the next task's `seed`.
            label: the words on the picture.
        """
        return self._way(node, task_data=task_data, task_seed=task_seed, text=label)
