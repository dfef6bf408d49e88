"""Refuses actions of people, for pages and programs alike: what the state does not allow, then who may not."""

from __future__ import annotations

from portal.engine import lifecycle, permissions
from portal.errors import PermissionDenied
from portal.language import gettext as _
from portal.models import Process, Task, User, db


def demand(action: str, task: Task, user: User) -> None:
    """Refuse an action on a task.

    Raises:
        TransitionNotAllowed, PermissionDenied
    """
    lifecycle.check(action, task)
    who = lifecycle.ACTIONS[action].who
    if "finisher" in who:
        permissions.demand_finish(db.session(), user, task)
    elif user.manages(task.process.flow_label):
        return
    elif "taker" in who:
        if not permissions.may_take(db.session(), user, task):
            raise PermissionDenied(_("You may not take this task."))
    elif "owner" not in who:
        raise PermissionDenied(_("Only a manager of the flow may do this."))
    elif not permissions.owns(user, task):
        raise PermissionDenied(_("Only its owner or a manager of the flow may do this."))


def demand_process(action: str, process: Process, user: User) -> None:
    """Refuse an action on a whole process.

    Raises:
        TransitionNotAllowed, PermissionDenied
    """
    lifecycle.check_process(action, process)
    if "requester" in lifecycle.PROCESS_ACTIONS[action].who:
        permissions.demand_requester(user, process, _("withdraw it"))
    else:
        demand_manager(user, process.flow_label)


def demand_manager(user: User, label: str) -> None:
    """
    Raises:
        PermissionDenied: they do not manage the flow of this label.
    """
    if not user.manages(label):
        raise PermissionDenied(_("Only a manager of the flow may do this."))
