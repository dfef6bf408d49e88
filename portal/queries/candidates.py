"""Who may take a task: active people with its permission, or those who see its process where it needs none."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from portal.engine.holders import holds
from portal.models import Process, Task, User, former_owner


def who_could(session: Session, task: Task, limit: int = 10) -> list[User]:
    """The first few people who may take a task, by their names."""
    name = func.lower(func.coalesce(func.nullif(User.full_name, ""), User.username))
    query = _candidates(session, task).order_by(name, User.id).limit(limit)
    return list(session.scalars(query).unique())


def how_many_could(session: Session, task: Task) -> int:
    """How many people may take a task."""
    return session.scalar(select(func.count()).select_from(_candidates(session, task).subquery())) or 0


def _candidates(session: Session, task: Task) -> Select[Any]:
    query = select(User).where(User.is_active, _may(session, task))
    others = [reference.name for reference in (() if task.node is None else task.node.not_same_as)]
    if others:
        did = select(Task.owner_id).where(
            Task.process_id == task.process_id,
            Task.flow_task.in_(others),
            Task.status == "DONE",
            Task.owner_id.is_not(None),
        )
        query = query.where(User.id.not_in(did))
    return query


def _may(session: Session, task: Task) -> Any:
    name = task.owner_permission
    if name is not None:
        return holds(
            session, name, f"{name}:{task.owner_permission_obj}" if task.owner_permission_obj else name
        )
    process_id, label = task.process_id, task.process.flow_label
    return or_(
        holds(session, f"{label}.view", f"{label}.manage"),
        User.id.in_(select(Process.created_by_id).where(Process.id == process_id)),
        User.id.in_(select(Task.owner_id).where(Task.process_id == process_id, Task.owner_id.is_not(None))),
        User.id.in_(select(former_owner.c.user_id).where(former_owner.c.process_id == process_id)),
    )
