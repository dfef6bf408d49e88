"""Lists open tasks that no longer fit the flow's code, each with what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.flow.registry import registry
from portal.models import Process, Task


@dataclass(frozen=True, slots=True)
class Misfit:
    """An open task that the code has no place for."""

    process_id: int
    label: str
    number: int
    node: str
    #: of the flow's declaration that made the task
    fingerprint: str | None
    why: str

    def __str__(self) -> str:
        made = f", made by declaration {self.fingerprint}" if self.fingerprint else ""
        return f"process {self.process_id} ({self.label}), task {self.number}{made}: {self.why}"


def find(session: Session) -> list[Misfit]:
    """Open tasks whose flow or node is gone, waits for something else now, or asks for another permission."""
    query = (
        select(Task, Process.id, Process.flow_label)
        .with_only_columns(
            Task.fingerprint,
            Process.id.label("process_id"),
            Process.flow_label,
            Task.number,
            Task.flow_task,
            Task.flow_task_type,
            Task.status,
            Task.awaits,
            Task.owner_permission,
        )
        .join(Task.process)
        .where(Task.finished.is_(None))
        .order_by(Process.id, Task.number)
    )
    found: dict[tuple[int, int], Misfit] = {}
    for row in session.execute(query):
        host = (row.awaits or "").removeprefix("host:") if _is_armed(row.awaits) else ""
        if host and (row.process_id, int(host)) in found:
            continue  # it goes where its host goes
        why = _why(row)
        if why is not None:
            misfit = Misfit(row.process_id, row.flow_label, row.number, row.flow_task, row.fingerprint, why)
            found[row.process_id, row.number] = misfit
    session.rollback()
    return list(found.values())


def _is_armed(awaits: str | None) -> bool:
    return (awaits or "").startswith("host:")


def _why(row: Any) -> str | None:
    """Why an open task has no place in the code, with the mend. None if it has."""
    flow_class = registry.get(row.flow_label)
    if flow_class is None:
        return (
            "the flow is gone: bring it back, or cancel the process; if it has another name now: "
            f"portal flows rename-class {row.flow_label} …"
        )
    name, kind = row.flow_task, row.flow_task_type
    node = flow_class.definition.nodes.get(name)
    command = f"portal flows migrate {row.flow_label} --map"
    again = f"{command} {name}={name}"
    if node is None and _is_armed(row.awaits):
        host = name.partition("__")[0]
        return (
            f"the event `{name}` is gone and cannot fire: {command} {host}={host} arms what `{host}` has now"
        )
    if node is None:
        return f"the node `{name}` is gone: {command} {name}=…"
    if not node.takes_over(kind, row.status):
        return f"the node `{name}` was a {kind} and is a {node.kind}: {again}"
    if node.human and row.owner_permission != node.permission:
        was, now = (f"`{each}`" if each else "nothing" for each in (row.owner_permission, node.permission))
        return f"the node `{name}` asked for {was} and asks for {now}: {again}"
    return None
