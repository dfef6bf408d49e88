"""Incidents: which failures are alike, and the rows that the action writes in which a task fails or leaves ERROR.

An action without either sends no statement for it.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import update

from portal.models import Incident, IncidentTask, Process, Task

from . import corrections, writes

if TYPE_CHECKING:
    from .bulk_insert import Change
    from .context import ActionContext

#: characters of a message that tell one error from another
LONGEST = 300
#: what stands for a part that differs from failure to failure
BLANK = "…"
#: the actions that put a fresh task in the place of one that failed
_RETRIES = ("revive", "migrate")
#: what is taken out of a message, in this order
_PARTS = (
    re.compile(r"""(?<!\w)(['"‘“«])(?:\\.|(?!\1)[^\\'"’”»])*(?:\1|['"’”»])"""),  # a quoted value
    re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"),  # a UUID
    re.compile(r"(?:\b[A-Za-z]:\\|(?<![\w/:])/|\.\.?/)[\w.@%+~-]+(?:[\\/][\w.@%+~-]*)+"),  # a path
    re.compile(r"\b(?=[\da-fA-F]*\d)(?:0x[\da-fA-F]+|[\da-fA-F]{8,})\b"),  # an address, a hash
    re.compile(r"[+-]?\d+(?:[.,:]\d+)*"),  # a number, a time
)


def normalised(message: str) -> str:
    """A message without the numbers, quoted values, ids and paths by which two failures of one kind differ."""
    line = " ".join(message[:2000].split())
    for part in _PARTS:
        line = part.sub(BLANK, line)
    return line[:LONGEST]


def group_of(label: str, node: str, failure: dict[str, Any]) -> dict[str, str]:
    """The columns of the group that a failure belongs to.

    Args:
        failure: what is kept of it, with its `type` and its `message`.
    """
    error, message = str(failure.get("type") or "Error")[:200], normalised(str(failure.get("message") or ""))
    text = "\0".join((label, node, error, message))
    key = hashlib.sha256(text.encode()).hexdigest()[:32]
    return {"key": key, "flow_label": label, "flow_task": node, "error": error, "message": message}


def group_of_task(task: Task) -> dict[str, str]:
    return group_of(task.process.flow_label, task.flow_task, (task.data or {}).get("_exception") or {})


def write(run: ActionContext) -> None:
    """Write which tasks have failed in an action, and which are no longer in ERROR."""
    last: dict[Task, Change] = {}
    for change in run.rows.changes:
        if change.task is not None and "ERROR" in (change.before, change.to) and change.before != change.to:
            last[change.task] = change
    if not last:
        return
    _open(run, [task for task in last if task.status == "ERROR"])
    _close(run, [change for task, change in last.items() if task.status != "ERROR"])


def _open(run: ActionContext, tasks: list[Task]) -> None:
    if not tasks:
        return
    groups = {group["key"]: group for group in map(group_of_task, tasks)}
    # In the order of the keys: two actions cannot wait for each other.
    new = writes.insert(run.session, Incident).on_conflict_do_nothing()
    run.session.execute(new, [groups[key] for key in sorted(groups)])
    shown = {process: _data(process) for process in {task.process: None for task in tasks}}
    rows = [
        {
            "task_id": task.id,
            "incident_key": group_of_task(task)["key"],
            "opened": run.now,
            "data": shown[task.process],
        }
        for task in tasks
    ]
    link = writes.insert(run.session, IncidentTask)
    again = {name: link.excluded[name] for name in ("incident_key", "opened", "data")}
    again |= {"closed": None, "closed_by": None, "retry_id": None}
    run.session.execute(link.on_conflict_do_update(index_elements=["task_id"], set_=again), rows)


def _data(process: Process) -> dict[str, Any]:
    """Its fields as they are when a node has failed, whose own changes are taken back."""
    return {name: held.shown for name, held in corrections.values_of(process).items()}


def _close(run: ActionContext, changes: list[Change]) -> None:
    fresh = {previous: task for task, previous in run.rows.links}
    ended: dict[tuple[str, int | None], list[int]] = {}
    for change in changes:
        task: Any = change.task
        retry = fresh.get(task) if change.action in _RETRIES else None
        ended.setdefault((change.action, None if retry is None else retry.id), []).append(task.id)
    for (action, retry_id), task_ids in ended.items():
        mine = update(IncidentTask).where(IncidentTask.task_id.in_(task_ids), IncidentTask.closed.is_(None))
        writes.run(run.session, mine.values(closed=run.now, closed_by=action, retry_id=retry_id))
