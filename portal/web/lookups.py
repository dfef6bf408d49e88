"""Finds what an address names, or refuses: 404 not there, 403 not to be seen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from flask import abort, g
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal import queries
from portal.engine import actions, permissions
from portal.flow import registry
from portal.flow.activation import Activation
from portal.language import gettext as _
from portal.language import lazy_gettext
from portal.models import Process, Task, User, db

from .layout import me
from .urls import to_id

_NO_TASK = lazy_gettext("There is no such task.")
NOT_SEEN = lazy_gettext(
    "You may see it if you started it, had a task of it, or hold a permission for its flow."
)


def task_or_refuse(task_id: int) -> Task:
    """A task that the person may see, with its process."""
    number = to_id(task_id)
    task = None if number is None else queries.one_task(db.session(), number)
    if task is None:
        abort(404, _NO_TASK)
    _demand_seen(task)
    return task


@contextmanager
def locked_or_refuse(task_id: int) -> Iterator[Activation]:
    """An action on a task that the person may see: what they may is asked under the lock, where all is read anyway."""
    number = to_id(task_id)
    if number is None:
        abort(404, _NO_TASK)
    with ExitStack() as stack:
        try:
            activation = stack.enter_context(actions.activation(db.session(), number, me()))
        except LookupError:
            abort(404, _NO_TASK)
        _demand_seen(activation.task)
        yield activation


def _demand_seen(task: Task) -> None:
    g.subject = ("task", task.id)
    if not permissions.may_see_task(db.session(), me(), task):
        g.subject = None
        abort(403, _("You have no access to this task. %(NOT_SEEN)s", NOT_SEEN=NOT_SEEN))


def process_or_refuse(process_id: int) -> Process:
    """A process that the person may see."""
    number = to_id(process_id)
    query = (
        select(Process)
        .where(Process.id == number)
        .options(joinedload(Process.created_by).lazyload(User.roles))
    )
    process = db.session.scalars(query).unique().first() if number is not None else None
    if process is None:
        abort(404, _("There is no such process."))
    if not permissions.may_see_process(db.session(), me(), process):
        abort(403, _("You have no access to this process. %(NOT_SEEN)s", NOT_SEEN=NOT_SEEN))
    g.subject = ("process", process.id)
    return process


def flow_or_refuse(label: str) -> Any:
    """A flow that the person has to do with: they may start it, see it or hold a task of it."""
    flow_class = registry.get(label)
    if flow_class is None:
        abort(404, _("There is no such flow."))
    if not has_to_do_with(me(), flow_class):
        abort(403, _("You have no access to this flow: you may neither start it nor work in it."))
    return flow_class


def has_to_do_with(user: User, flow_class: Any) -> bool:
    definition = flow_class.definition
    if user.views(definition.label):
        return True
    for node in definition.nodes.values():
        if node.starts and node.human and node.available(user):
            return True
        if node.human and not node.starts and node.permission is not None and user.can(node.permission):
            return True
    query = (
        select(Task.id)
        .join(Task.process)
        .where(Process.flow_label == definition.label, Task.owner_id == user.id)
    )
    return db.session.scalar(query.limit(1)) is not None
