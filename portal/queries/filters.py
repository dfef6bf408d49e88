"""What a list is narrowed to. It stands in the address of the page."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from portal.flow.registry import registry

_DATA = re.compile(r"data\.([A-Za-z_]\w*)(?:\.(eq|ne|lt|le|gt|ge|contains))?", re.ASCII)


class DataFilter(NamedTuple):
    """A condition on a field of the flow: `data.amount.gt=1000`."""

    name: str
    op: str
    text: str

    @property
    def key(self) -> str:
        return f"data.{self.name}" + ("" if self.op == "eq" else f".{self.op}")


def data_filter(key: str, text: str) -> DataFilter | None:
    """The condition that a name in an address stands for. None if it is none."""
    found = _DATA.fullmatch(key)
    return DataFilter(found[1], found[2] or "eq", text) if found and text else None


@dataclass(frozen=True)
class Filters:
    """What a list is narrowed to, as it was typed: what of it cannot be understood is a line on the page.

    Attributes:
        flow: the label of a flow.
        version: the fingerprint, or its beginning, of the declaration of the flow with which processes were started;
            `old` for every one but the one that is declared now.
        q: a number, or words to search for.
        step: the name of a step.
        person: a user name: whose task; on one's own lists and those of processes also who has started it.
        state: a state of tasks or processes in small letters; `attention` for what failed or is stuck.
        due: `late`, `today`, `week` (what is overdue among each) or `none`.
        since, until: dates, both included: when it came, or was finished in the archive.
        priority: a number, or `high`, `normal`, `low`.
        data: conditions on fields of the flow.
        sort: the name of an order.
        after: where the page begins.
        view: the id of a saved view.
        columns: names of the columns that are shown, in their order; those of the list where it is empty.
        group: what the rows of a page stand together by; empty where they do not.
        faults: why some of it is left out, a line each: nothing is done with all that match then.
        mine: only what the person started, for lists of processes.
        zone: in which days begin.
    """

    flow: str = ""
    version: str = ""
    q: str = ""
    step: str = ""
    person: str = ""
    state: str = ""
    due: str = ""
    since: str = ""
    until: str = ""
    priority: str = ""
    data: tuple[DataFilter, ...] = ()
    sort: str = ""
    after: str = ""
    view: str = ""
    columns: tuple[str, ...] = ()
    group: str = ""
    mine: bool = False
    faults: tuple[str, ...] = field(default=(), compare=False)
    zone: dt.tzinfo = field(default=dt.UTC, compare=False)

    @property
    def narrows(self) -> bool:
        return any(getattr(self, name) for name in NARROWING)

    def pairs(self) -> list[tuple[str, str]]:
        """What stands in the address, but for the place where the page begins and the saved view."""
        found = [(name, getattr(self, name)) for name in (*NARROWING[:-1], "sort")]
        found += [(each.key, each.text) for each in self.data]
        found += [("columns", ",".join(self.columns)), ("group", self.group)]
        return [(name, value) for name, value in found if value] + ([("mine", "1")] if self.mine else [])

    def document(self) -> list[tuple[str, str]]:
        """What makes the list shorter, to be kept as JSON."""
        return [*self.pairs(), ("zone", getattr(self.zone, "key", "UTC"))]

    @classmethod
    def of_document(cls, kept: Iterable[tuple[str, str]]) -> Filters:
        """The filters that `document` told."""
        given: dict[str, str] = dict(kept)
        plain: dict[str, Any] = {name: given.get(name, "") for name in NARROWING[:-1]}
        data = tuple(each for name in given if (each := data_filter(name, given[name])) is not None)
        return cls(**plain, data=data, mine=given.get("mine") == "1", zone=ZoneInfo(given["zone"]))

    def over(self, saved: Filters) -> Filters:
        """These filters and those of a saved view; where both say something, these count."""
        names = (*NARROWING[:-1], "sort", "columns", "group")
        own = {each.key for each in self.data}
        return replace(
            self,
            data=(*(each for each in saved.data if each.key not in own), *self.data),
            mine=self.mine or saved.mine,
            **{name: getattr(self, name) or getattr(saved, name) for name in names},
        )

    def without(self, *names: str) -> Filters:
        """The same list but for these filters; one on a field is named by its key."""
        plain: dict[str, Any] = {name: "" for name in names if name in NARROWING[:-1]}
        kept = tuple(each for each in self.data if each.key not in names and "flow" not in names)
        if "flow" in names:
            plain["step"] = plain["version"] = ""
            plain["columns"] = tuple(each for each in self.columns if not each.startswith("data."))
        return replace(self, data=kept, after="", **plain)

    @property
    def list_of_processes(self) -> str:
        """The list that they narrow, where it is one of processes."""
        return "mine" if self.mine else "processes"


#: what makes a list shorter; `data` is the last one
NARROWING = ("flow", "version", "q", "step", "person", "state", "due", "since", "until", "priority", "data")
EVERYTHING = Filters()


class LeftOut(str):
    """Why a filter was left out, a line for people.

    Attributes:
        name: of the filter in the address.
    """

    name: str = ""

    @classmethod
    def of(cls, name: str, fault: object) -> LeftOut:
        found = cls(fault)
        found.name = name
        return found


def steps_of(label: str) -> Iterator[tuple[str, str]]:
    """The steps of a flow that people do, with their titles."""
    flow_class = registry.get(label)
    for node in flow_class.definition.nodes.values() if flow_class is not None else ():
        if node.human and not node.starts:
            yield node.name, node.title
