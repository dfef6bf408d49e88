"""Starting a process from a form."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, make_response, request
from werkzeug.wrappers import Response as BaseResponse

from portal.engine import actions
from portal.flow import registry
from portal.models import db

from .afterwards import finished
from .frame import me
from .sign_in import require_login
from .tasks import Refused

blueprint = Blueprint("start", __name__)
blueprint.before_request(require_login)


@blueprint.route("/flows/<label>/start/<name>", methods=["GET", "POST"])
def form(label: str, name: str) -> BaseResponse:
    node = _start_or_refuse(label, name)
    if request.method != "POST":
        return make_response(node.respond(actions.reading_start(db.session(), node, me())))
    try:
        with actions.starting(db.session(), node, me()) as activation:
            response = make_response(node.respond(activation))
            if response.status_code >= 400:
                raise Refused(response)
            task = activation.task
            db.session.flush()
            task_id = task.id
    except Refused as refused:
        return refused.response
    return response if task_id is None else finished(task_id, response)


def _start_or_refuse(label: str, name: str) -> Any:
    flow_class = registry.get(label)
    node: Any = flow_class._definition.nodes.get(name) if flow_class is not None else None
    if node is None or not node.starts or not node.human:
        abort(404, "There is no such form.")
    if not node.available(me()):
        abort(403, f"You may not start “{node.flow_class._definition.title}” here.")
    return node
