"""Moves a token: cancels an open task, and starts another node of the flow with its token."""

from __future__ import annotations

from typing import Any

from portal.errors import TransitionNotAllowed
from portal.flow.names import guess
from portal.language import gettext as _
from portal.models import Task

from . import lifecycle, move_targets
from .context import ActionContext
from .interpreter import joins, step


def move(run: ActionContext, old: Task, to: str) -> Task:
    """Move the token of an open task.

    Args:
        to: the name of a node.

    Returns:
        The task there; of a join the one in which its branches meet.

    Raises:
        TransitionNotAllowed: the token cannot be there, or the flow has no such node; the message says why.
        PermissionDenied: who acts is no manager of the flow.
    """
    lifecycle.demand("move", old, run.user)
    flow_class: Any = old.process.flow_class
    node = flow_class.definition.nodes.get(to)
    if node is None:
        raise TransitionNotAllowed(f"the flow has no node {to!r}{guess(to, flow_class.definition.nodes, '')}")
    if why := move_targets.misplaced(move_targets.way_of(old), node):
        raise TransitionNotAllowed(
            _("cannot move «%(title)s» to «%(to)s»: %(why)s", title=old.title, to=node.title, why=why)
        )
    run.record(old, "CANCELED", "move", to=node.name)
    step.leave(run, old)
    if node.merges:
        joins.arrive(run, node, old.token, old)
        step.settle(run)
        return next(task for task in old.leading if task.flow_task == node.name)
    fresh = run.create(old.process, node, old.token, *old.previous, old)
    fresh.data = {key: value for key, value in dict(old.data).items() if not key.startswith("_")}
    for name in ("artifact_type", "artifact_key", "seed_type", "seed_key"):
        setattr(fresh, name, getattr(old, name))
    run.ready.append(fresh)
    run.joins_due[old.process] = None
    step.settle(run)
    return fresh
