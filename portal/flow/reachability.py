"""Computes from which nodes of a flow a token can reach an end.

The net has a place for each node. A token at an exclusive choice, or at a task with events on its border, goes *one* of
its ways: somebody may choose it, so one way that can finish is enough. A token at a Split goes *every* way without a
`case` or a data source: all of them must finish. That makes an and-or graph, and "can finish" is its least fixed
point, found in one step for each edge at most: no states are enumerated, so wide splits cost nothing.

Joins need no rule of their own, other than in BPMN: ours waits only for branches that can still arrive. Those are
deeper in the path of tokens than the Join, so Joins never wait for each other in a circle. A Join waits for ever
exactly if one of its branches can neither finish nor leave.

What another branch may end (a terminating end, a cancelling Join, a CancelRegion) counts as if it did: in doubt the
check is silent, because it must never refuse a flow that works.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .definition import Definition


class Net:
    """The net of a flow.

    Attributes:
        finishing: the nodes from which a token can finish, each with the number of steps in which that was found: who
            always goes to a lower number gets to an end.
        visited: how many nodes were looked at for that.
    """

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.nodes: dict[str, Any] = dict(definition.nodes)
        self.ways = {name: list(_ways(node)) for name, node in self.nodes.items()}
        regions = (node.region for node in self.nodes.values())
        self.cancelled = {each.name for region in regions for each in region if hasattr(each, "name")}
        self.empty_joins = {name: self._empty_join(name) for name, node in self.nodes.items() if node.splits}
        self.visited = 0
        self.stopping: frozenset[str] = frozenset()
        self.finishing = self._fixed_point()
        stopping = self._stopping()
        if stopping:
            self.stopping = stopping
            self.finishing = self._fixed_point()

    # -- can finish ---------------------------------------------------------------------------------------

    def _fixed_point(self) -> dict[str, int]:
        users: dict[str, list[str]] = {name: [] for name in self.nodes}
        for name in self.nodes:
            for target in self.looks_at(name):
                users[target].append(name)
        found: dict[str, int] = {}
        waiting = deque(self.nodes)
        while waiting:
            name = waiting.popleft()
            if name in found:
                continue
            self.visited += 1
            if self._can_finish(name, found):
                found[name] = len(found)
                waiting.extend(users[name])
        return found

    def looks_at(self, name: str) -> set[str]:
        looked = {*self.ways[name], *self._beside(name)}
        if join := self.empty_joins.get(name):
            looked.add(join)
        return looked

    def _can_finish(self, name: str, found: dict[str, int]) -> bool:
        node, ways = self.nodes[name], self.ways[name]
        if not ways or name in self.cancelled:  # an end, or a fault that is told elsewhere
            return True
        if any(way in self.stopping for way in self._parallel(name)):
            return True
        if self.is_lost_race(name):
            return False
        if node.splits and not node.races:
            return self._split_can_finish(name, found)
        return any(way in found for way in ways)

    def _split_can_finish(self, name: str, found: dict[str, int]) -> bool:
        required = self.required(name)
        if required and all(way in found for way in required):
            return True
        if any(way in found for way in self.ways[name]) and (not required or self._cancelling_joins(name)):
            return True
        join = self.empty_joins[name]
        return not required and (join is None or join in found)

    def required(self, split: str) -> list[str]:
        """Where every run of a split sends a token."""
        edges = self.nodes[split].outgoing
        return [edge.target.name for edge in edges if edge.condition is None and not edge.multiple]

    def is_lost_race(self, name: str) -> bool:
        """Whether no branch of a race has a task that could win it."""
        node = self.nodes[name]
        return node.races and bool(node.outgoing) and all(edge.target.merges for edge in node.outgoing)

    def _empty_join(self, split: str) -> str | None:
        node = self.nodes[split]
        if not node.outgoing or node.races:
            return None
        join = self.definition.common_join(node)
        return join.name if join is not None else None

    def _cancelling_joins(self, split: str) -> bool:
        joins = (self.nodes[name] for name in self.definition.joins.get(split, ()))
        return any(join.partial and join.cancel_active for join in joins)

    # -- what other branches may end -----------------------------------------------------------------------

    def _beside(self, name: str) -> list[str]:
        """The events that begin a path beside their host, which goes on."""
        return [each.name for each in firing(self.nodes[name]) if not each.interrupting]

    def _parallel(self, name: str) -> list[str]:
        node = self.nodes[name]
        if (node.splits and not node.races) or self.is_lost_race(name):
            return self.ways[name]
        return self._beside(name)

    def reach(self, name: str) -> frozenset[str]:
        return self.definition.reach[name] | {name}

    def _stopping(self) -> frozenset[str]:
        """From where a token may come to an end of the whole process."""
        found = {name for name, node in self.nodes.items() if node.stops}
        grown = bool(found)
        while grown:
            more = {
                name
                for name in self.nodes
                if name not in found
                and any(way in found for way in (*self.ways[name], *self._beside(name)))
                and not self._waits_for_ever(name)
            }
            found |= more
            grown = bool(more)
        return frozenset(found)

    def _waits_for_ever(self, name: str) -> bool:
        """Whether a join has a branch in each run of its splits that can neither finish nor leave."""
        node = self.nodes[name]
        if not node.merges or node.partial:
            return False
        splits = [split for split, joins in self.definition.joins.items() if name in joins]
        return all(any(self._stays_before(name, way) for way in self.required(split)) for split in splits)

    def _stays_before(self, join: str, way: str) -> bool:
        stuck = [name for name in self.reach(way) if name not in self.finishing]
        return way in stuck and all(join in self.reach(name) for name in stuck)

    def is_rescued(self, name: str) -> bool:
        """Whether another branch may end what cannot finish here."""
        for other, node in self.nodes.items():
            ways = self._parallel(other)
            if node.splits and not node.races and self._cancelling_joins(other):
                if any(name in self.reach(way) for way in ways):
                    return True
            elif any(name in self.reach(way) for way in (*ways, other)) and any(
                way in self.stopping for way in ways
            ):
                return True
            if node.races and name in self.ways[other] and other in self.finishing:
                return True
        return False


def firing(node: Any) -> Iterable[Any]:
    """The events on the border of a node that can fire."""
    for boundary in node.boundaries:
        if boundary.compensates:
            continue
        if boundary.arms and node.instant:
            continue  # done in the moment in which it is entered
        if boundary.listens and not node.calls_processes:
            continue
        yield boundary


def _ways(node: Any) -> Iterator[str]:
    """Where a node's own token goes next."""
    if not node.compensates:
        yield from dict.fromkeys(edge.target.name for edge in node.outgoing)
        yield from (boundary.name for boundary in firing(node) if boundary.interrupting)
