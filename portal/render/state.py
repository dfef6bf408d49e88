"""How far one process has come, or many have, as a picture shows it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from portal.language import gettext as _
from portal.language import lazy_gettext, pgettext

_STATES = {
    "failed": lazy_gettext("failed"),
    "current": lazy_gettext("open"),
    "done": lazy_gettext("done"),
    "canceled": lazy_gettext("cancelled"),
}
#: what a comparison says of a node
_CHANGES = {
    "added": lazy_gettext("added"),
    "removed": lazy_gettext("removed"),
    "changed": lazy_gettext("changed"),
}
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
        change = self.change(name).capitalize()
        there = [(state, count) for state in _STATES if (count := getattr(self, state).get(name))]
        if len(there) == 1 and there[0][1] == 1:
            parts = [str(_STATES[there[0][0]]).capitalize()]
        else:
            parts = [
                pgettext("count", "%(number)s %(state)s", number=count, state=_STATES[state])
                for state, count in there
            ]
        if parts and name in self.late:
            parts.append(_("overdue"))
        if change:
            return "; ".join(filter(None, (change, ", ".join(parts))))
        return ", ".join(parts) or (_("Not reached") if self.mutes else "")

    def change(self, name: str) -> str:
        """What a comparison says of a node, in a word; empty where it says nothing."""
        return str(_CHANGES.get(self.changes.get(name, ""), ""))
