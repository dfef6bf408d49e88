"""Exports, anonymises and deletes all that belongs to a tree of processes, in a transaction that locks its root."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Iterator
from typing import Any

from sqlalchemy import String, Text, delete, select, update
from sqlalchemy.orm import Session

from portal import storage
from portal.errors import Gone, PortalError
from portal.models import (
    Comment,
    Event,
    Follower,
    Helper,
    Notice,
    Outgoing,
    Process,
    StoredFile,
    Task,
    former_owner,
)


class StillOpen(PortalError):
    """Something in the tree is not over."""


def tree(session: Session, root: int) -> list[int]:
    """The numbers of a process and of all below it, the root first.

    Raises:
        StillOpen: one of them is not over.
    """
    query = select(Process.id, Process.finished).where((Process.id == root) | (Process.root_id == root))
    rows = session.execute(query.order_by(Process.id)).all()
    if open_ones := [number for number, finished in rows if finished is None]:
        raise StillOpen(f"process {open_ones[0]}, which it has called, is not over")
    return [number for number, _finished in rows]


def records(session: Session, ids: list[int]) -> Iterator[dict[str, Any]]:
    """All that is stored of these processes, one mapping each."""
    for number in ids:
        process = _rows(session, Process.__table__, Process.id == number)[0]
        own: dict[str, Any] = {}
        for table in _own_tables():
            for row in _rows(session, table, _key(table) == number):
                own |= row
        yield {
            "process": process,
            **({"columns": own} if own else {}),
            "tasks": _rows(session, Task.__table__, Task.process_id == number),
            "events": _rows(session, Event.__table__, Event.process_id == number),
            "comments": _rows(session, Comment.__table__, Comment.process_id == number),
            "files": _rows(session, StoredFile.__table__, StoredFile.process_id == number),
        }


def keep_files(session: Session, ids: list[int]) -> None:
    """Copy the bytes of the files to the archive: those in the storage go with their rows."""
    for key in session.scalars(select(StoredFile.id).where(StoredFile.process_id.in_(ids))):
        try:
            with storage.current().open(key) as content:
                storage.current().archive(f"files/{key}", content.read())
        except Gone:
            continue  # the archive says that it was there


def remove(session: Session, ids: list[int]) -> None:
    """Delete processes and all that is theirs. Files lose their process; the next sweep removes them."""
    for own in reversed(_own_tables()):
        session.execute(delete(own).where(_key(own).in_(ids)))
    query = update(StoredFile).where(StoredFile.process_id.in_(ids)).values(pending=False)
    session.execute(query, execution_options={"synchronize_session": False})
    table: Any = Process.__table__
    session.execute(delete(table).where(table.c.id.in_(ids)))
    session.expire_all()


def anonymise(session: Session, ids: list[int]) -> None:
    """Empty what people have put into processes, and take the persons out of their history."""
    nothing = {"synchronize_session": False}

    def change(model: Any, criterion: Any, **values: Any) -> None:
        session.execute(update(model).where(criterion).values(**values), execution_options=nothing)

    pointers = dict.fromkeys(("artifact_type", "artifact_key", "seed_type", "seed_key"))
    table, tasks = Process.__table__, Task.__table__
    change(table, table.c.id.in_(ids), data={}, search_text=None, created_by_id=None, **pointers)
    emptied: dict[str, Any] = {"data": {}, "search_text": None, "owner_id": None, "acting_for_id": None}
    change(tasks, tasks.c.process_id.in_(ids), **emptied, **pointers)
    change(Event, Event.process_id.in_(ids), user_id=None, detail={})
    change(
        StoredFile, StoredFile.process_id.in_(ids), process_id=None, task_id=None, pending=False, user_id=None
    )
    for model in (Comment, Follower, Notice, Outgoing):
        session.execute(delete(model).where(model.process_id.in_(ids)), execution_options=nothing)
    session.execute(former_owner.delete().where(former_owner.c.process_id.in_(ids)))
    theirs = select(tasks.c.id).where(tasks.c.process_id.in_(ids))
    session.execute(delete(Helper).where(Helper.task_id.in_(theirs)), execution_options=nothing)
    for own in _own_tables():
        if values := {column.name: _empty(column) for column in own.columns if _can_be_emptied(column)}:
            session.execute(update(own).where(_key(own).in_(ids)).values(values))
    session.expire_all()


def _own_tables() -> list[Any]:
    """The tables of the flows' own columns, those first that others lead to."""
    found = {}
    for mapper in Process.__mapper__.self_and_descendants:
        for table in mapper.tables:
            if table is not Process.__table__:
                found[table.name] = table
    return list(found.values())


def _key(table: Any) -> Any:
    return next(iter(table.primary_key.columns))


def _can_be_emptied(column: Any) -> bool:
    return not column.primary_key and (column.nullable or isinstance(column.type, String | Text))


def _empty(column: Any) -> Any:
    return None if column.nullable else ""


def _rows(session: Session, table: Any, criterion: Any) -> list[dict[str, Any]]:
    query = select(table).where(criterion).order_by(*table.primary_key.columns)
    return [
        {name: _plain(value) for name, value in row.items() if not name.startswith("_")}
        for row in session.execute(query).mappings()
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.isoformat()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
