"""Finds what needs attention: failed steps, work nobody will do, stuck processes; also in called processes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import JSON, and_, bindparam, case, func, or_, select, type_coerce, union
from sqlalchemy.orm import Session, aliased

from portal.engine.seen import among_open
from portal.models import Process, Task, User

from .among import among, few

#: an open task that failed, and one whose owner can no longer sign in
_FAILED = Task.status == "ERROR"
_LEFT = and_(Task.status == "ASSIGNED", User.is_active.is_(False))
_TOPS: Any = bindparam("tops", expanding=True)


@dataclass(frozen=True)
class Attention:
    """Why a process needs attention: the first reason, and how many there are.

    Attributes:
        kind: `failed`, `left` (its owner is no longer active) or `stuck` (nothing is open, and no end was reached).
        process_id: where it is: the process itself, or one that it has called.
        flow_label: the flow of that process.
        count: how many steps are so, in the process and below it.
        task_id, flow_task: the step; None for `stuck`.
        error: type and message of the failure.
        owner: who has left.
    """

    kind: str
    process_id: int
    flow_label: str
    count: int = 1
    task_id: int | None = None
    flow_task: str | None = None
    error: str = ""
    owner: str = ""


def needs_attention() -> Any:
    """A criterion for `select(Process)`, read from what is in trouble and upwards.

    It reads what runs, and nothing of what is over, however much that is.
    """
    open_task = among_open(
        select(Task.id).where(Task.process_id == Process.id, Task.finished.is_(None))
    ).exists()
    left = select(User.id).where(User.is_active.is_(False))
    own = union(
        select(Task.process_id.label("id")).where(Task.finished.is_(None), _FAILED),
        select(Task.process_id).where(
            Task.finished.is_(None), Task.status == "ASSIGNED", Task.owner_id.in_(left)
        ),
        select(Process.id).where(Process.finished.is_(None), Process.status == "NEW", ~open_task),
    ).subquery()
    trouble = select(own.c.id).cte("trouble", recursive=True)
    called, caller = aliased(Process), aliased(Task)
    trouble = trouble.union(
        select(caller.process_id)
        .join(called, and_(called.parent_task_id == caller.id, called.finished.is_(None)))
        .join(trouble, trouble.c.id == called.id)
    )
    return and_(Process.finished.is_(None), Process.id.in_(select(trouble.c.id)))


def failed_below() -> Any:
    """The ids of the tasks whose called process, or one that it has called, has a failed step."""
    failed = select(Process.parent_task_id.label("id")).join(Task, Task.process_id == Process.id)
    failed = failed.where(Task.finished.is_(None), _FAILED, Process.parent_task_id.is_not(None))
    above = failed.cte("above", recursive=True)
    calling = aliased(Task)
    above = above.union(
        select(Process.parent_task_id)
        .join(calling, calling.process_id == Process.id)
        .join(above, above.c.id == calling.id)
        .where(Process.parent_task_id.is_not(None))
    )
    return select(above.c.id)


def attention(session: Session, processes: Iterable[Process]) -> dict[int, Attention]:
    """Why these processes need attention, by their id; those that do not are left out."""
    tops = [process.id for process in processes if process.finished is None]
    if not tops:
        return {}
    found: dict[int, Attention] = {}
    details: dict[int, tuple[int, str, int]] = {}
    for top, failed, failures, left, leavers, stuck, label in session.execute(_summary(), {"tops": tops}):
        if failed is not None:
            details[top] = (failed, "failed", failures)
        elif left is not None:
            details[top] = (left, "left", leavers)
        elif stuck is not None:
            found[top] = Attention("stuck", stuck, label)
    if details:
        rows = {row.id: row for row in session.execute(_details({first for first, _, _ in details.values()}))}
        for top, (first, kind, count) in details.items():
            row = rows[first]
            error = ": ".join(part for part in (row.type, row.message) if part) if kind == "failed" else ""
            found[top] = Attention(
                kind, row.process_id, row.flow_label, count, first, row.flow_task, error, row.owner or ""
            )
    return found


@cache
def _summary() -> Any:
    """For each of the processes `tops` the first failure, the first task of someone who has left, and what is stuck."""
    top = select(Process.id.label("top"), Process.id.label("id")).where(Process.id.in_(_TOPS))
    tree = top.cte("tree", recursive=True)
    calling, called = aliased(Task), aliased(Process)
    tree = tree.union_all(
        select(tree.c.top, called.id)
        .join(calling, and_(calling.process_id == tree.c.id, calling.finished.is_(None)))
        .join(called, and_(called.parent_task_id == calling.id, called.finished.is_(None)))
        .where(few(tree.c.id > 0))
    )
    stuck = and_(Task.id.is_(None), Process.status == "NEW")
    return (
        select(
            tree.c.top,
            func.min(case((_FAILED, Task.id))),
            func.count(case((_FAILED, 1))),
            func.min(case((_LEFT, Task.id))),
            func.count(case((_LEFT, 1))),
            func.min(case((stuck, Process.id))),
            func.min(case((stuck, Process.flow_label))),
        )
        .select_from(tree)
        .join(Process, Process.id == tree.c.id)
        .outerjoin(Task, and_(Task.process_id == tree.c.id, Task.finished.is_(None)))
        .outerjoin(User, User.id == Task.owner_id)
        # said once more as keys: a database does not know how few a recursion finds, and would read all processes
        .where(few(tree.c.id > 0), among(Process.id, select(tree.c.id).scalar_subquery()))
        .group_by(tree.c.top)
        .having(func.count(case((or_(_FAILED, _LEFT, stuck), 1))) > 0)
    )


def _details(task_ids: set[int]) -> Any:
    kept = type_coerce(Task.data, JSON)["_exception"]
    return (
        select(
            Task.id,
            Task.process_id,
            Task.flow_task,
            Process.flow_label,
            kept["type"].as_string().label("type"),
            kept["message"].as_string().label("message"),
            func.coalesce(func.nullif(User.full_name, ""), User.username).label("owner"),
        )
        .join(Process, Process.id == Task.process_id)
        .outerjoin(User, User.id == Task.owner_id)
        .where(Task.id.in_(task_ids))
    )
