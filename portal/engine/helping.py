"""Lets people help with a task: its owner asks them, sees who does, and finishes it alone.

Source: Additional Resources, number 43 of the workflow resource patterns, Russell, van der Aalst, ter Hofstede and
Edmond (2005).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, literal, select
from sqlalchemy.orm import Session, joinedload

from portal.errors import PermissionDenied, PortalError, TransitionNotAllowed
from portal.language import gettext as _
from portal.models import Helper, Task, User, former_owner

from . import notifications, permissions, writes
from .context import ActionContext
from .lifecycle import is_human
from .notifications import News

#: more helpers are no help
MOST = 20


def ask(run: ActionContext, task: Task, user: User) -> None:
    """Ask somebody to help with a task. They need no permission for it, and get none: they may look, and say something.

    Raises:
        TransitionNotAllowed: it is nobody's, or no person's task.
        PermissionDenied: who acts is neither its owner nor a manager, or the helper is deactivated.
        PortalError: they own it, help with it already, or too many do.
    """
    demand(run.user, task)
    if not user.is_active:
        raise PermissionDenied(_("%(name)s is deactivated and gets no tasks.", name=user.name))
    if user.id == task.owner_id:
        raise PortalError(_("It is the task of %(name)s.", name=user.name))
    there = {each.id for each in helpers(run.session, task)}
    if user.id in there:
        raise PortalError(_("%(name)s helps with it already.", name=user.name))
    if len(there) >= MOST:
        raise PortalError(_("At most %(number)s people help with a task.", number=MOST))
    _note_other(run, task)
    run.session.add(Helper(task_id=task.id, user_id=user.id, created=run.now))
    _let_look(run.session, task, user)
    run.note(task, "help", to=user.username)
    cause = f"Helper/{task.id}/{user.id}/{run.now.isoformat()}"
    news = News("assigned", task.process, task, run.user, cause, recipients=[(user, "help")])
    notifications.write(run.session, run.now, [news])


def end(run: ActionContext, task: Task, user: User) -> None:
    """End somebody's help: by the owner, a manager or the helper. The helper may still look at the process.

    Raises:
        TransitionNotAllowed: the task is over.
        PermissionDenied: it is none of these.
        LookupError: they do not help with it.
    """
    if not task.is_open:
        raise TransitionNotAllowed(
            _("cannot change who helps with «%(title)s»: it is over", title=task.title)
        )
    if run.user is None or run.user.id != user.id:
        permissions.demand_owner_or_manager(run.user, task, _("change who helps with it"))
        _note_other(run, task)
    mine = (Helper.task_id == task.id, Helper.user_id == user.id)
    if not writes.run(run.session, delete(Helper).where(*mine)).rowcount:
        raise LookupError(
            _("%(name)s does not help with task %(number)s", name=user.username, number=task.id)
        )
    run.note(task, "help", **{"from": user.username})


def _note_other(run: ActionContext, task: Task) -> None:
    """With a task of somebody else this is a lever."""
    if run.user is not None and not permissions.owns(run.user, task):
        run.pull("help")


def demand(user: User | None, task: Task) -> None:
    """Refuse a task for which nobody can be asked to help, then who may not ask.

    Raises:
        TransitionNotAllowed, PermissionDenied
    """
    if not is_human(task) or task.status != "ASSIGNED":
        raise TransitionNotAllowed(
            _("cannot ask for help with «%(title)s»: nobody is at work on it", title=task.title)
        )
    permissions.demand_owner_or_manager(user, task, _("ask for help with it"))


def may_ask(user: User, task: Task) -> bool:
    try:
        demand(user, task)
    except (TransitionNotAllowed, PermissionDenied):
        return False
    return True


def helpers(session: Session, task: Task) -> Sequence[User]:
    """Who helps with a task, in the order in which they were asked."""
    query = select(Helper).where(Helper.task_id == task.id).options(joinedload(Helper.user))
    return [each.user for each in session.scalars(query.order_by(Helper.created, Helper.user_id))]


def _let_look(session: Session, task: Task, user: User) -> None:
    """Let a helper see the process, also afterwards, as a former owner of a task may."""
    pair = (former_owner.c.user_id == user.id, former_owner.c.process_id == task.process_id)
    if session.scalar(select(literal(1)).where(*pair)) is None:
        session.execute(former_owner.insert().values(user_id=user.id, process_id=task.process_id))
