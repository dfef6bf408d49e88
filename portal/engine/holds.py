"""Legal holds: a process with a hold is kept with its tree, whatever the rules of retention say."""

from __future__ import annotations

from sqlalchemy import delete
from sqlalchemy.orm import Session

from portal.errors import TransitionNotAllowed
from portal.models import LegalHold, Process

from . import reasons
from .transaction import read_process, transaction


def hold(session: Session, process_id: int, by: int | None, reason: str) -> int:
    """Put a legal hold on a process and its tree. The number of the process at its top.

    Args:
        by: the administrator.

    Raises:
        TransitionNotAllowed: it is held already.
        LookupError: there is no such process.
    """
    with transaction(session, process=process_id) as run:
        root = _root(session, process_id)
        if session.get(LegalHold, root.id) is not None:
            raise TransitionNotAllowed(f"process {root.id} is on legal hold already")
        run.by = by
        run.because("hold", reason)
        text = reasons.checked(reason)[:500]
        session.add(LegalHold(process_id=root.id, user_id=by, reason=text, created=run.now))
        run.note_process(root, "hold")
        run.pulled.add("hold")
        return root.id


def release(session: Session, process_id: int, by: int | None, reason: str) -> int:
    """End a legal hold. The number of the process at the top of the tree.

    Raises:
        TransitionNotAllowed: it is not held.
        LookupError: there is no such process.
    """
    with transaction(session, process=process_id) as run:
        root = _root(session, process_id)
        held = session.get(LegalHold, root.id)
        if held is None:
            raise TransitionNotAllowed(f"process {root.id} is not on legal hold")
        run.by = by
        run.because("release", reason)
        session.execute(delete(LegalHold).where(LegalHold.process_id == root.id))
        run.note_process(root, "release")
        run.pulled.add("release")
        return root.id


def _root(session: Session, process_id: int) -> Process:
    process = read_process(session, process_id)
    return process if process.root_id is None else read_process(session, process.root_id)
