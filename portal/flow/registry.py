"""The registry of flows by their labels, one for each application."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any

from portal.errors import FlowError
from portal.working_time import WorkingCalendar

from .kinds import guarded

if TYPE_CHECKING:
    from .declaration import Flow


class Flows(dict[str, "type[Flow]"]):
    """The flows of one application."""

    #: how deep their processes may call each other
    max_depth = 50
    #: how long a try of a job may take that says nothing of it
    job_timeout = dt.timedelta(hours=1)
    #: in which working time is counted
    calendar = WorkingCalendar()
    #: classes with nodes of which no flow is made
    strays: tuple[type, ...] = ()

    def register(self, flow_class: type[Flow]) -> None:
        """Add a flow.

        Raises:
            FlowError: another flow has the same label.
        """
        label = flow_class.definition.label
        other = self.get(label)
        if other is not None and other is not flow_class:
            raise FlowError(
                f"{_place(flow_class)} and {_place(other)} have the same label `{label}`: rename one of the classes"
            )
        self[label] = flow_class


def _place(flow_class: type[Flow]) -> str:
    return f"{flow_class.__module__}.{flow_class.__qualname__}"


#: who holds it administers people, roles, the audit and retention, and it is no flow's
ADMIN = "admin"


class Registry(Mapping[str, "type[Flow]"]):
    """The flows of the application that is current. The web layer binds how that one is found."""

    #: what a process of a flow without a `process_class` is; the models say so
    plain_process: type | None = None
    #: what a task is
    task_class: type | None = None

    def __init__(self) -> None:
        self._default = Flows()
        self._find: Callable[[], Flows | None] = lambda: None
        #: those of the action or request that is under way
        self.pinned: ContextVar[Flows | None] = ContextVar("flows of an action", default=None)

    def bind(self, find: Callable[[], Flows | None]) -> None:
        self._find = find

    @property
    def current(self) -> Flows:
        found = self.pinned.get()
        if found is None:
            found = self._find()
        return self._default if found is None else found

    def pin(self) -> Token[Flows | None]:
        """Find the flows once for all that is asked until `unpin`, which takes what this returns: an action asks
        often."""
        return self.pinned.set(self.pinned.get() or self.current)

    def unpin(self, before: Token[Flows | None]) -> None:
        self.pinned.reset(before)

    def get(self, label: str, default: Any = None) -> Any:
        pinned = self.pinned.get()
        return (self.current if pinned is None else pinned).get(label, default)

    def __getitem__(self, label: str) -> type[Flow]:
        return self.current[label]

    def __iter__(self) -> Iterator[str]:
        return iter(self.current)

    def __len__(self) -> int:
        return len(self.current)

    def permissions(self) -> dict[str, str]:
        """Each permission that a flow declares, and that of the administrators; and what it allows in words."""
        known: dict[str, str] = {}
        for flow_class in self.values():
            definition = flow_class.definition
            known[f"{definition.label}.view"] = f"{definition.title}: see every process"
            known[f"{definition.label}.manage"] = f"{definition.title}: manage every process"
            for node in definition.nodes.values():
                if node.permission is not None:
                    known[node.permission] = f"{definition.title}: {node.title}"
            models = {
                definition.process_class,
                *(getattr(each.view, "model", None) for each in definition.nodes.values()),
            }
            for model in models:
                for name, label in guarded(model):
                    known.setdefault(name, f"{definition.title}: see “{label}”")
        known[ADMIN] = "Administration: people, roles, audit and retention"
        return known


registry = Registry()
