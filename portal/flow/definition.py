"""The definition of a flow: the graph of its nodes, made of the body of its class and checked."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

from portal.errors import Fault, FlowError
from portal.language import lazy_gettext

from . import callables, graph, source, validation
from .base import Edge, Node, title_of
from .names import guess
from .reference import Owner, Reference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .declaration import Flow


class _Standing(dict[tuple[str, str, str], "Node | None"]):
    """See `Definition.standing`. Asked many times in each action, and for each row of a list."""

    def __init__(self, nodes: dict[str, Node]) -> None:
        super().__init__()
        self._nodes = nodes

    def __missing__(self, key: tuple[str, str, str]) -> Node | None:
        name, kind, status = key
        node = self._nodes.get(name)
        found = self[key] = node if node is not None and node.takes_over(kind, status) else None
        return found


@dataclasses.dataclass(frozen=True, eq=False)
class Definition:
    """What a flow class declares, resolved and found sound."""

    flow_class: type[Flow]
    label: str
    title: str
    description: str
    process_class: Any
    #: by name in the order of declaration, each boundary event behind its host
    nodes: dict[str, Node]

    @cached_property
    def starts(self) -> list[Node]:
        return [node for node in self.nodes.values() if node.starts]

    @cached_property
    def fingerprint(self) -> str:
        """Changes when a node or an edge comes, goes or turns into another kind; not with a title or a function."""
        graph = sorted(
            (name, node.kind, sorted((edge.kind, edge.target.name) for edge in node.outgoing))
            for name, node in self.nodes.items()
        )
        return hashlib.sha256(repr(graph).encode()).hexdigest()[:16]

    @cached_property
    def reach(self) -> dict[str, frozenset[str]]:
        """The names of the nodes that a token at a node can still come to."""
        return {name: frozenset(graph.in_order(node)) for name, node in self.nodes.items()}

    @cached_property
    def joins(self) -> dict[str, frozenset[str]]:
        """The joins where the branches of a split meet, by the name of the split."""
        return {node.name: _joins_of(node) for node in self.nodes.values() if node.splits}

    @cached_property
    def merging(self) -> frozenset[str]:
        """The names of the nodes where tokens meet."""
        return frozenset(name for name, node in self.nodes.items() if node.merges)

    @cached_property
    def cut_off(self) -> dict[str, frozenset[str]]:
        """For each of these the names of the nodes from which no token can come to it."""
        return {
            join: frozenset(name for name in self.nodes if join not in self.reach[name] and name != join)
            for join in self.merging
        }

    @cached_property
    def racing(self) -> frozenset[str]:
        """The names of the nodes whose branches race."""
        return frozenset(name for name, node in self.nodes.items() if node.races)

    @cached_property
    def has_mutexes(self) -> bool:
        return any(node.mutex is not None for node in self.nodes.values())

    @cached_property
    def standing(self) -> dict[tuple[str, str, str], Node | None]:
        """The node at which a task goes on, by the name of its node, of which kind that was when the task came, and
        its status. None when the code no longer has it, or what waits there now waits for something else."""
        return _Standing(self.nodes)

    def common_join(self, split: Node) -> Node | None:
        """The nearest join to which all branches of a split lead."""
        shared = frozenset.intersection(*(graph.closing(edge.target) for edge in split.outgoing))
        return next((self.nodes[name] for name in graph.in_order(split) if name in shared), None)


def define(flow_class: type[Flow]) -> None:
    """Give a flow class its definition.

    Raises:
        FlowError: a fault, with the class, the node and the mend.
    """
    if "definition" in vars(flow_class):
        raise _ours(flow_class, "definition", vars(flow_class)["definition"])
    title, description = docstring_of(flow_class)
    definition = Definition(
        flow_class=flow_class,
        label=label_of(flow_class.__name__),
        title=lazy_gettext(title or title_of(label_of(flow_class.__name__))),
        description=lazy_gettext(description),
        process_class=flow_class.process_class,
        nodes={},
    )
    flow_class.definition = definition
    for name, node in _declared(flow_class):
        bound = node.bound(flow_class, name)
        setattr(flow_class, name, bound)
        definition.nodes[name] = bound
        for boundary in bound.boundaries:
            definition.nodes[boundary.name] = boundary
    faults = list(_resolve(definition)) or list(validation.faults(definition))
    if faults:
        raise FlowError(faults=[_placed(definition, fault) for fault in faults])


def _placed(definition: Definition, fault: str) -> Fault:
    """A fault, which begins with the name of what it is about, with the line of the declaration."""
    name, _, text = fault.partition(": ")
    node = definition.nodes.get(name)
    place = source.of_attribute(definition.flow_class, name) if node is None else node.place
    where = definition.flow_class.__name__ + (f".{name}" if name else "")
    return Fault(where, text, *place)


def _ours(flow_class: type[Flow], name: str, value: Any) -> FlowError:
    place = value.place if isinstance(value, Node) else source.of_class(flow_class)
    where, text = f"{flow_class.__name__}.{name}", f"the name `{name}` is ours; give the node another name"
    return FlowError(faults=[Fault(where, text, *place)])


def _joins_of(split: Node) -> frozenset[str]:
    """The joins of a split. Where none is left for it, a race on a branch opens no bracket: one branch of the race is
    left, which may go straight to the outer split's join."""
    ends = [graph.closing(edge.target) for edge in split.outgoing]
    if not any(ends):
        ends = [graph.closing(edge.target, lambda at: at.splits and not at.races) for edge in split.outgoing]
    return frozenset().union(*ends)


def _declared(flow_class: type[Flow]) -> Iterator[tuple[str, Node]]:
    """The nodes of a class and of those it inherits from; an heir's own come in the place of the old ones."""
    found: dict[str, Node] = {}
    for base in reversed(flow_class.__mro__):
        for name, value in vars(base).items():
            if isinstance(value, Node):
                found[name] = value
            elif name in found:
                del found[name]
    for name, node in found.items():
        if name.startswith("_") or "__" in name or name in validation.RESERVED:
            raise _ours(flow_class, name, node)
        yield name, node


def _resolve(definition: Definition) -> Iterator[str]:
    """Lead every edge to its node, and tell what cannot be led or called."""
    nodes = definition.nodes
    incoming: dict[str, list[Edge]] = {name: [] for name in nodes}
    for node in nodes.values():
        edges = []
        for edge in node._declared:
            target = _target(definition, edge)
            if target is None:
                yield f"{node.name}: {_lost(definition, edge)}"
                continue
            edges.append(dataclasses.replace(edge, source=node, target=target))
            incoming[target.name].append(edges[-1])
        node.outgoing = tuple(edges)
        for called in node.calls():
            yield from (f"{node.name}: {fault}" for fault in callables.faults(definition, called))
    for name, found in incoming.items():
        nodes[name].incoming = tuple(found)


def _target(definition: Definition, edge: Edge) -> Node | None:
    """The node of this flow that an edge names; None where there is none."""
    target = edge.target
    if isinstance(target, Reference):
        return definition.nodes.get(target.name)
    if not isinstance(target, Node):
        return None
    if target.name and not issubclass(definition.flow_class, target.flow_class):
        return None
    name = target.name or next((n for n, v in vars(definition.flow_class).items() if v is target), None)
    name = name or next((n for n, v in definition.nodes.items() if v._declared is target._declared), None)
    return definition.nodes.get(name or "")


def _lost(definition: Definition, edge: Edge) -> str:
    """Why an edge leads nowhere, with the mend."""
    target, word = edge.target, edge.source.word_of(edge)
    if isinstance(target, str):
        mend = f"write this.{target}" if target in definition.nodes else "write this.<node>"
        return f"{word} got the text {target!r}; {mend}"
    if isinstance(target, Owner):
        return f"{word} leads to a node, not to an owner: {target!r}; write this.{target.node}"
    if isinstance(target, Node) and target.name:
        flow = target.flow_class.__name__
        return (
            f"{word} leads to {flow}.{target.name}, a node of another flow; call that flow with flow.Subprocess, or "
            f"name a node of this one: this.<node>"
        )
    if isinstance(target, Node):
        mend = "declare it in the class and name it: this.<node>"
        return f"{word} leads to a {target.kind} that is no node of this flow; {mend}"
    if not isinstance(target, Reference):
        return (
            f"{word} leads to {target!r}, which is no node; write this.<node>{guess(None, definition.nodes)}"
        )
    return f"leads to {target!r}, which is no node of this flow{guess(target.name, definition.nodes)}"


def label_of(class_name: str) -> str:
    """`HelloWorldFlow` is `hello_world`."""
    name = class_name.removesuffix("Flow") or class_name
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def docstring_of(cls: type) -> tuple[str, str]:
    """The title and the description in the docstring of a flow."""
    text = inspect.cleandoc(cls.__dict__.get("__doc__") or "")
    title, _, description = text.partition("\n")
    return title.strip(), " ".join(description.split())
