"""Starts a process from a form."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from flask import Blueprint, abort, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from portal.engine import actions, start_keys
from portal.flow import registry
from portal.language import gettext as _
from portal.models import db

from ..accounts.sign_in import require_login
from ..drafts import kept
from ..layout import me
from ..messages import flash
from ..urls import see_other
from .completion import Finished, finished
from .detail import Refused, receive_uploads, respond

blueprint = Blueprint("start", __name__)
blueprint.before_request(require_login)


class _Repeated(Exception):
    """This form has started a process already."""

    def __init__(self, started: start_keys.Started) -> None:
        self.started = started


@blueprint.route("/flows/<label>/start/<name>", methods=["GET", "POST"])
def form(label: str, name: str) -> BaseResponse:
    node = start_or_refuse(label, name)
    if request.method != "POST":
        return respond(actions.reading_start(db.session(), node, me()))
    key, digest, user_id = key_of(label, name), kept.digest(kept.typed()), me().id
    receive_uploads(node, lambda: actions.reading_start(db.session(), node, me()))
    try:
        with actions.starting(db.session(), node, me()) as activation:
            if key is not None and (started := start_keys.claim(db.session(), user_id, key, digest)):
                raise _Repeated(started)
            response = respond(activation)
            if response.status_code >= 400:
                raise Refused(response)
            db.session.flush()
            done = Finished.of(activation) if activation.task.id is not None else None
            if key is not None:
                start_keys.settle(db.session(), user_id, key, None if done is None else done.process_id)
            if done is not None:
                kept.accepted()
    except Refused as refused:
        return refused.response
    except _Repeated as repeated:
        return _lead_to(repeated.started, repeated.started.digest == digest)
    return response if done is None else finished(done, response)


def _lead_to(started: start_keys.Started, same: bool) -> BaseResponse:
    """The answer to a form that has started a process already: where that stands. Another text is kept."""
    if same:
        flash(_("This form was sent before: it has started this process, and no second one."), "info")
    else:
        words = kept.keep()
        flash(
            _(
                "This form was sent before, and what it started is here. "
                "What you typed since then has changed nothing."
            )
            + " "
            + (words if words != kept.KEPT else _("It is kept as a draft of a new start form.")),
            "warning",
        )
    return see_other(url_for("portal.processes.detail", process_id=started.process_id))


def key_of(label: str, name: str) -> str | None:
    """The key that the form carries, of this form alone; None where it has none, as a program's."""
    sent = request.form.get("_start", "")
    return hashlib.sha256(f"{label} {name} {sent}".encode()).hexdigest() if sent else None


def form_key() -> str:
    """The key for the start form on this page: a new one, or that of the form that is shown again."""
    if request.endpoint != "portal.start.form":
        return ""
    return (request.form.get("_start", "") if request.method == "POST" else "") or secrets.token_hex(16)


def helpers() -> dict[str, Any]:
    return {"start_key": form_key}


def start_or_refuse(label: str, name: str) -> Any:
    flow_class = registry.get(label)
    node: Any = flow_class.definition.nodes.get(name) if flow_class is not None else None
    if node is None or not node.starts or not node.human:
        abort(404, _("There is no such form."))
    if not node.available(me()):
        abort(403, _("You may not start “%(title)s” here.", title=node.flow_class.definition.title))
    return node
