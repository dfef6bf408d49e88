"""Messages: kept until a catch waits for them, and received once."""

from __future__ import annotations

import datetime as dt
import json
import logging
from typing import Any

from sqlalchemy import delete, func, or_, select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.errors import PortalError
from portal.flow.registry import registry
from portal.models import Message, Process, Task

from ..context import ActionContext
from ..leases import at_rest, batch, known_tasks
from ..retries import persistent, report
from ..transaction import clock, task_action

log = logging.getLogger("portal.engine")


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
        flow_label=node.flow_class.definition.label, node=node.name, fields=fields, payload=payload, key=key,
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
        Message.flow_label == node.flow_class.definition.label, Message.node == node.name, Message.key == key
    )
    return session.scalar(query) is not None


def receiver(session: Session, node: Any, fields: dict[str, Any]) -> int | None:
    """The unfinished process whose fields have these values. None if there is none yet.

    Raises:
        PortalError: there are several, or no such field.
    """
    model = node.flow_class.definition.process_class or Process
    query = select(model.id).where(
        model.flow_label == node.flow_class.definition.label, model.finished.is_(None)
    )
    for name, value in fields.items():
        if not hasattr(model, name):
            raise PortalError(f"_where= names the field {name!r}, but {model.__name__} has none")
        query = query.where(getattr(model, name) == value)
    found = list(session.scalars(query.limit(2)))
    if len(found) > 1:
        raise PortalError(f"several processes have {fields!r}; a message has one receiver")
    return found[0] if found else None


def take(run: ActionContext, task: Task) -> None:
    """A catch is armed: if a message for it has come before, take the oldest."""
    node: Any = task.node
    if not node.keeps_messages:
        return
    run.session.flush()
    query = select(Message).where(
        Message.flow_label == node.flow_class.definition.label,
        Message.node == node.name,
        *_waiting(run.now),
        or_(Message.process_id == task.process_id, Message.process_id.is_(None)),
    )
    for message in run.session.scalars(query.order_by(Message.id)):
        if message.process_id is None and not (
            _fits(task.process, message.fields or {}) and _is_free(run, message)
        ):
            continue
        _receive(run, task, message)
        return


def _waiting(now: Any) -> tuple[Any, ...]:
    return Message.taken.is_(None), or_(Message.expires.is_(None), Message.expires > now)


def _is_free(run: ActionContext, message: Message) -> bool:
    """Lock a message that several processes could take. False if another one is about to, or has."""
    query = select(Message).where(Message.id == message.id, Message.taken.is_(None))
    query = query.with_for_update(skip_locked=True).execution_options(populate_existing=True)
    return run.session.scalar(query) is not None


def _fits(process: Process, fields: dict[str, Any]) -> bool:
    return all(getattr(process, name, None) == value for name, value in fields.items())


def _receive(run: ActionContext, task: Task, message: Message) -> None:
    node: Any = task.node
    activation = run.activation(task)
    payload = dict(message.payload)

    def received() -> Any:
        if node.func is not None:
            node.call(node.func, activation, **payload)
        return node.resume(activation)

    if run.interpreter.resume(run, task, received, "message"):
        message.taken, message.process_id = run.now, task.process_id


def first(moment: Any) -> Any:
    """Now, if a message waits for a catch of a flow that is known here; see `due`."""
    names = [(flow.definition.label, node.name) for flow, node in _catches()]
    if not names:
        return None
    known = tuple_(Message.flow_label, Message.node).in_(names)
    return select(moment).where(select(Message.id).where(known, *_waiting(moment)).exists())


def _catches() -> list[tuple[Any, Any]]:
    return [
        (flow, node) for flow in registry.values() for node in flow.definition.nodes.values() if _keeps(node)
    ]


def deliver(session: Session, limit: int = 50) -> int:
    """Hand kept messages to the catches that wait for them. The number of catches that took one.

    A message and its catch meet by themselves but where they cannot see each other: one was not committed yet when
    the other came, the process was suspended, or its fields have come to fit since.
    """
    names = {(flow.definition.label, node.name): node for flow, node in _catches()}
    if not names:
        return 0
    found = {*_addressed(session, limit), *_named(session, names, limit)}
    session.rollback()
    handed = 0
    for task_id in at_rest(session, sorted(found)):
        try:
            handed += _hand_over(session, task_id)
        except Exception as error:
            report(log, error, "a message for task %s could not be handed over, and is tried again", task_id)
    return handed


def _keeps(node: Any) -> bool:
    return bool(node.keeps_messages)


def _armed() -> Any:
    """Catches that wait, each with the message at hand."""
    return (
        select(Task.id)
        .join(Task.process)
        .where(Task.finished.is_(None), Task.status == "STARTED", ~Process.on_hold)
        .where(Process.flow_label == Message.flow_label, Task.flow_task == Message.node, known_tasks(_keeps))
    )


def _addressed(session: Session, limit: int) -> list[int]:
    """Catches for which a message to their process is kept."""
    query = _armed().where(Message.process_id == Task.process_id, *_waiting(clock.get()()))
    return list(session.scalars(query.limit(limit)))


def _named(session: Session, names: dict[tuple[str, str], Any], limit: int) -> list[int]:
    """Catches for which one is kept that names its receiver by fields: asked of some, whoever's turn it is."""
    query = select(Message.flow_label, Message.node, Message.fields).where(
        Message.process_id.is_(None), *_waiting(clock.get()()), _armed().correlate(Message).exists()
    )
    found: list[int] = []
    for label, name, fields in session.execute(query.order_by(func.random()).limit(limit)).all():
        try:
            process = receiver(session, names[label, name], fields or {}) if (label, name) in names else None
        except PortalError:  # several have come to fit
            continue
        if process is not None:
            found += session.scalars(
                select(Task.id).where(
                    Task.process_id == process, Task.flow_task == name, Task.status == "STARTED"
                )
            )
    return found


@persistent
def _hand_over(session: Session, task_id: int) -> bool:
    with task_action(session, task_id) as (run, task):
        if task.status != "STARTED" or task.node is None or task.process.on_hold:
            return False
        take(run, task)
        run.interpreter.settle(run)
        return task.status != "STARTED"


def sweep(session: Session, limit: int = 1000) -> int:
    """Forget messages that nobody has taken in time. Their number."""
    query = select(Message.id).where(Message.taken.is_(None), Message.expires < clock.get()())
    found = [
        row.id for row in batch(session, query.order_by(Message.expires).limit(limit), Message, acts=False)
    ]
    if found:
        session.execute(
            delete(Message).where(Message.id.in_(found)).execution_options(synchronize_session=False)
        )
        session.commit()
    return len(found)
