"""Skips a task: it becomes DONE without its form or its code, and the process goes on."""

from __future__ import annotations

from portal.models import Task

from . import lifecycle, permissions
from .context import ActionContext
from .interpreter import compensation, processes, step


def skip(run: ActionContext, task: Task) -> None:
    """Skip a task. It is nobody's work then: `this.node.owner` and `.NotSameAs` ignore it, and an undo takes nothing of
    it back.

    Raises:
        TransitionNotAllowed: it is not waiting, or it decides where the process goes.
        PermissionDenied: who acts is no manager of the flow.
    """
    lifecycle.demand("skip", task, run.user)
    permissions.remember_owner(run.session, task)
    task.owner, task.owner_id, task.owner_by_rule = None, None, False
    task.acting_for, task.snoozed_until = None, None
    task.data[compensation.LEFT_OUT] = True
    processes.cancel_children(run, task)
    activation = run.activation(task)
    step.resume(run, task, lambda: activation.node.proceed(activation), "skip")
    step.settle(run)
