"""Processes that have been over for long are archived, anonymised or deleted, as the rules of their flows say.

A process goes with all that it has called. Each batch is one transaction that locks its roots in the order of their
numbers; who is interrupted says it again.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal import storage
from portal.engine import audit, writes
from portal.engine.audit import Entry
from portal.engine.moving_clock import clock
from portal.flow.registry import registry
from portal.flow.retention import Retention
from portal.models import Anonymised, LegalHold, Process

from . import contents

#: so many trees are done in one transaction
_BATCH = 50


@dataclass
class Done:
    """What one rule does, or has done.

    Attributes:
        count: how many processes, without those that they have called.
        first: some of their numbers.
        held: how many a legal hold keeps.
        refused: why some could not be done, a line each.
        files: where they were archived.
    """

    label: str
    rule: Retention
    count: int = 0
    first: list[int] = field(default_factory=list)
    held: int = 0
    refused: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)


def rules() -> list[tuple[str, Retention]]:
    """The rules of all flows: those of `PORTAL_RETENTION` for the flows that it names, else their own."""
    said = current_app.extensions["portal"].retention
    return [
        (label, rule)
        for label, flow_class in sorted(registry.items())
        for rule in said.get(label, flow_class.retention)
    ]


def run(session: Session, by_id: int | None, *, dry: bool) -> list[Done]:
    """Do what the rules say now.

    Args:
        by_id: who runs it; None is the system.
        dry: only say what it would do.
    """
    done = [Done(label, rule) for label, rule in rules()]
    for each in done:
        _count(session, each) if dry else _run(session, each, by_id)
    return done


def on_hold(session: Session) -> list[LegalHold]:
    """The latest legal holds, the newest first."""
    return list(session.scalars(select(LegalHold).order_by(LegalHold.created.desc()).limit(200)))


def _criteria(rule: Retention, label: str) -> Iterator[ColumnElement[bool]]:
    yield Process.flow_label == label
    yield Process.parent_task_id.is_(None)
    yield Process.finished.is_not(None)
    yield Process.finished < clock.get()() - rule.after
    yield Process.status.in_(sorted(rule.outcome))
    if rule.then == "anonymise":
        yield ~exists().where(Anonymised.process_id == Process.id)


def _is_held() -> Any:
    return exists().where(LegalHold.process_id == Process.id)


def _count(session: Session, done: Done) -> None:
    criteria = list(_criteria(done.rule, done.label))
    done.count = session.scalar(select(func.count(Process.id)).where(*criteria, ~_is_held())) or 0
    done.held = session.scalar(select(func.count(Process.id)).where(*criteria, _is_held())) or 0
    query = select(Process.id).where(*criteria, ~_is_held()).order_by(Process.finished, Process.id).limit(10)
    done.first = list(session.scalars(query))


def _run(session: Session, done: Done, by_id: int | None) -> None:
    criteria = list(_criteria(done.rule, done.label))
    done.held = session.scalar(select(func.count(Process.id)).where(*criteria, _is_held())) or 0
    after: Any = None
    while True:
        query = select(Process.finished, Process.id).where(*criteria, ~_is_held())
        if after is not None:
            query = query.where(
                (Process.finished > after[0]) | ((Process.finished == after[0]) & (Process.id > after[1]))
            )
        found = [(finished, number) for finished, number in session.execute(
            query.order_by(Process.finished, Process.id).limit(_BATCH)
        )]  # fmt: skip
        if not found:
            session.rollback()
            return
        after = found[-1]
        _batch(session, done, criteria, sorted(number for _finished, number in found), by_id)


def _batch(session: Session, done: Done, criteria: list[Any], ids: list[int], by_id: int | None) -> None:
    """Do some trees in one transaction; what no longer fits under the lock is left."""
    with writes.writing(session):
        query = select(Process.id).where(*criteria, ~_is_held(), Process.id.in_(ids)).order_by(Process.id)
        roots = list(session.scalars(query.with_for_update()))
        gone, lines = [], []
        for root in roots:
            try:
                with session.begin_nested():
                    lines += _one(session, done.rule, root)
            except IntegrityError as error:
                done.refused.append(
                    f"process {root}: something still points at it ({type(error.orig).__name__})"
                )
            except contents.StillOpen as still:
                done.refused.append(f"process {root}: {still}")
            else:
                gone.append(root)
        if not gone:
            session.rollback()
            return
        place = _write(done.label, lines) if done.rule.then == "archive" else ""
        detail: dict[str, Any] = {"processes": gone, "days": done.rule.after.days}
        if place:
            detail["file"] = place
        audit.append(session, [Entry(done.rule.then, by_id, "flow", done.label, detail)])
    done.count += len(gone)
    done.first = (done.first + gone)[:10]
    done.files += [place] if place else []


def _one(session: Session, rule: Retention, root: int) -> list[str]:
    """Do one tree. The lines of its archive, the root first."""
    tree = contents.tree(session, root)
    if rule.then == "anonymise":
        contents.anonymise(session, tree)
        session.add(Anonymised(process_id=root, created=clock.get()()))
        session.flush()
        return []
    lines = []
    if rule.then == "archive":
        lines = [
            json.dumps(each, ensure_ascii=False, default=str) for each in contents.records(session, tree)
        ]
        contents.keep_files(session, tree)
    contents.remove(session, tree)
    return lines


def _write(label: str, lines: list[str]) -> str:
    name = f"{label}/{clock.get()():%Y-%m-%dT%H%M%S}-{secrets.token_hex(4)}.jsonl"
    return storage.current().archive(name, "".join(f"{line}\n" for line in lines).encode())
