"""A flow's picture in words, for people who do not see it, and for phones."""

from __future__ import annotations

import dataclasses
from typing import Any

from .order import reading_order
from .shapes import is_boundary, shape_of
from .state import ChartState
from .words import caption, label, notes


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
    #: what it is: "Task", "Decision" …
    kind: str
    title: str
    description: str
    #: what the picture says in small below the title
    notes: tuple[str, ...]
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
    return [_step(node, state) for node in reading_order(flow_class.definition)]


def _step(node: Any, state: ChartState | None) -> Step:
    ways = tuple(
        Way(
            label(edge),
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
        notes=notes(node),
        ways=ways,
        state=state.of(node.name) if state else "",
        words=", ".join(filter(None, (state.words(node.name), state.lines.get(node.name)))) if state else "",
        badge=str(state.badges.get(node.name, "")) if state else "",
        host=caption(node.host) if is_boundary(node) else "",
        interrupting=node.interrupting,
    )
