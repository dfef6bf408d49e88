"""Compares two declarations of a flow: what was added, removed and changed, in words and on one picture."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from portal.flow.snapshot import Declaration

from .shapes import shape_of
from .state import ChartState
from .svg import svg
from .words import caption

ADDED, REMOVED, CHANGED = "added", "removed", "changed"


@dataclasses.dataclass(frozen=True, eq=False)
class _Both:
    """What is drawn in the place of a flow's class."""

    definition: Any
    process_class: Any


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What differs.

    Attributes:
        changes: added, removed or changed, by the name of a node, or by those of the two ends of a way.
        both: all nodes and ways of the two, as a flow to be drawn.
    """

    changes: Mapping[str | tuple[str, str], str]
    both: Any

    def of_old(self) -> Mapping[str | tuple[str, str], str]:
        """What there is to mark on the old one's picture."""
        return {key: change for key, change in self.changes.items() if change != ADDED}

    def of_new(self) -> Mapping[str | tuple[str, str], str]:
        """What there is to mark on the new one's picture."""
        return {key: change for key, change in self.changes.items() if change != REMOVED}

    def lines(self) -> Iterator[str]:
        """A line for each difference, the nodes first."""
        nodes = self.both.definition.nodes
        for key, change in sorted(
            self.changes.items(), key=lambda item: (isinstance(item[0], tuple), str(item[0]))
        ):
            if isinstance(key, str):
                yield f"{change:8} {key}: {shape_of(nodes[key]).word}, {caption(nodes[key])}"
            else:
                yield f"{change:8} {key[0]} → {key[1]}"

    def svg(self) -> str:
        """Both in one picture, which is a file of its own."""
        return svg(self.both, ChartState(changes=self.changes, mutes=False), standalone=True)


def compare(old: Any, new: Any) -> Comparison:
    """Compare two flows by the names of their nodes: what a node is and is called, and where it leads.

    Args:
        old, new: the classes of the flows.
    """
    before, after = old.definition.nodes, new.definition.nodes
    changes: dict[str | tuple[str, str], str] = dict.fromkeys(after.keys() - before.keys(), ADDED)
    changes |= dict.fromkeys(before.keys() - after.keys(), REMOVED)
    changes |= {
        name: CHANGED for name in before.keys() & after.keys() if _facts(before[name]) != _facts(after[name])
    }
    changes |= dict.fromkeys(_ways(new).keys() - _ways(old).keys(), ADDED)
    changes |= dict.fromkeys(_ways(old).keys() - _ways(new).keys(), REMOVED)
    return Comparison(changes, _union(old, new))


def _facts(node: Any) -> tuple[str, str]:
    return shape_of(node).element, caption(node)


def _ways(flow_class: Any) -> dict[tuple[str, str], list[Any]]:
    found: dict[tuple[str, str], list[Any]] = {}
    for node in flow_class.definition.nodes.values():
        for edge in node.outgoing:
            found.setdefault((edge.source.name, edge.target.name), []).append(edge)
    return found


def _union(old: Any, new: Any) -> Any:
    """The nodes and ways of the new one, with those of the old one that it lacks: copies, made to be drawn."""
    originals = {**old.definition.nodes, **new.definition.nodes}
    nodes = {name: copy.copy(node) for name, node in originals.items()}
    definition = Declaration(**{**vars(new.definition), "nodes": nodes})
    definition.title, definition.description = new.definition.title, ""
    definition.starts = [node for node in nodes.values() if node.starts]
    both = _Both(definition, new.process_class)
    ways = {**_ways(old), **_ways(new)}
    edges = [
        dataclasses.replace(edge, source=nodes[source], target=nodes[target])
        for (source, target), found in ways.items()
        for edge in found
    ]
    for node in nodes.values():
        node.flow_class = both
        node.outgoing = tuple(edge for edge in edges if edge.source is node)
        node.incoming = tuple(edge for edge in edges if edge.target is node)
        node.host = nodes[node.host.name] if node.host is not None else None
    for node in nodes.values():
        node.boundaries = tuple(each for each in nodes.values() if each.host is node and each is not node)
    return both
