"""Which ways of the flows the tests have taken."""

from __future__ import annotations

import importlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import aliased

from portal import render
from portal.models import Process, Task, db, task_link

#: a flow, as `module:Class`
Name = str
Way = tuple[str, str]


class Coverage:
    """What tokens have done in all tests of a run: the steps that they finished, and the ways that they went.

    Two ways between the same two nodes, such as both branches of an `If`, are one.
    """

    def __init__(self) -> None:
        self.ways: defaultdict[Name, Counter[Way]] = defaultdict(Counter)
        self.steps: defaultdict[Name, Counter[str]] = defaultdict(Counter)

    def note(self, app: Any) -> None:
        """Add what is in the database of a test. Flows that are declared inside of a function are left out."""
        names = {
            label: name for label, each in app.extensions["portal_flows"].items() if (name := _name(each))
        }
        for name in names.values():
            self.steps[name].update()
        db.session.rollback()
        for label, before, after in db.session.execute(_ways()):
            if label in names:
                self.ways[names[label]][before, after] += 1
        for label, step in db.session.execute(_steps()):
            if label in names:
                self.steps[names[label]][step] += 1
        db.session.rollback()

    def plain(self) -> list[Any]:
        """What another process of the same run can `add`."""
        return [
            (name, list(steps.items()), [(*way, count) for way, count in self.ways[name].items()])
            for name, steps in self.steps.items()
        ]

    def add(self, plain: Iterable[Any]) -> None:
        for name, steps, ways in plain:
            self.steps[name].update(dict(steps))
            self.ways[name].update({(before, after): count for before, after, count in ways})

    def table(self) -> Iterator[str]:
        """A line for each flow, and one for each way of it that was never taken."""
        width = max((len(name) for name in self.steps), default=4)
        yield f"{'flow':{width}}  {'steps':>8}  {'ways':>8}"
        for name in sorted(self.steps):
            if (flow_class := _flow(name)) is None:
                continue
            ways, taken = declared(flow_class), set(self.ways[name])
            nodes = [node for node in flow_class.definition.nodes.values() if not node.compensates]
            done = sum(node.name in self.steps[name] for node in nodes)
            missed = [way for way in ways if way not in taken]
            yield (
                f"{name:{width}}  {done:>3}/{len(nodes):<4}  {len(ways) - len(missed):>3}/{len(ways):<4}"
            ).rstrip()
            for before, after in missed:
                yield f"  never taken: {before} → {after}"

    def draw(self, folder: Path) -> list[Path]:
        """Write a picture of each flow: what no token has come to is muted. The files."""
        made = []
        for name in sorted(self.steps):
            if (flow_class := _flow(name)) is None:
                continue
            taken = frozenset(self.ways[name])
            state = render.ChartState(done=self.steps[name], passed=taken)
            folder.mkdir(parents=True, exist_ok=True)
            made.append(folder / f"{name.replace(':', '.')}.svg")
            made[-1].write_text(render.svg(flow_class, state, standalone=True), "utf-8")
        return made


def declared(flow_class: Any) -> list[Way]:
    """The ways of a flow, by the names of the nodes at their ends, without those of a compensation."""
    nodes = flow_class.definition.nodes.values()
    ways = [
        (edge.source.name, edge.target.name)
        for node in nodes
        if not node.compensates
        for edge in node.outgoing
    ]
    return list(dict.fromkeys(ways))


def _name(flow_class: Any) -> Name:
    name = f"{flow_class.__module__}:{flow_class.__qualname__}"
    return "" if "<locals>" in name else name


def _flow(name: Name) -> Any:
    """The class of this name; None where it cannot be imported here."""
    module, _, qualified = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
    except ImportError:
        return None
    for part in qualified.split("."):
        found = getattr(found, part, None)
    return found


def _ways() -> Any:
    before, after = aliased(Task), aliased(Task)
    return (
        select(Process.flow_label, before.flow_task, after.flow_task)
        .select_from(task_link)
        .join(after, after.id == task_link.c.task_id)
        .join(before, before.id == task_link.c.previous_id)
        .join(Process, Process.id == after.process_id)
    )


def _steps() -> Any:
    return select(Process.flow_label, Task.flow_task).join(Task.process).where(Task.status == "DONE")
