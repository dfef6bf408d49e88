"""Flows change while processes run: which of them no longer fit, and how their open tasks move on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.errors import PortalError
from portal.flow.registry import registry
from portal.models import Process, Task

from . import actions, boundary, children, step
from .transaction import read_task, transaction


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


def misfits(session: Session) -> list[Misfit]:
    """Open tasks whose flow or node is gone, or has become another kind."""
    columns = (
        Task.fingerprint,
        Process.id,
        Process.flow_label,
        Task.number,
        Task.flow_task,
        Task.flow_task_type,
    )
    query = (
        select(*columns).join(Task.process).where(Task.finished.is_(None)).order_by(Process.id, Task.number)
    )
    found = []
    for fingerprint, process_id, label, number, name, kind in session.execute(query):
        flow_class = registry.get(label)
        node = flow_class._definition.nodes.get(name) if flow_class is not None else None
        if flow_class is None:
            why = "the flow is gone"
        elif node is None:
            why = f"the node `{name}` is gone: portal flows migrate {label} --map {name}=…"
        elif node.kind != kind:
            why = f"the node `{name}` was a {kind} and is a {node.kind}: migrate it with --map {name}={name}"
        else:
            continue
        found.append(Misfit(process_id, label, number, name, fingerprint, why))
    session.rollback()
    return found


def move(
    session: Session,
    flow_class: Any,
    names: Mapping[str, str],
    processes: Collection[int] = (),
    dry_run: bool = False,
    *,
    fingerprint: str | None = None,
    created_before: dt.datetime | None = None,
) -> list[str]:
    """Move open tasks to other nodes: each is cancelled, and a fresh one with its token and data runs at the new node.

    Args:
        names: the old nodes' names and the new ones'.
        processes: only these, by id; all when empty.
        dry_run: change nothing.
        fingerprint: only tasks that this state of the flow's declaration made; `misfits` names it.
        created_before: only processes that are older, an aware moment.

    Returns:
        A line for each task.

    Raises:
        PortalError: a new name is no node of the flow.
    """
    nodes = flow_class._definition.nodes
    for new in names.values():
        if new not in nodes or nodes[new].starts or hasattr(nodes[new], "host"):
            raise PortalError(f"{new!r} is no node that a task can move to; there are: {', '.join(nodes)}")
    query = select(Task.id, Process.id, Task.number, Task.flow_task).join(Task.process)
    query = query.where(
        Process.flow_label == flow_class._definition.label,
        Task.finished.is_(None),
        Task.flow_task.in_(list(names)),
    )
    if processes:
        query = query.where(Process.id.in_(processes))
    if fingerprint is not None:
        query = query.where(Task.fingerprint == fingerprint)
    if created_before is not None:
        query = query.where(Process.created < created_before)
    rows = session.execute(query.order_by(Process.id, Task.number)).all()
    session.rollback()
    lines = []
    for task_id, process_id, number, old in rows:
        if dry_run or _move(session, task_id, nodes[names[old]]):
            lines.append(f"process {process_id}, task {number}: {old} -> {names[old]}")
    return lines


def _move(session: Session, task_id: int, node: Any) -> bool:
    with transaction(session, task=task_id) as run:
        old = read_task(session, task_id)
        run.know(old)
        if not old.is_open:
            return False
        owner = old.owner if node.human and old.status == "ASSIGNED" else None
        run.record(old, "CANCELED", "migrate", to=node.name)
        boundary.disarm(run, old)
        children.cancel(run, old)
        fresh = actions.fresh_copy(run, old, node, [*old.previous, old])
        step.settle(run)
        if owner is not None and fresh.status == "NEW":
            fresh.owner, fresh.assigned = owner, run.now
            run.record(fresh, "ASSIGNED", "migrate", to=owner.username)
        return True
