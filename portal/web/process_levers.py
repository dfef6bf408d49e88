"""Actions on a whole process: cancel, suspend, resume, withdraw, retry all that failed."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from portal.engine import operations
from portal.engine.lifecycle import demand_process
from portal.engine.process_actions import Retried
from portal.language import gettext as _
from portal.language import ngettext
from portal.models import Process, db

from .accounts.sign_in import require_login
from .display.actions import PROCESS_ACTIONS
from .layout import me
from .lookups import process_or_refuse
from .messages import flash
from .reasons import reason_of_request
from .rendering import render_template
from .tasks import preview
from .urls import see_other, way_back

blueprint = Blueprint("process_levers", __name__)
blueprint.before_request(require_login)


@blueprint.route(
    "/processes/<int:process_id>/<any(cancel,suspend,resume,withdraw,retry):action>", methods=["GET", "POST"]
)
def act(process_id: int, action: str) -> BaseResponse | str | tuple[str, int]:
    process = process_or_refuse(process_id)
    demand_process(action, process, me())
    if request.method != "POST":
        return _ask(process, action)
    reason, fault = reason_of_request()
    if fault:
        return _ask(process, action, fault), 422
    own = process.created_by_id == me().id
    result = operations.PROCESS_ACTIONS[action](db.session(), process_id, me().id, reason)
    if isinstance(result, Retried):
        _tell_retried(result)
    elif action == "withdraw":
        words = _("Your request #%(number)s is withdrawn.") if own else _("Request #%(number)s is withdrawn.")
        flash(words % {"number": process_id}, "success")
    else:
        done = PROCESS_ACTIONS[action].done
        flash(_("%(done)s: process %(number)s.", done=done, number=process_id), "success")
    return see_other(way_back(url_for("portal.processes.detail", process_id=process_id)))


def _ask(process: Process, action: str, fault: str = "") -> str:
    """The page that says what an action will do."""
    return render_template(
        "portal/ask.html",
        process=process,
        asked=PROCESS_ACTIONS[action],
        action=action,
        told=preview.of_process(action, process),
        address=address_of(process, action),
        back=way_back(url_for("portal.processes.detail", process_id=process.id)),
        fault=fault,
    )


def _tell_retried(result: Retried) -> None:
    again = sum(task.status == "ERROR" for task in result.fresh)
    if done := len(result.fresh):
        flash(ngettext("%(number)s step retried.", "%(number)s steps retried.", done), "success")
    if again:
        flash(
            ngettext("%(number)s of them failed again.", "%(number)s of them failed again.", again), "warning"
        )
    for line in result.refused[:10]:
        flash(_("Refused: %(what)s", what=line), "warning")


def address_of(process: Process, action: str) -> str:
    """The page of an action on a process."""
    if action == "data":
        return url_for("portal.process_data.data", process_id=process.id)
    if action == "migrate":
        return url_for("portal.migrating.migrate", process_id=process.id)
    if action in ("send", "add"):
        return url_for(f"portal.sending.{action}", process_id=process.id)
    return url_for("portal.process_levers.act", process_id=process.id, action=action)


def helpers() -> dict[str, Any]:
    return {"process_action": address_of}
