"""Messages that wait for their receiver: kept once, taken once."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from sqlalchemy import delete, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.errors import PortalError
from portal.models import Message, Process, Task

from . import step
from .claims import batch
from .run import Run
from .transaction import clock


def keep(
    session: Session, node: Any, payload: dict[str, Any], *, process: Process | None = None,
    fields: dict[str, Any] | None = None, key: str | None = None, ttl: dt.timedelta | None = None,
) -> None:  # fmt: skip
    """Store a message. One with a key that was there before is dropped."""
    for value, what in ((payload, "the keywords"), (fields, "_where=")):
        try:
            json.dumps(value)
        except (TypeError, ValueError) as error:
            raise PortalError(
                f"a message that has to wait is kept as JSON, and {what} are none: {error}"
            ) from error
    now = clock.get()()
    message = Message(
        flow_label=node.flow_class._definition.label, node=node.name, fields=fields, payload=payload, key=key,
        process_id=None if process is None else process.id, created=now, expires=None if ttl is None else now + ttl,
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(message)
    except IntegrityError:
        if key is None:
            raise


def known(session: Session, node: Any, key: str | None) -> bool:
    """Whether a message with this key has come before."""
    if key is None:
        return False
    query = select(Message.id).where(
        Message.flow_label == node.flow_class._definition.label, Message.node == node.name, Message.key == key
    )
    return session.scalar(query) is not None


def receiver(session: Session, node: Any, fields: dict[str, Any]) -> int | None:
    """The unfinished process whose fields have these values. None if there is none yet.

    Raises:
        PortalError: there are several, or no such field.
    """
    model = node.flow_class._definition.process_class or Process
    query = select(model.id).where(
        model.flow_label == node.flow_class._definition.label, model.finished.is_(None)
    )
    for name, value in fields.items():
        if not hasattr(model, name):
            raise PortalError(f"_where= names the field {name!r}, but {model.__name__} has none")
        query = query.where(getattr(model, name) == value)
    found = list(session.scalars(query.limit(2)))
    if len(found) > 1:
        raise PortalError(f"several processes have {fields!r}; a message has one receiver")
    return found[0] if found else None


def take(run: Run, task: Task) -> None:
    """A catch is armed: if a message for it has come before, take the oldest."""
    node: Any = task.node
    if not getattr(node, "keeps_messages", False):
        return
    run.session.flush()
    query = select(Message).where(
        Message.flow_label == node.flow_class._definition.label,
        Message.node == node.name,
        Message.taken.is_(None),
        or_(Message.expires.is_(None), Message.expires > run.now),
        or_(Message.process_id == task.process_id, Message.process_id.is_(None)),
    )
    for message in run.session.scalars(query.order_by(Message.id)):
        if message.process_id is None and not _fits(task.process, message.fields or {}):
            continue
        _receive(run, task, message)
        return


def _fits(process: Process, fields: dict[str, Any]) -> bool:
    return all(getattr(process, name, None) == value for name, value in fields.items())


def _receive(run: Run, task: Task, message: Message) -> None:
    node: Any = task.node
    activation = run.activation(task)
    payload = dict(message.payload)
    try:
        if node.func is not None:
            step.guarded(run, task, lambda: node.call(node.func, activation, **payload))
        outcome = step.guarded(run, task, lambda: node.resume(activation))
    except Exception as error:
        step.fail(run, task, error, "message")
    else:
        message.taken, message.process_id = run.now, task.process_id
        step.follow(run, task, outcome, "message")


def sweep(session: Session, limit: int = 1000) -> int:
    """Forget messages that nobody has taken in time. Their number."""
    query = select(Message.id).where(Message.taken.is_(None), Message.expires < clock.get()())
    found = [row.id for row in batch(session, query.order_by(Message.expires).limit(limit), Message)]
    if found:
        session.execute(
            delete(Message).where(Message.id.in_(found)).execution_options(synchronize_session=False)
        )
        session.commit()
    return len(found)
