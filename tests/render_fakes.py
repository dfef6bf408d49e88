"""Flows built from a few lines of text, so that pictures are tested without the language's own rules."""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass(eq=False)
class FakeNode:
    name: str
    kind: str
    title: str
    description: str = ""
    flow_class: Any = None
    outgoing: tuple[Any, ...] = ()
    incoming: tuple[Any, ...] = ()
    host: Any = None
    interrupting: bool = True
    sequential: bool = False
    code: str = ""
    delay: Any = None
    continue_on_condition: Any = None
    _title: str = ""
    start: Any = None
    func: Any = None
    condition: Any = None
    items: Any = None
    count: int | None = None
    cancel_active: bool = True
    blocking: bool = False
    signal: str | None = None
    message: str | None = None
    region: Any = ()
    mutex: str | None = None
    milestone: Any = None
    until: Any = None
    interval: Any = None
    cron: str | None = None
    repeat: Any = None
    topic: str | None = None
    table: Any = None
    assigned: Any = None
    due: Any = None
    retries: int = 0
    times_to_fire: int | None = 1
    boundaries: tuple[FakeNode, ...] = ()


@dataclasses.dataclass(eq=False)
class FakeEdge:
    source: FakeNode
    target: FakeNode
    kind: str = "next"
    label: str = ""
    multiple: bool = False
    condition: Any = None


@dataclasses.dataclass(eq=False)
class FakeDefinition:
    flow_class: Any
    nodes: dict[str, FakeNode]
    label: str = "fake"
    title: str = "A flow"
    description: str = ""
    process_class: Any = None


def make_flow(nodes: dict[str, Any], edges: list[tuple[Any, ...]], **fields: Any) -> Any:
    """A flow class.

    Args:
        nodes: name -> kind, or name -> a dict with `kind` and further fields; `host` is a name.
        edges: (source, target), (source, target, label) or (source, target, label, dict of further fields).
    """
    flow_class = type("FakeFlow", (), {})
    made: dict[str, FakeNode] = {}
    for name, given in nodes.items():
        values = {"kind": given} if isinstance(given, str) else dict(given)
        values.setdefault("title", name.replace("_", " ").capitalize())
        if "host" in values:
            values["host"] = made[values["host"]]
        made[name] = FakeNode(name=name, flow_class=flow_class, **values)
        if made[name].host is not None:
            made[name].host.boundaries += (made[name],)
    for source, target, *rest in edges:
        extra = rest[1] if len(rest) > 1 else {}
        edge = FakeEdge(made[source], made[target], label=rest[0] if rest else "", **extra)
        edge.source.outgoing += (edge,)
        edge.target.incoming += (edge,)
    flow_class.definition = FakeDefinition(flow_class, made, **fields)  # type: ignore[attr-defined]
    return flow_class
