"""Managers' actions on one task: skip, move, due date, priority, schedule; and the owner's snooze."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from portal.engine import actions, move_targets
from portal.engine.lifecycle import demand
from portal.errors import TransitionNotAllowed
from portal.language import gettext as _
from portal.models import Task, db

from ..accounts.sign_in import require_login
from ..display.actions import action_words
from ..layout import me
from ..lookups import task_or_refuse
from ..messages import flash
from ..reasons import reason_of_request
from ..rendering import render_template
from ..urls import see_other, way_back
from . import preview
from .given import METHODS, Unfit, given, local_text, snoozes

blueprint = Blueprint("task_levers", __name__)
blueprint.before_request(require_login)


@blueprint.route(
    "/tasks/<int:task_id>/<any(skip,move,due,priority,snooze,reschedule):action>", methods=["GET", "POST"]
)
def act(task_id: int, action: str) -> BaseResponse | str | tuple[str, int]:
    task = task_or_refuse(task_id)
    demand(action, task, me())
    if request.method != "POST":
        return _ask(task, action, request.args.get("to", ""))
    reason, fault = reason_of_request()
    try:
        arguments = given(action)
        if action == "move" and arguments[0] not in _nodes(task):
            raise Unfit(_("The flow has no step “%(name)s”.", name=arguments[0][:50]))
        if action == "snooze" and arguments[0] is None and task.snoozed_until is None:
            raise Unfit(_("Choose a date and a time."))
    except Unfit as unfit:
        fault = str(unfit)
    if fault:
        return _ask(task, action, request.form.get("to", ""), fault), 422
    title, done = task.title, action_words(action, task).done
    with actions.activation(db.session(), task_id, me()) as activation:
        getattr(activation, METHODS.get(action, action))(*arguments, reason=reason)
    flash(done.format(title), "success")
    return see_other(way_back(url_for("portal.tasks.detail", task_id=task_id)))


def _nodes(task: Task) -> Any:
    flow_class: Any = task.process.flow_class
    return flow_class.definition.nodes if flow_class is not None else {}


def _ask(task: Task, action: str, to: str, fault: str = "") -> str:
    node = _nodes(task).get(to) if action == "move" else None
    if node is not None and (why := move_targets.misplaced(move_targets.way_of(task), node)):
        raise TransitionNotAllowed(
            _("cannot move «%(title)s» to «%(to)s»: %(why)s", title=task.title, to=node.title, why=why)
        )
    return render_template(
        "portal/lever.html",
        task=task,
        process=task.process,
        asked=action_words(action, task),
        action=action,
        address=url_for("portal.task_levers.act", task_id=task.id, action=action),
        back=way_back(url_for("portal.tasks.detail", task_id=task.id)),
        fault=fault,
        told=preview.of_task(action, task, node),
        places=move_targets.move_targets(task) if action == "move" else [],
        to=to,
        snoozes=snoozes(),
        due=request.form.get("due", local_text(task.due)),
        at=request.form.get("at", local_text(task.scheduled)),
        priority=request.form.get("priority", str(task.priority)),
    )
