"""Adds rows to the audit within a transaction that is under way, and checks the chain of their hashes."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from portal.models import AuditHead, AuditRow

from . import writes
from .bulk_insert import Change
from .moving_clock import clock

#: what only managers do; what becomes of other people's tasks is noted where it is done
LEVERS = frozenset(
    (
        "skip",
        "move",
        "cancel",
        "undo",
        "revive",
        "suspend",
        "resume",
        "data",
        "due",
        "priority",
        "send",
        "add",
        "migrate",
    )
)
#: the hash before the first row
NOTHING = ""
#: so many rows are read at a time when the chain is checked
_CHUNK = 2000

_ROWS: Any = AuditRow.__table__
_HEAD: Any = AuditHead.__table__


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be kept.

    Attributes:
        action: such as `sign-in`, `person.roles` or `skip`.
        user_id: who did it; None is the system, or nobody who is known.
        subject, subject_id: to what, as in `"person", 12`.
        detail: plain JSON, without names of persons: the rows stay when a person is erased.
    """

    action: str
    user_id: int | None = None
    subject: str = ""
    subject_id: str | int = ""
    detail: dict[str, Any] = field(default_factory=dict)


def of_levers(pulled: set[str], changes: Sequence[Change]) -> list[Entry]:
    """Entries for the managers' actions in the history, one for each process that somebody has changed."""
    found: dict[tuple[str, int], list[Change]] = {}
    for change in changes:
        if change.action in pulled and change.user_id is not None:
            found.setdefault((change.action, change.process.id), []).append(change)
    return [
        Entry(action, some[0].user_id, "process", process_id, _detail(some))
        for (action, process_id), some in found.items()
    ]


def _detail(changes: list[Change]) -> dict[str, Any]:
    tasks = [change.task for change in changes if change.task is not None]
    detail: dict[str, Any] = {"flow": changes[0].process.flow_label}
    if len(tasks) == 1:
        detail |= {"task": tasks[0].id, "step": tasks[0].flow_task}
    elif tasks:
        detail["tasks"] = len(tasks)
    for change in changes:
        if change.action == "data":
            # the values stand in the history, from which retention may take them: here is what vouches for them
            changed = change.detail.get("changes", {})
            detail["fields"] = sorted(changed)
            text = json.dumps(changed, sort_keys=True, separators=(",", ":"))
            detail["digest"] = hashlib.sha256(text.encode()).hexdigest()
        if change.action == "move":
            detail["to"] = change.detail.get("to")
    return detail


def append(session: Session, entries: Sequence[Entry], now: dt.datetime | None = None) -> None:
    """Add rows, in the transaction that is under way. The last thing before its commit: from here on every other one
    that adds rows waits for it.

    Args:
        now: the moment of what is told; that of this call when it is left out.
    """
    held: list[Entry] | None = session.info.get("audit")
    if held is not None:
        held.extend(entries)
        return
    if not entries:
        return
    session.flush()
    connection = session.connection()
    row = connection.execute(select(_HEAD.c.number, _HEAD.c.hash).with_for_update()).first()
    number, last = row or _make_head(session)
    now = now or clock.get()()
    rows = []
    for entry in entries:
        number += 1
        values = {
            "id": number, "created": now, "user_id": entry.user_id, "action": entry.action, "subject": entry.subject,
            "subject_id": str(entry.subject_id)[:200], "detail": entry.detail,
        }  # fmt: skip
        last = hash_of(values, last)
        rows.append({**values, "hash": last})
    connection.execute(insert(_ROWS), rows)
    connection.execute(update(_HEAD).values(number=number, hash=last))


@contextmanager
def together(session: Session) -> Iterator[None]:
    """Add what is appended within the block at its end: for a transaction that takes long after its first entry."""
    session.info["audit"] = held = list[Entry]()
    try:
        yield
    finally:
        del session.info["audit"]
    append(session, held)


def _make_head(session: Session) -> tuple[int, str]:
    """The first time; also where somebody has taken it away, which `faults` tells by the hashes."""
    connection = session.connection()
    last = connection.execute(select(_ROWS.c.id, _ROWS.c.hash).order_by(_ROWS.c.id.desc()).limit(1)).first()
    number, hashed = last or (0, NOTHING)
    statement = writes.insert(session, AuditHead).values(id=1, number=number, hash=hashed)
    connection.execute(statement.on_conflict_do_nothing())
    found: Any = connection.execute(select(_HEAD.c.number, _HEAD.c.hash).with_for_update()).one()
    return found[0], found[1]


def hash_of(row: Any, before: str) -> str:
    """The hash of a row's values and of the hash of the row before."""
    created: dt.datetime = row["created"].astimezone(dt.UTC)
    content = [
        before, row["id"], created.isoformat(timespec="microseconds"), row["user_id"], row["action"], row["subject"],
        row["subject_id"], row["detail"],
    ]  # fmt: skip
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def head(session: Session) -> tuple[int, str]:
    """The number and the hash of the last row; to be kept elsewhere by who trusts not even the database."""
    row = session.execute(select(_HEAD.c.number, _HEAD.c.hash)).first()
    return (row[0], row[1]) if row is not None else (0, NOTHING)


def faults(session: Session, kept: tuple[int, str] | None = None) -> Iterator[str]:
    """Lines for rows that were changed, removed or moved; nothing where the chain is intact.

    Args:
        kept: what `head` gave once.
    """
    number, last = 0, NOTHING
    for row in _rows(session):
        if row["id"] != number + 1:
            gone = (
                f"row {number + 1} is"
                if row["id"] == number + 2
                else f"rows {number + 1} to {row['id'] - 1} are"
            )
            yield f"{gone} missing"
        elif hash_of(row, last) != row["hash"]:
            yield f"row {row['id']} was changed, or the one before it"
        number, last = row["id"], row["hash"]
        if kept is not None and kept[0] == number and kept[1] != last:
            yield f"row {number} is another one than the one whose hash was kept"
    end, hashed = head(session)
    if end > number:
        yield f"rows {number + 1} to {end} are missing at the end"
    elif (end, hashed) != (number, last):
        yield f"the last row is {number}, but the note of the last row says {end} or has another hash"
    if kept is not None and kept[0] > number:
        yield f"row {kept[0]}, whose hash was kept, is missing"


def _rows(session: Session) -> Iterator[Any]:
    after = 0
    while True:
        query = select(_ROWS).where(_ROWS.c.id > after).order_by(_ROWS.c.id).limit(_CHUNK)
        found = session.execute(query).mappings().all()
        yield from found
        if len(found) < _CHUNK:
            return
        after = found[-1]["id"]
