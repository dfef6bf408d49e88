"""Steps to which somebody can add an item: those that run a process for each of theirs, and splits with a data source.

A split's branches can become more until they have met: while one of them is under way, and no join has gone on.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session, object_session

from portal.language import gettext as _
from portal.models import Process, Task

from .interpreter import token

#: of a loop with a split in it the last runs are looked at
_LAST = 20


def taking(session: Session, process: Process) -> list[Task]:
    """The tasks of a process that take an item now, in their order."""
    nodes = process.flow_class.definition.nodes.values() if process.flow_class is not None else ()
    calling = [node.name for node in nodes if node.takes_items]
    splits = [node.name for node in nodes if node.item_ways]
    if not calling and not splits:
        return []
    takes = or_(
        (Task.status == "STARTED") & Task.flow_task.in_(calling),
        (Task.status == "DONE") & Task.flow_task.in_(splits),
    )
    query = select(Task).where(Task.process_id == process.id, takes).order_by(Task.number.desc()).limit(_LAST)
    found = session.scalars(query).unique().all()
    return [task for task in reversed(found) if refusal(task) is None]


def refusal(task: Task) -> str | None:
    """Why a task takes no item now, in words; None if it takes one."""
    node = task.node
    if node is None or not (node.takes_items or node.item_ways):
        return _("this step does not run once for each item now")
    if not node.item_ways:
        return None if task.status == "STARTED" else _("this step does not run once for each item now")
    if task.status != "DONE":
        return _("its branches were taken back")
    joins = sorted(node.flow_class.definition.joins[node.name])
    *met, goes_on = _there_are(task, *(_has_met(task, join) for join in joins), _goes_on(task))
    for join in compress(joins, met):
        return _(
            "its branches have met in «%(join)s» already", join=node.flow_class.definition.nodes[join].title
        )
    return None if goes_on else _("all its branches are over")


def _has_met(split: Task, join: str) -> ColumnElement[bool]:
    """A join that has gone on with the branches of a split: its own, or that of a split around it."""
    path = token.branch(split.token, split.number, 1)
    scopes = [token.scope(path, depth) for depth in range(len(token.splits(path)))]
    return (Task.flow_task == join) & Task.awaits.in_(scopes) & (Task.status == "DONE")


def _goes_on(split: Task) -> ColumnElement[bool]:
    return Task.finished.is_(None) & _is_branch(split) & Task.flow_task_type.not_like("%Boundary")


def _is_branch(split: Task) -> ColumnElement[bool]:
    """What is on a branch of a split; a token with a long path may hide it, and counts."""
    scope = token.scope_below(split.token, split.number)
    return Task.token.startswith(f"{scope}_", autoescape=True) | Task.token.startswith(token.LONG)


def _there_are(task: Task, *criteria: ColumnElement[bool]) -> Sequence[bool]:
    """For each criterion whether the process of a task has one that meets it."""
    session = object_session(task)
    assert session is not None
    session.flush()
    others = select(Task.id).where(Task.process_id == task.process_id)
    return session.execute(select(*(others.where(criterion).exists() for criterion in criteria))).one()
