"""Where one process stands, in one statement and without its document: for the line that says what comes next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, bindparam, func, select
from sqlalchemy.orm import Session

from portal.models import Process, Task, User

from .processes import Position, arranged

_process, _task, _user = Process.__table__, Task.__table__, User.__table__

#: a row for each step that is open, with nothing of a step where none is
_QUERY = (
    select(
        _process.c.flow_label,
        _process.c.status,
        _process.c.id,
        _task.c.flow_task,
        _task.c.status,
        func.count(_task.c.id),
        func.min(_task.c.created),
        func.min(func.coalesce(func.nullif(_user.c.full_name, ""), _user.c.username)),
        func.min(_task.c.due),
        _task.c.flow_task_type,
        func.min(_task.c.owner_permission),
        func.min(_task.c.owner_permission_obj),
    )
    .select_from(_process)
    .outerjoin(_task, and_(_task.c.process_id == _process.c.id, _task.c.finished.is_(None)))
    .outerjoin(_user, _user.c.id == _task.c.owner_id)
    .where(_process.c.id == bindparam("process_id"))
    .group_by(_process.c.id, _task.c.flow_task, _task.c.status, _task.c.flow_task_type)
)


@dataclass(frozen=True)
class Standing:
    """The state of a process, and the steps that it stands at."""

    flow_label: str
    status: str
    positions: list[Position]
    #: the permission, and the key of its object, of each step where one task waits for somebody to take it
    asks: dict[str, tuple[str | None, str | None]]


def standing(session: Session, process_id: int) -> Standing:
    """Where a process stands now.

    Raises:
        LookupError: it is not there.
    """
    rows = session.execute(_QUERY, {"process_id": process_id}).all()
    if not rows:
        raise LookupError(f"process {process_id} is not there")
    return _of_rows(rows[0][0], rows[0][1], [row[2:] for row in rows if row[3] is not None])


def standing_after(session: Session, process: Process) -> Standing | None:
    """Where the action that is under way leaves a process, without a statement. None where it does not know all of the
    open tasks."""
    run = session.info.get("run")
    tasks = None if run is None else run.open_tasks(process)
    if tasks is None:
        return None
    groups: dict[tuple[str, str, str], list[Task]] = defaultdict(list)
    for task in tasks:
        groups[task.flow_task, task.status, task.flow_task_type].append(task)
    with session.no_autoflush:
        return _of_rows(process.flow_label, process.status, [_row(process, some) for some in groups.values()])


def _row(process: Process, tasks: list[Task]) -> tuple[Any, ...]:
    """As the statement has it; of several tasks nobody asks who has them, or for a permission."""
    first = min(tasks, key=lambda task: task.created)
    due = min((task.due for task in tasks if task.due is not None), default=None)
    owner = None if first.owner is None else first.owner.name
    step = process.id, first.flow_task, first.status, len(tasks), first.created, owner, due
    return *step, first.flow_task_type, first.owner_permission, first.owner_permission_obj


def _of_rows(label: str, status: str, rows: Iterable[Any]) -> Standing:
    rows = list(rows)
    positions = [place for places in arranged(row[:8] for row in rows).values() for place in places]
    asks = {row[1]: (row[8], row[9]) for row in rows if row[2] == "NEW" and row[3] == 1}
    return Standing(label, status, positions, asks)
