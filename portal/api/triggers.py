"""Calls handles, sends messages and throws signals, for managers of a flow."""

from __future__ import annotations

from typing import Any

from flask import abort, current_app, url_for
from werkzeug.wrappers import Response as BaseResponse

from portal.engine.permissions import demand_manager_of
from portal.flow import registry, throw_signal
from portal.models import Process
from portal.web.layout import me
from portal.web.lookups import flow_or_refuse, process_or_refuse
from portal.web.problems import Invalid

from .bodies import HandleBody, SignalBody
from .calls import call, demand_keywords, handle_named, receiver_of
from .processes import detail_of
from .repeats import once, with_tag
from .resource import Blueprint, needs
from .schemas import ProcessDetailSchema

blueprint = Blueprint("triggers", __name__)


@blueprint.route("/flows/<label>/handles/<node>", methods=["POST"], tags=["Programs"])
@needs("manage", once=True)
@blueprint.arguments(HandleBody)
@blueprint.response(200, ProcessDetailSchema)
@blueprint.alt_response(201, schema=ProcessDetailSchema, description="A start handle has started a process.")
@blueprint.alt_response(204, description="A message is kept: no process takes it yet.")
def handle(body: dict[str, Any], label: str, node: str) -> BaseResponse:
    """Complete a `Handle`, hand a message to a `MessageCatch`, or start a process by a `StartHandle`."""
    found = handle_named(label, node)
    if found is None:
        abort(404, "There is no such handle.")
    demand_manager_of(label, me())
    receiver = receiver_of(found, body)
    return once(lambda: _call(found, body), process=None if receiver is None else receiver.id)


def _call(node: Any, body: dict[str, Any]) -> BaseResponse:
    process_id = call(node, body, me())
    if process_id is None:
        return _nothing()
    answer = detail_of(process_id, 201 if node.starts else 200)
    if node.starts:
        answer.headers["Location"] = url_for("portal.api.processes.detail", process_id=process_id)
    return with_tag(answer)


@blueprint.route("/flows/<label>/messages/<name>", methods=["POST"], tags=["Programs"])
@needs("manage", once=True)
@blueprint.arguments(HandleBody)
@blueprint.response(200, ProcessDetailSchema)
@blueprint.alt_response(204, description="A message is kept: no process takes it yet.")
def message(body: dict[str, Any], label: str, name: str) -> BaseResponse:
    """Send a process a message: what waits for one of that name is reached."""
    flow = flow_or_refuse(label)
    nodes = flow.definition.nodes.values()
    if name not in {node.message for node in nodes} | {node.name for node in nodes if node.keeps_messages}:
        abort(404, "No step of this flow waits for such a message.")
    demand_manager_of(label, me())
    demand_keywords(body["data"])
    if "where" in body:
        return _send_where(flow, name, body)
    if body.get("process") is None:
        raise Invalid({"process": ["Say which process."]})
    process = process_or_refuse(body["process"])
    return once(lambda: _send(flow, name, process, body["data"]), process=process.id)


def _send_where(flow: Any, name: str, body: dict[str, Any]) -> BaseResponse:
    """Find the receiver of a message by its fields."""
    node = flow.definition.nodes.get(name)
    if node is None or not node.keeps_messages:
        raise Invalid({"where": ["Only a message catch finds its receiver by fields: say which process."]})
    receiver = receiver_of(node, body)
    return once(lambda: _call(node, body), process=None if receiver is None else receiver.id)


def _send(flow: Any, name: str, process: Process, data: dict[str, Any]) -> BaseResponse:
    process_id = process.id
    node = flow.definition.nodes.get(name)
    if node is not None and node.keeps_messages:
        call(node, {"process": process_id, "data": data}, me())
    else:
        flow.send(name, process=process_id, _user=me(), **data)
    return with_tag(detail_of(process_id))


@blueprint.route("/signals/<name>", methods=["POST"], tags=["Programs"])
@needs("manage", once=True)
@blueprint.arguments(SignalBody)
@blueprint.response(204)
def signal(body: dict[str, Any], name: str) -> BaseResponse:
    """Throw a signal: it reaches every process that waits for it. For who manages all flows that listen to it."""
    listening = [label for label, flow in registry.items() if _listens(flow, name)]
    if not listening:
        abort(404, "No flow listens to such a signal.")
    for label in listening:
        demand_manager_of(label, me())
    return once(lambda: _throw(name))


def _listens(flow: Any, name: str) -> bool:
    nodes = flow.definition.nodes.values()
    return any(node.signal == name and node.kind != "SignalThrow" for node in nodes)


def _throw(name: str) -> BaseResponse:
    throw_signal(name, _user=me())
    return _nothing()


def _nothing() -> BaseResponse:
    answer: BaseResponse = current_app.response_class(status=204)
    return answer
