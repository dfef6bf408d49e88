"""Actions on one task beside its form. A GET asks, the POST does it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from portal import queries
from portal.engine import actions, drafts, permissions
from portal.engine.lifecycle import demand
from portal.errors import PermissionDenied
from portal.flow.activation import Activation
from portal.language import gettext as _
from portal.models import Task, User, db, find_person

from ..accounts.sign_in import require_login
from ..display.actions import ACTIONS, action_words
from ..layout import me
from ..lookups import locked_or_refuse, task_or_refuse
from ..messages import flash
from ..reasons import reason_of_request
from ..rendering import render_template
from ..urls import see_other, way_back
from . import preview

blueprint = Blueprint("task_actions", __name__)
blueprint.before_request(require_login)


@blueprint.route(
    "/tasks/<int:task_id>/<any(assign,unassign,reassign,cancel,undo,revive):action>", methods=["GET", "POST"]
)
def act(task_id: int, action: str) -> BaseResponse | str | tuple[str, int]:
    target = way_back(url_for("portal.tasks.detail", task_id=task_id))
    username = request.form.get("user", "").strip()
    reason, unkept = reason_of_request()
    if request.method != "POST" or unkept or action == "reassign" or (action == "assign" and username):
        task = task_or_refuse(task_id)
        demand(action, task, me())
        if request.method != "POST":
            return _ask(task, action)
        person, fault = (None, unkept) if unkept else recipient(task, username)
        if person is None:
            return _ask(task, action, username, fault), 422
        own, line = person.id == me().id, _hand_over(task, action, person, reason)
    else:
        with locked_or_refuse(task_id) as activation:
            demand(action, activation.task, me())
            own, line = True, _do(activation, action, reason)
    message: Any = line
    if action == "assign" and own:
        undo = url_for("portal.task_actions.act", task_id=task_id, action="unassign")
        message = {"text": line, "undo": undo, "word": ACTIONS["unassign"].word}
    flash(message, "success")
    return see_other(target)


def recipient(task: Task, username: str) -> tuple[User | None, str]:
    """Who is to get a task, or why not."""
    if not username:
        return None, _("Choose a person.")
    user = find_user(username)
    if user is None:
        return None, _("There is no user “%(username)s”.", username=username)
    if not permissions.may_take(db.session(), user, task):
        return None, unfit(user, task)
    if user.id != me().id and task.status == "NEW" and not me().manages(task.process.flow_label):
        raise PermissionDenied(_("Only a manager of the flow may assign a task to someone else."))
    return user, ""


def find_user(said: str) -> User | None:
    """Who is meant: by user name, or by a name that only one person has."""
    return find_person(db.session(), said)


def unfit(user: User, task: Task) -> str:
    if not user.is_active:
        return _("%(name)s is deactivated and gets no tasks.", name=user.name)
    if permissions.has_done_its_counterpart(db.session(), user, task):
        return _(
            "%(name)s cannot check own work: they did a step that somebody else has to check.", name=user.name
        )
    return _("%(name)s does not hold the permission for this task.", name=user.name)


def _do(activation: Activation, action: str, reason: str) -> str:
    """Do it, and say what was done."""
    task = activation.task
    line = action_words(action, task).done.format(task.title)
    if action == "assign":
        activation.assign(activation.user, reason=reason)
    else:
        getattr(activation, action)(reason=reason)
    return line


def _hand_over(task: Task, action: str, person: User, reason: str) -> str:
    """Give a task to a person, and say so."""
    title, task_id, name, own = task.title, task.id, person.name, person.id == me().id
    done = action_words(action, task).done
    giver, receiver = me().id, person.id
    with actions.activation(db.session(), task_id, me()) as activation:
        getattr(activation, action)(person, reason=reason)
        if request.form.get("with_draft"):
            drafts.pass_on(db.session(), task_id, giver, receiver)
    return (
        done.format(title)
        if action == "assign" and own
        else _("You assigned “%(title)s” to %(name)s.", title=title, name=name)
    )


def _ask(task: Task, action: str, username: str = "", fault: str = "") -> str:
    return render_template(
        "portal/ask.html",
        task=task,
        process=task.process,
        asked=action_words(action, task),
        action=action,
        address=url_for("portal.task_actions.act", task_id=task.id, action=action),
        back=way_back(url_for("portal.tasks.detail", task_id=task.id)),
        told=preview.of_task(action, task),
        needs_user=action == "reassign" or (action == "assign" and bool(fault)),
        username=username,
        fault=fault,
        people=_people(task) if action == "reassign" or (action == "assign" and fault) else [],
        draft=drafts.read(db.session(), me().id, drafts.form_of(task.id)) if action == "reassign" else None,
    )


def _people(task: Task) -> list[Any]:
    return queries.who_could(db.session(), task, limit=50)
