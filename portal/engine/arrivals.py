"""Writes mail for the people who may take a new task of the queue and have asked for such mail."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.models import Outgoing, Process, Task, User, former_owner

from . import lifecycle, notices, notifications, wishes, writes

if TYPE_CHECKING:
    from .context import ActionContext

#: within this time a person is told once of a step, and at its end of all that has come since
BURST = dt.timedelta(minutes=5)
#: rows in a statement: SQLite takes 32,766 values
BATCH = 1000
_PAYLOAD = {"reason": "queue", "by": None, "state": "NEW"}


def write(run: ActionContext) -> int:
    """Write what those are told to whom an action has brought work. The number of rows.

    What one action adds to a step of a process is one row for each person. Who has acted is not told.
    """
    groups: dict[tuple[Process, str], list[Task]] = {}
    traces = {c.task: c.trace for c in run.rows.changes if c.to == "NEW" and c.action != "migrate"}
    for task in traces:
        if task is not None and _is_free(task):
            groups.setdefault((task.process, task.flow_task), []).append(task)
    if not groups or run.rows.heard is False:
        return 0
    people = [user for user in notifications.asking(run.session) if user.id != run.by]
    if not people:
        return 0
    recipients = [
        (tasks[0], user) for tasks in groups.values() for user in _takers(run.session, people, tasks)
    ]
    return _insert(run, recipients, traces)


def _is_free(task: Task) -> bool:
    flow_class = task.process.flow_class
    wanted = flow_class is not None and flow_class.process_notices.get("queue", True)
    return wanted and task.status == "NEW" and not task.process.on_hold and lifecycle.is_human(task)


def _takers(session: Session, people: list[User], tasks: list[Task]) -> Iterable[User]:
    """The people among these who may take one of the tasks of a step, without a statement for each."""
    process, node = tasks[0].process, tasks[0].node
    asked = {(task.owner_permission, task.owner_permission_obj) for task in tasks}
    able = [user for user in people if any(user.can(*each) for each in asked)]
    if (None, None) in asked:  # for who may see the process
        owned = select(former_owner.c.user_id).where(former_owner.c.process_id == process.id)
        owners = _owners(session, process) | set(session.scalars(owned))
        able = [
            user
            for user in able
            if user.id in owners or user.id == process.created_by_id or user.views(process.flow_label)
        ]
    able = [user for user in able if wishes.hears_of_queue(user, process.flow_label)]
    names = [reference.name for reference in (() if node is None else node.not_same_as)]
    if able and names:
        done = _owners(session, process, Task.flow_task.in_(names), Task.status == "DONE")
        able = [user for user in able if user.id not in done]
    return able


def _owners(session: Session, process: Process, *criteria: Any) -> set[int | None]:
    return set(
        session.scalars(select(Task.owner_id).where(Task.process_id == process.id, *criteria).distinct())
    )


def _insert(
    run: ActionContext, recipients: list[tuple[Task, User]], traces: Mapping[Task | None, str | None]
) -> int:
    """Insert one row for a person and a step; whoever was told of the step a moment ago gets one, sent later, for all
    that follows."""
    mailed = [(task, user) for task, user in recipients if _is_mailed(user)]
    _insert_notices(run, recipients)
    number = int(run.now.timestamp() // BURST.total_seconds())
    end = dt.datetime.fromtimestamp((number + 1) * BURST.total_seconds(), dt.UTC)
    first = {_key(task, user, number): _row(run, task, user, run.now, traces[task]) for task, user in mailed}
    new = _store(run.session, first)
    rest = {
        _key(task, user, number, "rest"): _row(run, task, user, end, traces[task])
        for task, user in mailed
        if _key(task, user, number) not in new
    }
    return len(new) + len(_store(run.session, rest))


def _is_mailed(user: User) -> bool:
    return wishes.by_mail(user, "queue") and not wishes.is_daily(user)


def _insert_notices(run: ActionContext, recipients: list[tuple[Task, User]]) -> None:
    """In the portal, and in the daily mail, one for all that comes to a step within a burst."""
    number = int(run.now.timestamp() // BURST.total_seconds())
    rows: dict[str, dict[str, Any]] = {}
    for task, user in recipients:
        made = notices.row(
            user, "queue", _key(task, user, number, "notice"), process_id=task.process_id, task_id=task.id,
            payload=dict(_PAYLOAD),
        )  # fmt: skip
        if made is not None:
            rows.setdefault(made["key"], made)
    notices.store(run.session, [rows[key] for key in sorted(rows)], [user for _, user in recipients])


def _key(task: Task, user: User, burst: int, which: str = "first") -> str:
    step = f"{task.process.flow_label}/{task.flow_task}"
    return str(uuid.uuid5(notifications.NAMESPACE, f"queue/{step}/{burst}/{which}/user/{user.id}"))


def _row(
    run: ActionContext, task: Task, user: User, scheduled: dt.datetime, trace: str | None
) -> dict[str, Any]:
    return {
        "process_id": task.process_id,
        "task_id": task.id,
        "kind": "mail",
        "event": "queue",
        "payload": _PAYLOAD,
        "user_id": user.id,
        "created": run.now,
        "scheduled": scheduled,
        "attempt": 0,
        "trace": trace,
    }


def _store(session: Session, rows: dict[str, dict[str, Any]]) -> set[str]:
    """Insert what is not there yet, in the order of the keys: two actions cannot wait for each other. The new keys."""
    stored: set[str] = set()
    made = writes.insert(session, Outgoing).on_conflict_do_nothing().returning(Outgoing.key)
    keys = sorted(rows)
    for at in range(0, len(keys), BATCH):
        stored.update(
            session.scalars(made.values([{**rows[key], "key": key} for key in keys[at : at + BATCH]]))
        )
    return stored
