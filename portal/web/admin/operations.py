"""Bulk operations in the background: how far each is, what it refused, and buttons to pause or end it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import Blueprint, abort, url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response as BaseResponse

from portal.engine import operations
from portal.engine.versions import lost_steps
from portal.errors import PermissionDenied
from portal.language import gettext as _
from portal.language import lazy_gettext, ngettext
from portal.models import Operation, OperationRefusal, User, db

from ..accounts.sign_in import require_login
from ..layout import me, now
from ..messages import flash
from ..rendering import render_template
from ..urls import see_other, to_id
from .managed import ADMIN

blueprint = Blueprint("operations_of_people", __name__)
blueprint.before_request(require_login)

#: refusals on a page
_SHOWN = 100
STATES = {
    "RUNNING": lazy_gettext("In progress"),
    "PAUSED": lazy_gettext("Paused"),
    "DONE": lazy_gettext("Done"),
    "CANCELED": lazy_gettext("Cancelled"),
}
TONES = {"RUNNING": "busy", "PAUSED": "wait", "DONE": "done", "CANCELED": "off"}


@blueprint.get("/admin/operations")
def index() -> str:
    query = select(Operation).options(joinedload(Operation.user).lazyload(User.roles))
    if not me().can(ADMIN):
        query = query.where(Operation.user_id == me().id)
    found = list(db.session.scalars(query.order_by(Operation.id.desc()).limit(_SHOWN)).unique())
    return render_template("portal/admin/operations.html", operations=found, title=title, **_words())


@blueprint.get("/admin/operations/<int:operation_id>")
def detail(operation_id: int) -> str:
    operation = _one_or_refuse(operation_id)
    refusals = select(OperationRefusal).where(OperationRefusal.operation_id == operation.id)
    found = list(db.session.scalars(refusals.order_by(OperationRefusal.target_id.desc()).limit(_SHOWN)))
    return render_template(
        "portal/admin/operation.html",
        operation=operation,
        refusals=found,
        stuck=_stuck(operation, found),
        left=_time_left(operation),
        title=title,
        steps=[step for step, (source, _state) in operations.STEPS.items() if operation.state in source],
        back=_way_back(operation),
        **_words(),
    )


@blueprint.post("/admin/operations/<int:operation_id>/<any(pause,resume,cancel):step>")
def act(operation_id: int, step: str) -> BaseResponse:
    operation = _one_or_refuse(operation_id)
    operations.steer(db.session(), operation.id, step, me())
    messages = {
        "pause": _("Paused."),
        "resume": _("It goes on."),
        "cancel": _("Cancelled. What was done stays done."),
    }
    flash(messages[step], "success")
    return see_other(url_for("portal.operations_of_people.detail", operation_id=operation_id))


def _stuck(operation: Operation, refusals: list[OperationRefusal]) -> set[int]:
    """The processes that were not moved to their flow as it is now, and still have steps to choose."""
    if operation.action != "migrate" or not refusals:
        return set()
    return {each.process_id for each in lost_steps.stuck(db.session(), [each.target_id for each in refusals])}


def _one_or_refuse(operation_id: int) -> Operation:
    number = to_id(operation_id)
    operation = db.session.get(Operation, number) if number is not None else None
    if operation is None:
        abort(404, _("There is no such operation."))
    if not operations.may_steer(me(), operation):
        raise PermissionDenied(_("Only the person who began an operation sees it."))
    return operation


def title(operation: Operation) -> str:
    """What an operation does, in words."""
    number = operation.total
    if operation.target == "process":
        return {
            "cancel": ngettext("Cancel %(number)s process", "Cancel %(number)s processes", number),
            "suspend": ngettext("Suspend %(number)s process", "Suspend %(number)s processes", number),
            "resume": ngettext("Resume %(number)s process", "Resume %(number)s processes", number),
            "withdraw": ngettext("Withdraw %(number)s request", "Withdraw %(number)s requests", number),
            "retry": ngettext(
                "Retry what failed in %(number)s process", "Retry what failed in %(number)s processes", number
            ),
            "migrate": ngettext(
                "Move %(number)s process to the flow as it is now",
                "Move %(number)s processes to the flow as it is now",
                number,
            ),
        }[operation.action]
    if "filters" in operation.scope:
        return _of_tasks(operation.action, number)
    return {
        "retry": ngettext("Retry %(number)s failed step", "Retry %(number)s failed steps", number),
        "skip": ngettext("Skip %(number)s failed step", "Skip %(number)s failed steps", number),
        "cancel": ngettext("Cancel %(number)s failed step", "Cancel %(number)s failed steps", number),
    }[operation.action]


def _of_tasks(action: str, number: int) -> str:
    return {
        "assign": ngettext("Take %(number)s task", "Take %(number)s tasks", number),
        "unassign": ngettext("Give %(number)s task back", "Give %(number)s tasks back", number),
        "reassign": ngettext("Assign %(number)s task", "Assign %(number)s tasks", number),
        "cancel": ngettext("Cancel %(number)s task", "Cancel %(number)s tasks", number),
        "undo": ngettext("Undo %(number)s task", "Undo %(number)s tasks", number),
        "revive": ngettext("Retry or reopen %(number)s task", "Retry or reopen %(number)s tasks", number),
        "skip": ngettext("Skip %(number)s task", "Skip %(number)s tasks", number),
        "due": ngettext("Change when %(number)s task is due", "Change when %(number)s tasks are due", number),
        "priority": ngettext(
            "Change the priority of %(number)s task", "Change the priority of %(number)s tasks", number
        ),
        "snooze": ngettext("Snooze %(number)s task", "Snooze %(number)s tasks", number),
    }[action]


def _time_left(operation: Operation) -> dt.timedelta | None:
    """How long it still takes, from a twentieth on."""
    turned = operation.done + operation.refused
    if operation.state != "RUNNING" or not operation.total or turned < operation.total / 20:
        return None
    return (now() - operation.created) * max(operation.total - turned, 0) / turned


def _way_back(operation: Operation) -> str:
    if key := operation.scope.get("incident"):
        return url_for("portal.incidents.detail", key=key)
    if operation.target == "process":
        return url_for("portal.processes.index")
    listed = operation.scope.get("list")
    return url_for(f"portal.lists.{listed}" if listed else "portal.incidents.index")


def _words() -> dict[str, Any]:
    return {"states": STATES, "tones": TONES}
