"""A flow's declaration as plain JSON, from which an old version of it can still be drawn."""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Iterator, Mapping
from typing import Any

from portal import language
from portal.working_time import WorkingTime

from .base import Edge, Node

#: what a picture says of a node beside its name and its ways; kept where it is not as every node has it
_PLAIN = (
    "interrupting", "sequential", "count", "cancel_active", "blocking", "mutex", "topic", "signal", "message",
    "starts", "compensates",
)  # fmt: skip
#: rebuilt declarations that are at hand: a picture's layout is kept by its flow
_AT_HAND = 64


class KeptFlow:
    """Stands for the class of a flow that the code no longer has, to be drawn."""

    def __init__(self, definition: Any) -> None:
        self.definition = definition
        self.process_class = None


class Declaration:
    """Stands for the definition of such a flow, with the attributes that a picture asks for."""

    title: str
    description: str
    nodes: dict[str, Any]
    starts: list[Any]

    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)


class KeptNode(Node):
    """A node as it was declared: it can be drawn, and nothing else."""

    def __init__(self, flow_class: KeptFlow, name: str, kind: str) -> None:
        self.flow_class, self.name, self._kind = flow_class, name, kind  # type: ignore[assignment]
        self.outgoing = self.incoming = ()
        self.boundaries = ()
        self._title = self.description = ""
        #: of a deadline: how often it fires
        self.times_to_fire: int | None = 1

    @property
    def kind(self) -> str:
        return self._kind


def document(flow_class: Any) -> dict[str, Any]:
    """A flow's declaration as JSON."""
    with language.use("en"):
        definition = flow_class.definition
        return {"title": str(definition.title), "nodes": [_node(node) for node in definition.nodes.values()]}


def _node(node: Any) -> dict[str, Any]:
    kept = {name: getattr(node, name) for name in _PLAIN if getattr(node, name) != getattr(Node, name)}
    found: dict[str, Any] = {"name": node.name, "kind": _kind(node), "title": str(node._title), **kept}
    if node.host is not None:
        found["host"] = node.host.name
    if node.code:
        found["code"] = node.code.__name__ if isinstance(node.code, type) else str(node.code)
    if node.continue_on_condition is not None:
        found["continue_on_condition"] = True
    if node.kind == "TimeoutBoundary":
        spans = {"delay": _span(node.delay), "interval": _span(node.interval)}
        found |= {"times_to_fire": node.times_to_fire} | {name: each for name, each in spans.items() if each}
    found["ways"] = [
        {"to": edge.target.name, "kind": edge.kind, "text": str(edge.label)}
        | ({"multiple": True} if edge.multiple else {})
        | ({"condition": True} if edge.condition is not None else {})
        for edge in node.outgoing
    ]
    return found


def _kind(node: Any) -> str:
    """The kind of the language that a node is, also where an author has made one of their own."""
    return next(cls.__name__ for cls in type(node).__mro__ if cls.__module__.startswith("portal."))


def _span(value: Any) -> dict[str, Any] | None:
    if isinstance(value, dt.timedelta):
        return {"seconds": value.total_seconds()}
    if isinstance(value, WorkingTime):
        return {"days": value.days, "hours": value.hours}
    return {"at": value.isoformat()} if isinstance(value, dt.datetime) else None


def _read_span(kept: Mapping[str, Any] | None) -> Any:
    if kept is None:
        return None
    if "seconds" in kept:
        return dt.timedelta(seconds=kept["seconds"])
    return dt.datetime.fromisoformat(kept["at"]) if "at" in kept else WorkingTime(**kept)


def read(kept: Mapping[str, Any]) -> Any:
    """A flow to be drawn, of what `document` has made; the same one for the same document."""
    return _read(json.dumps(kept, sort_keys=True))


@functools.lru_cache(maxsize=_AT_HAND)
def _read(text: str) -> KeptFlow:
    kept = json.loads(text)
    nodes: dict[str, Any] = {}
    found = KeptFlow(Declaration(nodes=nodes, title=kept["title"], description="", label=""))
    for each in kept["nodes"]:
        nodes[each["name"]] = _read_node(found, each)
    edges = list(_ways(kept["nodes"], nodes))
    for each in kept["nodes"]:
        node = nodes[each["name"]]
        node.host = nodes.get(each.get("host", ""))
        node.outgoing = tuple(edge for edge in edges if edge.source is node)
        node.incoming = tuple(edge for edge in edges if edge.target is node)
    for node in nodes.values():
        node.boundaries = tuple(each for each in nodes.values() if each.host is node)
    found.definition.starts = [node for node in nodes.values() if node.starts]
    return found


def _read_node(flow_class: KeptFlow, kept: Mapping[str, Any]) -> KeptNode:
    node = KeptNode(flow_class, kept["name"], kept["kind"])
    node._title = kept["title"]
    for name in (*_PLAIN, "code", "continue_on_condition", "times_to_fire"):
        if name in kept:
            setattr(node, name, kept[name])
    node.delay, node.interval = _read_span(kept.get("delay")), _read_span(kept.get("interval"))
    return node


def _ways(kept: list[Any], nodes: Mapping[str, Any]) -> Iterator[Edge]:
    for each in kept:
        for way in each["ways"]:
            if way["to"] in nodes:
                yield Edge(
                    nodes[each["name"]],
                    nodes[way["to"]],
                    way["kind"],
                    condition=(lambda activation: True) if way.get("condition") else None,
                    multiple=way.get("multiple", False),
                    text=way["text"],
                )
