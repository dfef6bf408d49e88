"""Where one process stands, in one statement and without its document: for the line that says what comes next."""

from __future__ import annotations

from dataclasses import dataclass

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
    positions = arranged(row[2:10] for row in rows if row[3] is not None)[process_id]
    asks = {row[3]: (row[10], row[11]) for row in rows if row[4] == "NEW" and row[5] == 1}
    return Standing(rows[0][0], rows[0][1], positions, asks)
