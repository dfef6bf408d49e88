"""The blueprint of the API: its resources, and what is done around each request."""

from __future__ import annotations

from flask import Blueprint, abort, request
from werkzeug.wrappers import Response as BaseResponse

from portal.errors import InvalidForm
from portal.web.problems import WRONG, Invalid, problem

from . import document, events, external, flows, hooks, people, processes, reports, talk, tasks, triggers
from .callers import SAFE, identify, tell_rate

rest = Blueprint("api", __name__, url_prefix="/api/v1")
#: what nobody needs a token for: the document, which says nothing of what is here, and calls that are signed
_OPEN = ("portal.api.document.openapi", "portal.api.docs", "portal.api.asset", "portal.api.hooks.receive")

for _resource in (
    flows,
    tasks,
    processes,
    external,
    triggers,
    hooks,
    talk,
    people,
    reports,
    events,
    document,
):
    rest.register_blueprint(_resource.blueprint)
rest.add_url_rule("/docs", "docs", document.docs)
rest.add_url_rule(f"/docs/<any({document.FILES}):name>", "asset", document.asset)


@rest.before_request
def _identify() -> None:
    if request.endpoint not in _OPEN:
        identify()
    _demand_json()


def _demand_json() -> None:
    """Refuse a body of another kind than the one that is documented."""
    if request.method in SAFE:
        return
    if not request.content_length and "Transfer-Encoding" not in request.headers:
        return  # nothing was sent, whatever it is called: an empty object
    if request.endpoint == "portal.api.talk.attach" and request.mimetype == "multipart/form-data":
        return
    if not request.is_json:
        abort(415, "Send JSON: Content-Type: application/json.")


rest.after_request(tell_rate)


@rest.errorhandler(Invalid)
def _invalid(error: Invalid) -> BaseResponse:
    return problem(422, error.detail or WRONG, errors=error.errors)


@rest.errorhandler(InvalidForm)
def _invalid_form(error: InvalidForm) -> BaseResponse:
    return _invalid(Invalid.form(error))
