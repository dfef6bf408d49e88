"""Who may take a task: active people with its permission, or those who see its process where it needs none."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect, Select, bindparam, cast, exists, func, or_, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from portal.engine.holders import holds
from portal.engine.statements import driver
from portal.jsonstore.sql_functions import has_element
from portal.models import Process, Role, Task, User, former_owner, glance
from portal.models.user import user_role

_U, _T, _R = User.__table__, Task.__table__, Role.__table__
_NAME = func.coalesce(func.nullif(_U.c.full_name, ""), _U.c.username)


def who_could(session: Session, task: Task, limit: int = 10) -> list[User]:
    """The first few people who may take a task, by their names."""
    name = func.lower(func.coalesce(func.nullif(User.full_name, ""), User.username))
    query = _candidates(session, task).order_by(name, User.id).limit(limit)
    return list(session.scalars(query).unique())


def names_of_who_could(
    session: Session, process_id: int, permission: str, obj: str | None, others: tuple[str, ...], limit: int
) -> list[str]:
    """The names of the first few people who may take a task with a permission; asked behind each start.

    Args:
        obj: the key of the object for which alone the permission may be held.
        others: the steps whose people may not take it.
    """
    names = [permission, *([f"{permission}:{obj}"] if obj else [])]
    with glance(session) as connection:
        is_postgresql = connection.dialect.name == "postgresql"
        # PostgreSQL compares documents; SQLite unpacks the list
        values: dict[str, Any] = {
            f"name{at}": name if is_postgresql else json.dumps(name) for at, name in enumerate(names)
        }
        values |= {f"other{at}": other for at, other in enumerate(others)}
        values |= {"process_id": process_id, "most": limit} if others else {"most": limit}
        query = _names(connection.dialect, len(names), len(others))
        return [name for (name,) in query.rows(connection, values)]


@lru_cache(maxsize=64)
def _names(dialect: Dialect, number: int, others: int) -> driver.Query:
    is_postgresql = dialect.name == "postgresql"

    def has_one(column: Any) -> Any:
        column = cast(column, JSONB) if is_postgresql else column
        wanted = [bindparam(f"name{at}", type_=JSONB if is_postgresql else None) for at in range(number)]
        return or_(*(has_element(column, each) for each in wanted))

    held = exists().where(
        user_role.c.user_id == _U.c.id, _R.c.id == user_role.c.role_id, has_one(_R.c.permissions)
    )
    query = select(_NAME).where(_U.c.is_active, or_(has_one(_U.c.permissions), held))
    if others:
        did = select(_T.c.owner_id).where(
            _T.c.process_id == bindparam("process_id"),
            _T.c.flow_task.in_([bindparam(f"other{at}") for at in range(others)]),
            _T.c.status == "DONE",
            _T.c.owner_id.is_not(None),
        )
        query = query.where(_U.c.id.not_in(did))
    return driver.Query(dialect, query.order_by(func.lower(_NAME), _U.c.id).limit(bindparam("most")))


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
    name, dialect = task.owner_permission, session.get_bind().dialect.name
    if name is not None:
        return holds(
            dialect, name, f"{name}:{task.owner_permission_obj}" if task.owner_permission_obj else name
        )
    process_id, label = task.process_id, task.process.flow_label
    return or_(
        holds(dialect, f"{label}.view", f"{label}.manage"),
        User.id.in_(select(Process.created_by_id).where(Process.id == process_id)),
        User.id.in_(select(Task.owner_id).where(Task.process_id == process_id, Task.owner_id.is_not(None))),
        User.id.in_(select(former_owner.c.user_id).where(former_owner.c.process_id == process_id)),
    )
