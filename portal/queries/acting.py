"""The tasks that a person can do, also in place of people who are away."""

from __future__ import annotations

from typing import Any

from portal.engine import absences, criteria, permissions
from portal.models import Task, User


def mine(user: User) -> Any:
    """A criterion for `select(Task).join(Task.process)`: the inbox, with the tasks of those for whom they stand in."""
    return criteria.my_tasks(user)


def owners(user: User, label: str) -> set[int]:
    """The ids of those whose tasks in a flow this person does: their own and those of people who are away."""
    return {user.id, *(person.id for person in absences.replaced(user, label))}


def whom_for(user: User, task: Task) -> User | None:
    """The person in whose place this one works on a task, or would take it. None where it is their own."""
    if task.owner_id is None:
        if task.owner_permission is None or user.can(task.owner_permission, task.owner_permission_obj):
            return None
        return next(iter(permissions.lenders(user, task)), None)
    if task.owner_id == user.id:
        return None if task.acting_for_id is None else task.acting_for
    return next(
        (each for each in absences.replaced(user, task.process.flow_label) if each.id == task.owner_id), None
    )
