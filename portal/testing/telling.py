"""What a test is told of its process: what has failed, and why it waits."""

from __future__ import annotations

from sqlalchemy import func, select

from portal import queries
from portal.models import Process, Task, db


def failures(process: Process) -> list[str]:
    """What stands in ERROR in a process and below it, or has failed and is tried again: a line each."""
    root = process.root_id or process.id
    query = select(Task).join(Task.process).where(func.coalesce(Process.root_id, Process.id) == root)
    query = query.where(Task.finished.is_(None)).order_by(Task.id)
    found = db.session.scalars(query).unique()
    return [line for task in found if (line := _failure(task, process.flow_label))]


def explanation(process: Process, path: list[str]) -> str:
    """Why a process waits, with the processes that it has called; or how it has ended."""
    lines = [
        f"process {process.id} of {process.flow_label} is {process.status}; done: {', '.join(path) or 'nothing'}"
    ]
    lines += _open(process, "  ")
    if len(lines) == 1 and process.finished is None:
        lines.append("  nothing is open, and no end was reached: it is stuck")
    return "\n".join(lines)


def _open(process: Process, indent: str) -> list[str]:
    lines = [f"{indent}it is suspended"] if process.on_hold else []
    for each in queries.waiting(db.session(), process):
        task = each.task
        lines.append(f"{indent}{task.flow_task} #{task.number} ({task.status}, {task.token}): {each.why}")
        if each.child is not None:
            lines += _open(each.child, f"{indent}  ")
    return lines


def _failure(task: Task, label: str) -> str:
    """The line that tells of a task that has failed; empty where it has not."""
    kept = (task.data or {}).get("_exception")
    if kept is None or task.status not in ("ERROR", "SCHEDULED"):
        return ""
    name = f"`{task.flow_task}`"
    if task.process.flow_label != label:
        name += f" of {task.process.flow_label}"
    now = (
        "is in ERROR"
        if task.status == "ERROR"
        else f"is tried again, after try {kept.get('tries', 1)} failed"
    )
    message = f": {kept['message']}" if kept.get("message") else ""
    place = f" … {kept['place']}" if kept.get("place") else ""
    return f"{name} {now}: {kept['type']}{message}{place}"
