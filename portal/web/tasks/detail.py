"""One task: its page, and its form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, make_response, redirect, request
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as BaseResponse

from portal import queries
from portal.engine import actions, lifecycle, permissions
from portal.engine.lifecycle import demand
from portal.flow.activation import Activation
from portal.models import Task, User, db

from ..accounts.sign_in import require_login
from ..display.values import rows_of
from ..drafts import kept
from ..files import Files
from ..forms.form_view import FormView
from ..forms.stored import Received, receive
from ..layout import me, read_beside
from ..lookups import locked_or_refuse, task_or_refuse
from ..reads import note_read
from ..rendering import render_template
from ..urls import inbox
from .completion import Finished, finished
from .context import artifact_of, form_context, form_templates

blueprint = Blueprint("tasks", __name__)
blueprint.before_request(require_login)

#: how many of those who could take a task are named
_NAMED = 10


class Refused(Exception):
    """The form was not accepted: nothing of the action may stay, and this is the answer."""

    def __init__(self, response: Response) -> None:
        self.response = response


@blueprint.get("/tasks/<int:task_id>")
def detail(task_id: int) -> str:
    task = task_or_refuse(task_id)
    note_read(task.process, task)
    session, user, owner = db.session(), me(), task.owner
    events = queries.task_events(session, task)
    sees_process = permissions.may_see_process(session, user, task.process)
    if sees_process:
        read_beside(task.process_id, kept.comments_of("tasks", task.id))
    children = queries.children(session, user, task)
    could = queries.who_could(session, task, _NAMED) if task.status == "NEW" else []
    manages = user.manages(task.process.flow_label)
    return render_template(
        "portal/task.html",
        task=task,
        process=task.process,
        sees_process=sees_process,
        actions=offered(task, user),
        events=events,
        known_names=queries.names_in(session, events, {owner.username: owner.name} if owner else {}),
        failure=(task.data or {}).get("_exception") if manages else None,
        failed_at=next((each.created for each in events if each.to_state == "ERROR"), task.created),
        manages=manages,
        data=rows_of(task.process, Files(task.process, visible=sees_process)),
        artifact=artifact_of(task.process, visible=sees_process),
        previous=_for_people(task.previous),
        leading=_for_people(task.leading),
        children=children,
        attention=queries.attention(session, children),
        could=could,
        could_more=queries.how_many_could(session, task) - len(could) if len(could) == _NAMED else 0,
    )


@blueprint.route("/tasks/<int:task_id>/execute", methods=["GET", "POST"])
def execute(task_id: int) -> BaseResponse:
    if request.method != "POST":
        task = task_or_refuse(task_id)
        demand("execute", task, me())
        note_read(task.process, task)
        return respond(actions.reading(db.session(), task, me()))
    if request.files:  # stored before the process is locked, for who may do the task
        task = task_or_refuse(task_id)
        demand("execute", task, me())
        receive_uploads(task.node, lambda: actions.reading(db.session(), task, me()))
    try:
        with locked_or_refuse(task_id) as activation:
            demand("execute", activation.task, me())
            response = respond(activation)
            if response.status_code >= 400:
                raise Refused(response)
            done = Finished.of(activation) if activation.task.status == "DONE" else None
            if done is not None:
                kept.accepted()
    except Refused as refused:
        return refused.response
    return response if done is None else finished(done, response)


def receive_uploads(node: Any, reading: Callable[[], Activation]) -> Received:
    """Put a form's files into the storage before its process is locked: they stay, whatever becomes of the form."""
    view = node.view
    if request.files and isinstance(view, FormView):
        return receive(view.model_now(reading()), me())
    return Received({}, {})


def respond(activation: Activation) -> Response:
    """What the node's view answers; a manual task has none and asks for one confirmation."""
    node: Any = activation.node
    activation.success_url = inbox()
    if node.view is not None:
        return make_response(node.respond(activation))
    if request.method == "POST":
        activation.execute()
        return make_response(redirect(activation.success_url, 303))
    return make_response(
        render_template([*form_templates(node)], form=FlaskForm(formdata=None), **form_context(activation))
    )


def offered(task: Task, user: User) -> list[str]:
    """The actions that the page of a task has buttons for."""
    names = lifecycle.actions_for(task, user)
    may_take = "assign" in names and permissions.may_take(db.session(), user, task)
    return [name for name in names if name != "assign" or may_take or user.manages(task.process.flow_label)]


def _for_people(tasks: list[Task]) -> list[Task]:
    return [task for task in tasks if "__" not in task.flow_task or task.status == "DONE"]
