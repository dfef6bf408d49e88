"""Finds the open tasks that stand at steps which their flow no longer has, and where they can go on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.flow.registry import registry
from portal.models import Process, Task


@dataclass(frozen=True, slots=True)
class Stuck:
    """An open task at a step that its flow no longer has, or has otherwise.

    Attributes:
        likely: the step that is likely meant, if there is any.
    """

    process_id: int
    label: str
    name: str
    fingerprint: str | None
    likely: str


def stuck(session: Session, processes: Collection[int]) -> list[Stuck]:
    """The open tasks of these processes for which the code has no place. One statement."""
    query = select(
        Task.process_id,
        Process.flow_label,
        Task.flow_task,
        Task.flow_task_type,
        Task.status,
        Task.fingerprint,
    )
    query = query.join(Process, Process.id == Task.process_id)
    query = query.where(Task.process_id.in_(processes), Task.finished.is_(None))
    found = []
    for process_id, label, name, kind, status, fingerprint in session.execute(query.order_by(Task.id)):
        flow_class = registry.get(label)
        definition = None if flow_class is None else flow_class.definition
        if definition is not None and "__" not in name and definition.standing[name, kind, status] is None:
            likely = name if name in definition.nodes else ""
            found.append(Stuck(process_id, label, name, fingerprint, likely))
    return found


def misfits(process: Process, tasks: Collection[Any]) -> dict[str, str]:
    """The nodes at which these open tasks of a process stand, and which its flow no longer has or has otherwise: their
    names, each with the node that is likely meant, if there is any."""
    flow_class = process.flow_class
    nodes = {} if flow_class is None else flow_class.definition.nodes
    names = (task.flow_task for task in tasks if task.node is None and "__" not in task.flow_task)
    return {name: name if name in nodes else "" for name in names} if nodes else {}


def targets(flow_class: Any) -> list[Any]:
    """The nodes to which a task can move."""
    return [
        node
        for node in flow_class.definition.nodes.values()
        if not node.starts and node.host is None and any(is_way(edge) for edge in node.incoming)
    ]


def waiting_at(session: Session, flow_class: Any) -> dict[str, int]:
    """The names of the nodes at which tasks of a flow are open, each with their number."""
    query = select(Task.flow_task, func.count()).join(Task.process).group_by(Task.flow_task)
    query = query.where(
        Process.flow_label == flow_class.definition.label,
        Task.finished.is_(None),
        Task.flow_task_type.not_like("%Boundary"),
    )
    found = dict(session.execute(query.order_by(Task.flow_task)).all())
    session.rollback()
    return found


def is_way(edge: Any) -> bool:
    return not edge.source.compensates
