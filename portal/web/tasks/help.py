"""Asks people to help with a task, and ends their help. A GET asks whom, the POST does it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal import queries
from portal.engine import actions, helping
from portal.errors import PermissionDenied, PortalError, TransitionNotAllowed
from portal.language import gettext as _
from portal.models import Task, User, db

from ..accounts.sign_in import require_login
from ..display.actions import action_words
from ..layout import me
from ..lookups import task_or_refuse
from ..messages import flash
from ..reasons import reason_of_request
from ..rendering import render_template
from ..urls import see_other, way_back
from .actions import find_user

#: people whom the input suggests
_SUGGESTED = 200

blueprint = Blueprint("task_help", __name__)
blueprint.before_request(require_login)


@blueprint.route("/tasks/<int:task_id>/help", methods=["GET", "POST"])
def ask(task_id: int) -> BaseResponse | str | tuple[str, int]:
    """`user` is asked to help; whom `end` names helps no more."""
    task = task_or_refuse(task_id)
    target = way_back(url_for("portal.tasks.detail", task_id=task_id))
    if leaver := request.form.get("end", ""):
        return _end(task, leaver, target)
    helping.demand(me(), task)
    if request.method != "POST":
        return _page(task)
    name = request.form.get("user", "").strip()
    reason, fault = reason_of_request()
    person = find_user(name) if name else None
    if not fault and person is None:
        fault = _("There is no user “%(username)s”.", username=name) if name else _("Choose a person.")
    if fault or person is None:
        return _page(task, name, fault), 422
    called, key = person.name, person.id
    try:
        with actions.activation(db.session(), task_id, me()) as activation:
            activation.ask_help(key, reason=reason)
    except (TransitionNotAllowed, PermissionDenied):
        raise
    except PortalError as error:
        return _page(task_or_refuse(task_id), name, str(error)), 422
    flash(_("%(name)s is asked to help.", name=called), "success")
    return see_other(target)


def _end(task: Task, name: str, target: str) -> BaseResponse:
    person = find_user(name)
    if person is not None:
        try:
            with actions.activation(db.session(), task.id, me()) as activation:
                activation.end_help(person.id)
        except LookupError:  # somebody else has been faster
            pass
    return see_other(target)


def _page(task: Task, name: str = "", fault: str = "") -> str:
    asked: Any = action_words("help", task)
    return render_template(
        "portal/ask.html",
        task=task,
        process=task.process,
        asked=asked,
        action="help",
        address=url_for("portal.task_help.ask", task_id=task.id),
        back=way_back(url_for("portal.tasks.detail", task_id=task.id)),
        told=[],
        needs_user=True,
        username=name,
        fault=fault,
        people=_people(task),
        draft=None,
    )


def _people(task: Task) -> list[User]:
    """Whom the input suggests: anybody who is active may help."""
    query = select(User).where(User.is_active, User.id != (task.owner_id or 0)).order_by(User.username)
    return list(db.session.scalars(query.limit(_SUGGESTED)))


def helpers() -> dict[str, Any]:
    return {
        "helpers_of": lambda task: helping.helpers(db.session(), task),
        "may_ask_help": lambda task: helping.may_ask(me(), task),
        "helped_tasks": lambda: queries.helped(db.session(), me()),
    }
