"""What each version of a flow looked like: kept when it is first seen, and read to be shown beside the code."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.flow import snapshot
from portal.flow.registry import registry
from portal.models import Declaration, Process, Task, task_link

from . import writes
from .moving_clock import clock

#: of a process whose declaration was not kept so many steps are looked at
_MOST = 2000


def keep(session: Session) -> int:
    """Store declarations that were not seen before, and return their number. Any number of workers may do it."""
    wanted = {(label, flow.definition.fingerprint): flow for label, flow in registry.items()}
    query = select(Declaration.flow_label, Declaration.fingerprint)
    there = {(label, fingerprint) for label, fingerprint in session.execute(query)}
    session.rollback()
    rows = [
        {
            "flow_label": key[0],
            "fingerprint": key[1],
            "created": clock.get()(),
            "document": snapshot.document(flow),
        }
        for key, flow in sorted(wanted.items())
        if key not in there
    ]
    if rows:  # another worker may be faster
        writes.execute(session, writes.insert(session, Declaration).values(rows).on_conflict_do_nothing())
    return len(rows)


def fingerprints(session: Session, label: str) -> frozenset[str]:
    """The versions of a flow that were kept."""
    return frozenset(session.scalars(select(Declaration.fingerprint).where(Declaration.flow_label == label)))


def of_version(session: Session, label: str, fingerprint: str) -> Any:
    """A flow as it was declared once, to be drawn; None where that was not kept."""
    found = session.get(Declaration, (label, fingerprint))
    return None if found is None else snapshot.read(found.document)


def of_process(session: Session, process: Process, lost: Collection[Task]) -> tuple[Any, bool]:
    """The flow of a process as it was declared when these tasks of it came, and whether that was kept.

    What was not kept is drawn from the way that the process has gone: its steps, and those that followed each.
    """
    for fingerprint in dict.fromkeys(task.fingerprint for task in reversed(list(lost)) if task.fingerprint):
        found = of_version(session, process.flow_label, fingerprint)
        if found is not None and all(task.flow_task in found.definition.nodes for task in lost):
            return found, True
    return snapshot.read(_way_gone(session, process)), False


def _way_gone(session: Session, process: Process) -> dict[str, Any]:
    definition = process.flow_class.definition if process.flow_class is not None else None
    steps = select(Task.id, Task.flow_task, Task.flow_task_type).where(Task.process_id == process.id)
    nodes: dict[str, dict[str, Any]] = {}
    names: dict[int, str] = {}
    for key, name, kind in session.execute(steps.order_by(Task.number).limit(_MOST)):
        names[key] = name
        now = None if definition is None else definition.nodes.get(name)
        node = nodes.setdefault(name, {"name": name, "kind": kind, "title": "", "ways": []})
        node["title"] = str(now._title) if now is not None else ""
        if "__" in name and name.partition("__")[0] in nodes:
            node["host"] = name.partition("__")[0]
    links = select(task_link.c.previous_id, task_link.c.task_id).where(task_link.c.task_id.in_(list(names)))
    for before, after in session.execute(links):
        if before in names and "host" not in nodes[names[after]]:
            way = {"to": names[after], "kind": "next", "text": ""}
            ways = nodes[names[before]]["ways"]
            if way not in ways:
                ways.append(way)
    for node in nodes.values():
        if node["kind"].endswith("Boundary") and "host" not in node:
            node["kind"] = "Function"  # an event is drawn on the border of a step, and that one is not known
    title = process.flow_label if definition is None else str(definition.title)
    return {"title": title, "nodes": list(nodes.values())}
