"""What can never finish, found on the flow's net before it runs.

A join waits only for branches that can still arrive, so no join can wait for ever. What is left to find is, as with the
productive symbols of a grammar, a least fixed point: a node finishes if one of its ways does; a parallel split finishes
if all the branches do that are always taken. What is not in it starts itself again and again.

Source: soundness of workflow nets, van der Aalst (1997), for joins with the semantics of BPMN's inclusive gateway.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .base import Edge, Node
    from .definition import Definition


def faults(definition: Definition) -> Iterator[str]:
    """Each fault as a sentence with the node, a path that leads into it, and the mend."""
    paths = _paths(definition)
    yield from _traps(definition, paths)
    yield from _lonely_joins(definition, paths)


# -- what never ends ------------------------------------------------------------------------------------


def _traps(definition: Definition, paths: dict[str, list[str]]) -> Iterator[str]:
    finishing = Finishing(definition).names
    told: set[str] = set()
    for name, node in definition.nodes.items():
        if name in finishing or name not in paths:
            continue
        circle = _circle(node, finishing)
        if told.isdisjoint(circle):
            first = min(circle[:-1], key=list(definition.nodes).index)
            way = [*paths[circle[0]], *circle[1:]]
            yield f"{first}: a path that never ends ({_shown(way)}); lead it, or a branch of it, to an End"
        told.update(circle)


class Finishing:
    """The names of the nodes from which a token, and all that it starts, can come to an end."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.names: set[str] = {name for name, node in definition.nodes.items() if self._is_given(node)}
        #: nodes behind which the whole process may be ended, whatever else goes on in it
        self.ending = {name for name in definition.nodes if self._may_end_all(name)}
        rest = [node for name, node in definition.nodes.items() if name not in self.names]
        while found := [node for node in rest if self._finishes(node)]:
            self.names.update(node.name for node in found)
            rest = [node for node in rest if node.name not in self.names]

    def _is_given(self, node: Node) -> bool:
        """An end; what others cancel; what no token comes to; and what lacks a way out, which is a fault of its own."""
        regions = {
            each.name for other in self.definition.nodes.values() for each in getattr(other, "region", ())
        }
        return node.ends or not node.outgoing or getattr(node, "compensates", False) or node.name in regions

    def _may_end_all(self, name: str) -> bool:
        nodes = self.definition.nodes
        return any(nodes[other].ends and nodes[other].kind != "End" for other in self.definition.reach[name])

    def _finishes(self, node: Node) -> bool:
        if any(each.name in self.names for each in node.boundaries if getattr(each, "interrupting", True)):
            return True
        fine = [edge for edge in node.outgoing if edge.target.name in self.names]
        if not node.splits or getattr(node, "races", False) or self._is_cut_short(node):
            return bool(fine)
        always = _always(node)
        return bool(fine) and all(edge in fine for edge in always)

    def _is_cut_short(self, split: Node) -> bool:
        """Whether branches may be cancelled: by a partial join, or by an end of the whole process."""
        joins = (self.definition.nodes[name] for name in self.definition.joins[split.name])
        partial = any(getattr(j, "partial", False) and j.cancel_active for j in joins)  # type: ignore[attr-defined]
        return partial or split.name in self.ending


def _always(split: Node) -> list[Edge]:
    return [edge for edge in split.outgoing if edge.condition is None and not edge.multiple]


def _circle(node: Node, finishing: set[str]) -> list[str]:
    """From a node that cannot finish to where it comes round: the last name is there twice."""
    way: list[str] = []
    while node.name not in way:
        way.append(node.name)
        node = _next_in_trap(node, finishing)
    way.append(node.name)
    return way[way.index(node.name) :]


def _next_in_trap(node: Node, finishing: set[str]) -> Node:
    edges = _always(node) or list(node.outgoing) if node.splits else list(node.outgoing)
    targets = [edge.target for edge in edges if edge.target.name not in finishing]
    target: Node = targets[0]
    return target


# -- joins that wait for nobody -------------------------------------------------------------------------


def _lonely_joins(definition: Definition, paths: dict[str, list[str]]) -> Iterator[str]:
    """An exclusive choice into a join: one token comes where several ways meet. BPMN's parallel gateway would stick."""
    for name, node in definition.nodes.items():
        if not node.merges or name not in paths:
            continue
        leading = [split for split, joins in definition.joins.items() if name in joins]
        if not leading:
            yield (
                f"{name}: a Join that no split leads to ({_shown(paths[name])}); "
                "remove it, or lead the branches of a Split to it"
            )
        elif len(node.incoming) > 1 and not any(_meet(definition.nodes[split], name) for split in leading):
            yield (
                f"{name}: a Join that waits for nobody: the ways that lead to it are choices of one branch "
                f"({_shown(paths[name])}); remove it, or lead two branches of a Split to it"
            )


def _meet(split: Node, join: str) -> bool:
    """Whether tokens of one split can meet at a join."""
    from .check import closing

    edges = [edge for edge in split.outgoing if join in closing(edge.target)]
    return len(edges) > 1 or any(edge.multiple for edge in edges)


# -- paths ------------------------------------------------------------------------------------------------


def _paths(definition: Definition) -> dict[str, list[str]]:
    """A shortest way from a start to each node."""
    found = {start.name: [start.name] for start in definition.starts}
    level: list[Node] = list(definition.starts)
    while level:
        following: list[Node] = []
        for node in level:
            for target in [*(edge.target for edge in node.outgoing), *node.boundaries]:
                if target.name not in found:
                    found[target.name] = [*found[node.name], target.name]
                    following.append(target)
        level = following
    return found


def _shown(way: list[str]) -> str:
    return " → ".join(way)
