"""Undoes a bulk action: for ten minutes, by whoever did it, and only what nobody has changed since."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import Blueprint, abort, url_for
from sqlalchemy import delete
from werkzeug.wrappers import Response as BaseResponse

from portal import queries
from portal.engine import actions
from portal.errors import PortalError, TransitionNotAllowed
from portal.language import gettext as _
from portal.language import ngettext
from portal.models import BulkUndo, Task, User, db

from ..accounts.sign_in import require_login
from ..layout import me, now
from ..messages import flash
from ..selection import each, tell
from ..urls import see_other, to_id, way_back
from ..writing import writing

blueprint = Blueprint("undoing", __name__)
blueprint.before_request(require_login)

#: how long it can be put back
KEPT = dt.timedelta(minutes=10)
#: a task's id, what it had before and what it has now
Change = tuple[int, Any, Any]
_OWNED = ("assign", "unassign", "reassign")
_COLUMN = {"due": "due", "priority": "priority", "snooze": "snoozed_until"}


def state_of(action: str, task: Task) -> Any:
    """What an action changes of a task, as it is kept; None where it cannot be put back."""
    if action in _OWNED:
        return None if task.owner is None else task.owner.id  # its key is written later
    value = getattr(task, _COLUMN[action]) if action in _COLUMN else None
    return value.isoformat() if isinstance(value, dt.datetime) else value


def keep(action: str, changes: list[Change]) -> int | None:
    """Remember for a while what was changed. The number by which it is put back; None where it cannot be."""
    if not changes or (action not in _OWNED and action not in _COLUMN):
        return None
    user_id = me().id
    with writing() as session:
        session.execute(delete(BulkUndo).where(BulkUndo.created < now() - KEPT))
        kept = BulkUndo(
            user_id=user_id, created=now(), action=action, changes=[list(each) for each in changes]
        )
        session.add(kept)
        session.flush()
        return kept.id


@blueprint.post("/undo/<int:undo_id>")
def undo(undo_id: int) -> BaseResponse:
    back = way_back(url_for("portal.lists.inbox"))
    number, user_id = to_id(undo_id), me().id
    if number is None:
        abort(404, _("There is nothing to undo."))
    with writing() as session:  # whoever is first takes it
        query = delete(BulkUndo).where(BulkUndo.id == number, BulkUndo.user_id == user_id)
        kept = session.execute(
            query.where(BulkUndo.created >= now() - KEPT).returning(BulkUndo.action, BulkUndo.changes)
        ).first()
    if kept is None:
        flash(_("This cannot be undone any more."), "warning")
        return see_other(back)
    action, changes = kept
    by_id = {str(change[0]): change for change in changes}
    outcome = each(list(by_id), lambda text: _one(action, *by_id[text]))
    done = ngettext("%(number)s task is as it was.", "%(number)s tasks are as they were.", outcome.done)
    tell(outcome, done, more=False)
    return see_other(back)


def _one(action: str, task_id: int, before: Any, after: Any) -> str | None:
    found = queries.chosen(db.session(), [task_id])
    if not found:
        return _("Refused: %(what)s", what=_("%(number)s: there is no such task", number=task_id))
    title = f"#{found[0].process_id} {found[0].title}"
    try:
        with actions.activation(db.session(), task_id, me()) as activation:
            if not activation.task.is_open or state_of(action, activation.task) != after:
                raise TransitionNotAllowed(_("somebody has changed it since"))
            _put_back(action, activation, before)
    except PortalError as error:
        db.session.rollback()
        return _("Refused: %(what)s", what=f"{title}: {error}")
    return None


def _put_back(action: str, activation: Any, before: Any) -> None:
    reason = _("Undone")
    if action in _OWNED:
        if before is None:
            activation.unassign(reason=reason)
            return
        owner = db.session.get_one(User, before)
        (activation.assign if activation.task.status == "NEW" else activation.reassign)(owner, reason=reason)
    elif action == "priority":
        activation.change_priority(before, reason=reason)
    else:
        moment = None if before is None else dt.datetime.fromisoformat(before)
        if action == "due":
            activation.change_due(moment, reason=reason)
        else:
            activation.snooze(
                moment if moment is not None and moment > activation.now else None, reason=reason
            )
