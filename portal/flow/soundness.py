"""Finds, before a flow runs, paths that can never finish and joins that wait for nobody.

Source: soundness of workflow nets, van der Aalst (1997), for joins with the semantics of BPMN's inclusive gateway.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .graph import closing
from .reachability import Net, firing

if TYPE_CHECKING:
    from .base import Node
    from .definition import Definition

#: the ways of which one is chosen
CHOICES = ("then", "else", "case", "default")


def faults(definition: Definition) -> Iterator[str]:
    """Each fault as a sentence with the node, a path that leads into it, and the mend."""
    net = Net(definition)
    paths = _paths(definition)
    for name, behind in _traps(net, paths):
        yield _trap_fault(net, paths, name, behind)
    yield from _lonely_joins(definition, paths)


# -- what never ends ------------------------------------------------------------------------------------


def _traps(net: Net, paths: dict[str, list[str]]) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """One node of each set of nodes that a token cannot leave, with the paths from it into the set."""
    seen: set[str] = set()
    behind = {name: _stuck_behind(net, name) for name in paths if name not in net.finishing}
    for name, found in behind.items():
        if name in seen or any(name not in behind.get(other, ()) for other in found):
            continue
        seen |= {name, *found}
        if not net.is_rescued(name):
            yield name, found


def _stuck_behind(net: Net, name: str) -> dict[str, list[str]]:
    """What cannot finish behind a node, each with a path to it."""
    found: dict[str, list[str]] = {}
    waiting = deque([name])
    while waiting:
        at = waiting.popleft()
        for way, step in _steps(net.nodes[at]):
            if way in net.looks_at(at) and way not in net.finishing and way not in found:
                found[way] = [*found.get(at, []), *step]
                waiting.append(way)
    return found


def _has_end(net: Net, name: str) -> bool:
    return any(net.nodes[other].ends for other in net.reach(name))


def _trap_fault(net: Net, paths: dict[str, list[str]], name: str, behind: dict[str, list[str]]) -> str:
    if net.is_lost_race(name):
        way = _shown([*paths[name], net.ways[name][0]])
        return (
            f"{name}: a race that nobody can win: each branch leads straight into a Join ({way}: waits for the first "
            f"task of a branch); put a task into a branch"
        )
    way = _shown([*paths[name], *behind[name], "…"]) + _waiting_join(net, name)
    if not any(net.nodes[each].splits and _has_end(net, each) for each in (name, *behind)):
        return f"{name}: a path that never ends ({way}); lead it, or a branch of it, to an End"
    return (
        f"{name}: a path that never ends ({way}): a Split takes the way back each time; lead that branch to an End, or "
        f"put an If into it"
    )


def _waiting_join(net: Net, name: str) -> str:
    """The join that waits for a branch which never comes."""
    for split, joins in net.definition.joins.items():
        for join in sorted(joins):
            if name in net.reach(split) and join in net.reach(name) and not net.nodes[join].partial:
                return f": {join} waits for it"
    return ""


# -- joins that wait for nobody -------------------------------------------------------------------------


def _lonely_joins(definition: Definition, paths: dict[str, list[str]]) -> Iterator[str]:
    """An exclusive choice into a join: one token comes where several ways meet. BPMN's parallel gateway would stick."""
    for name, node in definition.nodes.items():
        if not node.merges or name not in paths:
            continue
        leading = [split for split, joins in definition.joins.items() if name in joins]
        if not leading:
            yield (
                f"{name}: a Join that no split leads to ({_shown(paths[name])}); remove it, as the ways of a choice "
                "meet at any node, or lead the branches of a Split to it"
            )
        elif len(node.incoming) > 1 and not any(_meet(definition.nodes[split], name) for split in leading):
            yield (
                f"{name}: a Join that waits for nobody: no two branches of one Split meet at it "
                f"({_shown(paths[name])}); remove it, or lead two branches of a Split to it"
            )


def _meet(split: Node, join: str) -> bool:
    """Whether tokens of one split can meet at a join."""
    edges = [edge for edge in split.outgoing if _comes_to(edge.target, join)]
    return len(edges) > 1 or any(edge.multiple or _divides(edge.target, join) for edge in edges)


def _comes_to(node: Node, join: str) -> bool:
    """Whether a branch that begins here comes to a join, itself or by an inner split that leads there too."""
    joins = node.flow_class.definition.joins
    return join in closing(node, lambda at: at.splits and join not in joins[at.name])


def _divides(node: Node, join: str) -> bool:
    """Whether an event begins a second path beside a task of this branch, before the join."""
    definition = node.flow_class.definition
    between = [definition.nodes[name] for name in {node.name, *definition.reach[node.name]}]
    return any(
        not each.interrupting and join in definition.reach[each.name]
        for host in between
        for each in firing(host)
    )


# -- paths ------------------------------------------------------------------------------------------------


def _steps(node: Any) -> Iterator[tuple[str, list[str]]]:
    """Where a node leads, each with the words for it: the choice, and the name."""
    for edge in node.outgoing:
        label = edge.label.lower() if edge.kind in CHOICES else ""
        yield edge.target.name, [*([f"({label})"] if label else []), edge.target.name]
    for boundary in firing(node):
        yield boundary.name, [boundary.name]


def _paths(definition: Definition) -> dict[str, list[str]]:
    """A shortest way from a start to each node."""
    found = {start.name: [start.name] for start in definition.starts}
    waiting = deque(found)
    while waiting:
        name = waiting.popleft()
        for way, step in _steps(definition.nodes[name]):
            if way not in found:
                found[way] = [*found[name], *step]
                waiting.append(way)
    return found


def _shown(way: list[str]) -> str:
    return " → ".join(way)
