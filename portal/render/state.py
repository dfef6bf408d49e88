"""How far one process has come, or many have, as a picture shows it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

_EMPTY: Mapping[str, int] = {}


@dataclasses.dataclass(frozen=True, slots=True)
class ChartState:
    """What a picture of a flow shows beside the flow itself; all keyed by the names of nodes."""

    #: how many tasks of a node are DONE
    done: Mapping[str, int] = dataclasses.field(default_factory=dict)
    #: how many are open
    current: Mapping[str, int] = dataclasses.field(default_factory=dict)
    #: how many are in ERROR
    failed: Mapping[str, int] = dataclasses.field(default_factory=dict)
    #: how many were cancelled
    canceled: Mapping[str, int] = dataclasses.field(default_factory=dict)
    #: edges that a token went along, by the names of source and target (boundary events count as sources)
    passed: frozenset[tuple[str, str]] = frozenset()
    #: a number or a short text in the corner of a node, for dashboards and reports
    badges: Mapping[str, int | str] = dataclasses.field(default_factory=dict)
    #: 0 to 5: how strongly a node is tinted, for heat maps
    heat: Mapping[str, int] = dataclasses.field(default_factory=dict)
    #: a line below a task's title: who has it, since when
    lines: Mapping[str, str] = dataclasses.field(default_factory=dict)
    #: what is open and overdue
    late: frozenset[str] = frozenset()
    #: what a comparison says of a node, and of a way by the names of its ends: added, removed or changed
    changes: Mapping[str | tuple[str, str], str] = dataclasses.field(default_factory=dict)
    #: nodes that nothing has come to yet are muted; off for dashboards
    mutes: bool = True

    def of(self, name: str) -> str:
        """The one state that a node is drawn in: what needs a person's eye comes first."""
        for state in ("failed", "current", "done", "canceled"):
            if getattr(self, state).get(name):
                return state
        return "ahead" if self.mutes else "plain"

    def count(self, name: str) -> int:
        """How many tasks are in that state."""
        return int(getattr(self, self.of(name), _EMPTY).get(name, 0))

    def words(self, name: str) -> str:
        """All of a node's states in words: "2 open, 1 failed"."""
        if change := self.changes.get(name):
            return change.capitalize()
        names = {"failed": "failed", "current": "open", "done": "done", "canceled": "cancelled"}
        parts = [f"{count} {word}" for key, word in names.items() if (count := getattr(self, key).get(name))]
        if len(parts) == 1 and parts[0].startswith("1 "):
            parts = [parts[0].removeprefix("1 ").capitalize()]
        if parts and name in self.late:
            parts.append("overdue")
        return ", ".join(parts) or ("Not reached" if self.mutes else "")
