"""Stores in the audit who opened what, where the flow asks for it, before the page is made."""

from __future__ import annotations

from sqlalchemy.orm import Session

from portal.engine import audit
from portal.engine.audit import Entry
from portal.models import Process, Task, db

from .layout import me


def note_read(process: Process, task: Task | None = None, file: str = "") -> None:
    """Keep that somebody opens a process, a task or a file of it, on a connection of its own: the page reads on.

    Args:
        file: its id.
    """
    flow_class = process.flow_class
    if flow_class is None or not flow_class.audit_reads:
        return
    detail: dict[str, object] = {"flow": process.flow_label}
    if task is not None:
        detail |= {"task": task.id, "step": task.flow_task}
    if file:
        detail["file"] = file
    entry = Entry("read", me().id, "process", process.id, detail)
    with db.engine.connect().execution_options(writes=True) as connection, Session(connection) as session:
        audit.append(session, [entry])
        session.commit()
