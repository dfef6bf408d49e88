"""Flows, their start forms, and starting a process."""

from __future__ import annotations

from typing import Any

from flask import url_for
from werkzeug.wrappers import Response as BaseResponse

from portal.engine import actions
from portal.flow import registry
from portal.models import db
from portal.web.layout import me
from portal.web.lookups import flow_or_refuse, has_to_do_with
from portal.web.tasks.start import start_or_refuse

from .bodies import PageQuery, StartBody
from .form_schema import fill_in, form_schema
from .processes import detail_of
from .repeats import once, with_tag
from .resource import TAG_HEADER, Blueprint, needs, page, reply
from .schemas import FlowDetailSchema, FlowSchema, ProcessDetailSchema, StartFormSchema, page_of

blueprint = Blueprint("flows", __name__)
FLOWS = page_of(FlowSchema)


@blueprint.route("/flows", tags=["Flows"])
@needs("read")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, FLOWS)
def index(query: dict[str, Any]) -> BaseResponse:
    """The flows that one has to do with, by their labels."""
    labels = sorted(label for label in registry if label > query["after"])
    seen = [flow for label in labels if has_to_do_with(me(), flow := registry[label])]
    shown, more = seen[: query["limit"]], seen[query["limit"] :]
    return page(FLOWS(), [_flow(flow) for flow in shown], shown[-1].definition.label if more else None)


@blueprint.route("/flows/<label>", tags=["Flows"])
@needs("read")
@blueprint.response(200, FlowDetailSchema)
def detail(label: str) -> BaseResponse:
    """A flow with its steps."""
    flow = flow_or_refuse(label)
    nodes = [node for name, node in flow.definition.nodes.items() if "__" not in name]
    steps = [{"node": node.name, "kind": node.kind, "title": node.title} for node in nodes]
    return reply(FlowDetailSchema(), {**_flow(flow), "steps": steps})


@blueprint.route("/flows/<label>/starts/<node>", tags=["Flows"])
@needs("read")
@blueprint.response(200, StartFormSchema)
def start_form(label: str, node: str) -> BaseResponse:
    """A start with the JSON Schema of its form."""
    found = start_or_refuse(label, node)
    schema = form_schema(actions.reading_start(db.session(), found, me()))
    return reply(StartFormSchema(), {**_start(found), "schema": schema})


@blueprint.route("/flows/<label>/starts/<node>", methods=["POST"], tags=["Flows"])
@needs("start", once=True)
@blueprint.arguments(StartBody)
@blueprint.response(201, ProcessDetailSchema, headers=TAG_HEADER)
def start(body: dict[str, Any], label: str, node: str) -> BaseResponse:
    """Start a process."""
    found = start_or_refuse(label, node)
    return once(lambda: _start_one(found, body["data"]))


def _start_one(node: Any, data: dict[str, Any]) -> BaseResponse:
    with actions.starting(db.session(), node, me()) as activation:
        if not fill_in(activation, data):
            activation.execute()
        db.session.flush()
        process_id = activation.process.id
    answer = detail_of(process_id, 201)
    answer.headers["Location"] = url_for("portal.api.processes.detail", process_id=process_id)
    return with_tag(answer)


def _flow(flow: Any) -> dict[str, Any]:
    definition = flow.definition
    starts = [node for node in definition.starts if node.human and node.available(me())]
    return {
        "label": definition.label,
        "title": definition.title,
        "description": definition.description,
        "category": str(flow.category),
        "keywords": [str(word) for word in flow.keywords],
        "starts": [_start(node) for node in starts],
    }


def _start(node: Any) -> dict[str, Any]:
    return {
        "flow": node.flow_class.definition.label,
        "node": node.name,
        "title": node.title,
        "description": str(node.description),
    }
