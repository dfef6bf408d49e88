"""A flow's picture in words, for people who do not see it, and for phones."""

from __future__ import annotations

import dataclasses
from typing import Any

from .layout import host_of
from .shapes import is_boundary, shape_of
from .state import ChartState
from .words import caption


@dataclasses.dataclass(frozen=True, slots=True)
class Way:
    """Where a step leads."""

    #: empty: always
    condition: str
    target: str
    title: str
    #: a token has gone this way
    passed: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One node in words."""

    name: str
    #: what it is: "Task for a person", "Decision" …
    kind: str
    title: str
    description: str
    ways: tuple[Way, ...]
    #: failed, current, done, canceled, ahead, plain; empty without a state
    state: str = ""
    #: the same for people: "Done", "2 open, 1 failed"
    words: str = ""
    badge: str = ""
    #: for boundary events: the title of the step that they watch
    host: str = ""
    interrupting: bool = True


def steps(flow_class: Any, state: ChartState | None = None) -> list[Step]:
    """The nodes in reading order: along the flow from its starts, each branch to its end before the next."""
    return [_step(node, state) for node in reading_order(flow_class._definition)]


def reading_order(definition: Any) -> list[Any]:
    """All nodes, a node after those that lead to it (loops aside), boundary events behind their hosts."""
    ranks = _depths(definition)
    place = {name: number for number, name in enumerate(definition.nodes)}
    order = sorted(
        (node for node in definition.nodes.values() if not is_boundary(node)),
        key=lambda node: (ranks[node.name], place[node.name]),
    )
    found = []
    for node in order:
        found.append(node)
        found.extend(other for other in definition.nodes.values() if is_boundary(other) and other.host is node)
    return found


def _depths(definition: Any) -> dict[str, int]:
    """The length of the longest way from a start to each node, without going back."""
    depths: dict[str, int] = {}
    finished: list[str] = []
    seen: set[str] = set()

    def visit(name: str) -> None:
        stack = [(name, iter(_next(definition.nodes[name], definition)))]
        seen.add(name)
        while stack:
            top, following = stack[-1]
            target = next((t for t in following if t not in seen), None)
            if target is None:
                finished.append(top)
                stack.pop()
            else:
                seen.add(target)
                stack.append((target, iter(_next(definition.nodes[target], definition))))

    hosts = [node for node in definition.nodes.values() if not is_boundary(node)]
    for node in sorted(hosts, key=lambda node: bool(node.incoming)):
        if node.name not in seen:
            visit(node.name)
    position = {name: -number for number, name in enumerate(finished)}
    for name in reversed(finished):
        depths.setdefault(name, 0)
        for target in _next(definition.nodes[name], definition):
            if position[target] > position[name]:
                depths[target] = max(depths.get(target, 0), depths[name] + 1)
    return depths


def _next(node: Any, definition: Any) -> list[str]:
    return [
        edge.target.name for other in definition.nodes.values() for edge in other.outgoing if host_of(other) is node
    ]


def _step(node: Any, state: ChartState | None) -> Step:
    ways = tuple(
        Way(
            " · ".join(filter(None, (edge.label, "for each item" if edge.multiple else ""))),
            edge.target.name,
            caption(edge.target),
            state is not None and (edge.source.name, edge.target.name) in state.passed,
        )
        for edge in node.outgoing
    )
    return Step(
        name=node.name,
        kind=shape_of(node).word,
        title=caption(node),
        description=node.description,
        ways=ways,
        state=state.of(node.name) if state else "",
        words=state.words(node.name) if state else "",
        badge=str(state.badges.get(node.name, "")) if state else "",
        host=caption(node.host) if is_boundary(node) else "",
        interrupting=getattr(node, "interrupting", True),
    )
