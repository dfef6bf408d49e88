"""The chips above a list: what it is narrowed to, and what else it could be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from portal import queries
from portal.flow import registry
from portal.language import gettext as _
from portal.language import lazy_gettext
from portal.queries import Filters
from portal.queries.fields import columns_of

from .display.states import ATTENTION, PROCESS_STATES, TASK_STATES
from .display.steps import step_title
from .filtering import Addresses

SIGNS = {
    "eq": "=",
    "ne": "≠",
    "lt": "<",
    "le": "≤",
    "gt": ">",
    "ge": "≥",
    "contains": lazy_gettext("contains"),
}
_DUE = {
    "late": lazy_gettext("Overdue"), "today": lazy_gettext("Due today"), "week": lazy_gettext("Due within 7 days"),
    "none": lazy_gettext("No due date"),
}  # fmt: skip
_PRIORITY = {
    "high": lazy_gettext("High priority"),
    "normal": lazy_gettext("Normal priority"),
    "low": lazy_gettext("Low priority"),
}


@dataclass(frozen=True)
class Chip:
    """A filter.

    Attributes:
        name: of the filter.
        label: what it says: the filter while it is off, its value while it is on.
        remove: the address without it; empty while it is off.
        options: what can be chosen, with the address of each.
        kind: of the input where something is typed: `person`, `dates`, `field`; empty where there is none.
    """

    name: str
    label: str
    remove: str = ""
    options: list[tuple[str, str]] = field(default_factory=list)
    kind: str = ""


def chips(name: str, filters: Filters, addresses: Addresses, flows: list[tuple[str, str]]) -> list[Chip]:
    """The chips of a list, in their order: those that are on, and those that may be chosen.

    Args:
        name: of the list.
        flows: the labels and titles to choose from.
    """
    return [*_on(filters, addresses), *_off(name, filters, addresses, flows)]


def _on(filters: Filters, addresses: Addresses) -> Iterator[Chip]:
    for name, words in _WORDS.items():
        if getattr(filters, name):
            yield Chip(name, words(filters, addresses), addresses.without(name))
    known = columns_of(filters.flow) if filters.data else {}
    for each in filters.data:
        label = known[each.name].label if each.name in known else each.name
        yield Chip(each.key, f"{label} {SIGNS[each.op]} {each.text}", addresses.without(each.key))


def _off(name: str, filters: Filters, addresses: Addresses, flows: list[tuple[str, str]]) -> Iterator[Chip]:
    if not filters.flow and len(flows) > 1:
        yield Chip(
            "flow", _("Flow"), options=[(title, addresses.with_(flow=label)) for label, title in flows]
        )
    if filters.flow in registry and not filters.version and addresses.of_processes:
        yield Chip("version", _("Version"), options=list(_versions(filters, addresses)))
    steps = [] if filters.step else list(_steps(filters, addresses))
    if steps:
        yield Chip("step", _("Step"), options=steps)
    if not filters.due and name != "archive":
        yield Chip(
            "due", _("Due"), options=[(str(text), addresses.with_(due=key)) for key, text in _DUE.items()]
        )
    if not filters.person and name != "mine":
        yield Chip("person", _("Person"), kind="person")
    if not filters.state and name not in ("inbox", "queue"):
        yield Chip("state", _("State"), options=list(_states(name, addresses)))
    if filters.flow and columns_of(filters.flow):
        yield Chip("field", _("Field"), kind="field")
    more = (
        []
        if filters.priority
        else [(str(text), addresses.with_(priority=key)) for key, text in _PRIORITY.items()]
    )
    yield Chip("more", _("More"), options=more, kind="" if filters.since and filters.until else "dates")


def _flow(filters: Filters, _addresses: Addresses) -> str:
    label = filters.flow
    flow_class = registry.get(label)
    return label if flow_class is None else flow_class.definition.title


def _version(filters: Filters, _addresses: Addresses) -> str:
    version = filters.version
    return _("Older versions") if version.lower() == "old" else _("Version %(version)s", version=version[:8])


def _versions(filters: Filters, addresses: Addresses) -> Iterator[tuple[str, str]]:
    yield _("declared now"), addresses.with_(version=registry[filters.flow].definition.fingerprint)
    yield _("Older versions"), addresses.with_(version="old")


def _step(filters: Filters, _addresses: Addresses) -> str:
    flow_class = registry.get(filters.flow)
    return step_title(None if flow_class is None else flow_class.definition, filters.step)


def _steps(filters: Filters, addresses: Addresses) -> Iterator[tuple[str, str]]:
    for step, words in queries.steps_of(filters.flow):
        yield words, addresses.with_(step=step)


def _state(filters: Filters, addresses: Addresses) -> str:
    state = filters.state
    words: dict[str, Any] = (
        {**TASK_STATES, **PROCESS_STATES} if addresses.of_processes else {**PROCESS_STATES, **TASK_STATES}
    )
    if addresses.of_processes and state == "open":
        return _("Not finished")
    return ATTENTION.word if state == "attention" else str(words.get(state.upper(), state))


def _states(name: str, addresses: Addresses) -> Iterator[tuple[str, str]]:
    if name != "archive":
        yield ATTENTION.word, addresses.with_(state="attention")
    words = PROCESS_STATES if addresses.of_processes else TASK_STATES
    closed = ("DONE", "CANCELED", "REVIVED")
    for state, word in words.items():
        if addresses.of_processes or (state in closed) == (name == "archive"):
            yield str(word), addresses.with_(state=state.lower())


#: what a chip that is on says
_WORDS: dict[str, Callable[[Filters, Addresses], str]] = {
    "flow": _flow,
    "version": _version,
    "step": _step,
    "due": lambda filters, _addresses: str(_DUE.get(filters.due, filters.due)),
    "person": lambda filters, _addresses: filters.person,
    "state": _state,
    "priority": lambda filters, _addresses: str(
        _PRIORITY.get(filters.priority) or _("Priority %(number)s", number=filters.priority)
    ),
    "since": lambda filters, _addresses: _("From %(date)s", date=filters.since),
    "until": lambda filters, _addresses: _("Until %(date)s", date=filters.until),
}
