"""The definition of a flow: the graph of its nodes, made of the body of its class and checked."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

from portal.errors import FlowError

from . import graph, validation
from .base import Edge, Node, title_of
from .reference import Owner, Reference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .declaration import Flow


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
    def has_mutexes(self) -> bool:
        return any(node.mutex is not None for node in self.nodes.values())

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
        raise FlowError(
            f"{flow_class.__name__}.definition: the name `definition` is ours; give it another name"
        )
    title, description = docstring_of(flow_class)
    definition = Definition(
        flow_class=flow_class,
        label=label_of(flow_class.__name__),
        title=title or title_of(label_of(flow_class.__name__)),
        description=description,
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
    _resolve(definition)
    faults = list(validation.faults(definition))
    if faults:
        raise FlowError("\n".join(faults))


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
            raise FlowError(
                f"{flow_class.__name__}.{name}: the name `{name}` is ours; give the node another name"
            )
        yield name, node


def _resolve(definition: Definition) -> None:
    nodes = definition.nodes
    incoming: dict[str, list[Edge]] = {name: [] for name in nodes}
    for node in nodes.values():
        edges = []
        for edge in node._declared:
            target = _target(definition, node, edge)
            edges.append(dataclasses.replace(edge, source=node, target=target))
            incoming[target.name].append(edges[-1])
        node.outgoing = tuple(edges)
        for name, call in node.calls():
            _check_call(definition, node, name, call)
    for name, found in incoming.items():
        nodes[name].incoming = tuple(found)


def _target(definition: Definition, node: Node, edge: Edge) -> Node:
    target = edge.target
    where = f"{definition.flow_class.__name__}.{node.name}"
    if isinstance(target, Owner):
        raise FlowError(f"{where}: .{edge.kind.capitalize()}() leads to a node, not to an owner: {target!r}")
    name = target.name if isinstance(target, Reference | Node) else None
    if isinstance(target, Node) and not name:
        name = next((n for n, v in vars(definition.flow_class).items() if v is target), None)
        name = name or next((n for n, v in definition.nodes.items() if v._declared is target._declared), None)
    if name is None or name not in definition.nodes:
        raise FlowError(
            f"{where}: leads to {target!r}, which is no node of this flow{validation.guess(name, definition.nodes)}"
        )
    return definition.nodes[name]


def _check_call(definition: Definition, node: Node, what: str, call: Any) -> None:
    where = f"{definition.flow_class.__name__}.{node.name}"
    if isinstance(call, Owner):
        if call.node not in definition.nodes:
            raise FlowError(
                f"{where}: {what} names {call!r}, but there is no node `{call.node}`"
                f"{validation.guess(call.node, definition.nodes)}"
            )
    elif isinstance(call, Reference):
        known = _methods(definition.flow_class)
        if call.name not in known:
            raise FlowError(
                f"{where}: {what} names {call!r}, but the flow has no method `{call.name}`"
                f"{validation.guess(call.name, known)}"
            )
    elif not callable(call):
        raise FlowError(
            f"{where}: {what}: {call!r} is no function; give this.method, a function, a lambda or act.…"
        )


def _methods(flow_class: type[Flow]) -> list[str]:
    """The names of what an author can mean by `this.method`."""
    names = (name for name in dir(flow_class) if not name.startswith("__") and name != "process_class")
    named = {name: getattr(flow_class, name) for name in names}
    return [name for name, value in named.items() if callable(value) and not isinstance(value, Node)]


def label_of(class_name: str) -> str:
    """`HelloWorldFlow` is `hello_world`."""
    name = class_name.removesuffix("Flow") or class_name
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def docstring_of(cls: type) -> tuple[str, str]:
    """The title and the description in the docstring of a flow."""
    text = inspect.cleandoc(cls.__dict__.get("__doc__") or "")
    title, _, description = text.partition("\n")
    return title.strip(), " ".join(description.split())
