"""Gives a task to a user where a rule of the flow (`.Assign()`) says so."""

from __future__ import annotations

import reprlib
from typing import Any

from portal.flow.assignment import Rule
from portal.models import Task, User
from portal.models import find_user as user_named

from .. import permissions
from ..context import ActionContext
from . import mutexes, rules

#: what the history says where the flow names somebody, and leaves no choice
NAMED = "named by the flow"


def give_by_rule(run: ActionContext, task: Task, owner: Any) -> None:
    """The assignment that a rule of the flow makes. Where it cannot be, the task stays NEW and the history says why."""
    words = NAMED
    if isinstance(owner, Rule):
        user, words = rules.choose(run, task, owner)
        if user is None:
            run.note(task, "step", unassigned=f"nobody fits: {words}")
            return
    else:
        user = find_user(run, owner)
    if user is None:
        run.note(task, "step", unassigned=f"there is no user {reprlib.repr(owner)}")
    elif not user.is_active:
        run.note(task, "step", unassigned=f"{user.username} is deactivated")
    elif permissions.has_done_its_counterpart(run.session, user, task):
        run.note(task, "step", unassigned=f"{user.username} did a step that must be done by someone else")
    elif mutexes.allowed(run, task):
        task.owner, task.assigned, task.owner_by_rule = user, run.now, True
        run.record(task, "ASSIGNED", "assign", to=user.username, rule=words)


def find_user(run: ActionContext, who: Any) -> User | None:
    """A user from a user, an id or a user name. None where there is none, or it is something else."""
    if isinstance(who, User):
        return who
    if isinstance(who, int):  # of more bits than a key has it is nobody's
        return run.session.get(User, who) if who.bit_length() < 64 else None
    return user_named(run.session, who) if isinstance(who, str) else None
