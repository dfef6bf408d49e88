"""Flows: what one may start, the board of one, its picture."""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, abort, request

from portal import queries, render
from portal.engine import declarations
from portal.errors import PermissionDenied
from portal.flow import registry
from portal.language import gettext
from portal.language import lazy_gettext as _
from portal.models import db
from portal.queries.version_counts import versions
from portal.render import ChartState

from . import catalogue, navigation
from .accounts.sign_in import require_login
from .comparing import compared
from .layout import me, now
from .lookups import flow_or_refuse, has_to_do_with
from .navigation import Entry
from .rendering import render_template

blueprint = Blueprint("flows", __name__)
blueprint.before_request(require_login)
navigation.register(Entry("start", _("New request"), "plus-circle", "portal.flows.index", 50))

_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


@blueprint.get("/flows")
def index() -> str:
    user, q = me(), request.args.get("q", "").strip()
    found = catalogue.entries(user)
    matching = catalogue.matching(found, q)
    return render_template(
        "portal/flows.html",
        q=q,
        anything=bool(found),
        shown=len(matching),
        groups=catalogue.grouped(matching),
        often=catalogue.often(user, found),
        drafts=catalogue.unfinished(user),
        times=any(entry.duration for entry in matching),
        others=_others({entry.flow.flow_class for entry in found}),
    )


def _others(known: set[Any]) -> list[Any]:
    found = [flow for flow in registry.values() if flow not in known and has_to_do_with(me(), flow)]
    return sorted(found, key=lambda flow: flow.definition.title.lower())


@blueprint.get("/flows/<label>")
def dashboard(label: str) -> str:
    flow_class = flow_or_refuse(label)
    columns = queries.board(db.session(), me(), label, now())
    definition = flow_class.definition
    state = ChartState(
        badges={name: column.count for name, column in columns.items()},
        failed={name: column.failed for name, column in columns.items() if column.failed},
        mutes=False,
    )
    steps = render.steps(flow_class, state)
    order = {step.name: place for place, step in enumerate(steps)}
    found, up_to = versions(db.session(), label) if me().views(label) else ([], None)
    others = any(each.fingerprint != definition.fingerprint for each in found)
    return render_template(
        "portal/flow.html",
        flow_class=flow_class,
        described=render.described(flow_class),
        kept=declarations.fingerprints(db.session(), label) if others else (),
        flow=definition,
        columns=sorted(columns.values(), key=lambda column: order.get(column.flow_task, len(order))),
        chart=render.svg(flow_class, state, links={name: f"#step-{name}" for name in columns}),
        fits=request.args.get("chart") == "fit",
        steps=steps,
        starts=[node for node in definition.starts if node.human and node.available(me())],
        waiting=sum(column.count for column in columns.values()),
        part=None if columns.whole else queries.MOST_ON_A_BOARD,
        late=sum(column.late for column in columns.values()),
        versions=found,
        up_to=up_to,
        oldest=min((column.oldest for column in columns.values() if column.oldest), default=None),
    )


@blueprint.get("/flows/<label>/versions/<fingerprint>")
def version(label: str, fingerprint: str) -> str:
    """What has changed since a version of the flow."""
    flow_class = flow_or_refuse(label)
    if not me().views(label):
        raise PermissionDenied(gettext("Only people who see all processes of the flow may do this."))
    old = declarations.of_version(db.session(), label, fingerprint) if fingerprint.isalnum() else None
    if old is None:
        abort(404, gettext("What this version looked like was not kept."))
    return render_template(
        "portal/flow_version.html",
        flow=flow_class.definition,
        fingerprint=fingerprint,
        compared=compared(old, flow_class),
    )


@blueprint.get("/flows/<label>/chart.svg")
def chart(label: str) -> Response:
    return picture(render.svg(flow_or_refuse(label), standalone=True))


@blueprint.get("/flows/<label>/chart.bpmn")
def bpmn(label: str) -> Response:
    response = Response(render.bpmn(flow_or_refuse(label)), mimetype="application/xml")
    response.headers["Content-Disposition"] = attachment(f"{label}.bpmn")
    return response


def attachment(name: str) -> str:
    """The header of a file to be kept, whose name may have any letters (RFC 6266)."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", unicodedata.normalize("NFKD", name))
    if plain == name:
        return f'attachment; filename="{name}"'
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def picture(svg: str) -> Response:
    """A picture as a file of its own. The style that it brings along is allowed by its hash."""
    response = Response(svg, mimetype="image/svg+xml")
    hashes = [
        "'sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() + "'"
        for style in _STYLE.findall(svg)
    ]
    sources = " ".join(hashes) or "'none'"
    response.headers["Content-Security-Policy"] = f"default-src 'none'; style-src {sources}"
    response.headers["Cache-Control"] = "private, no-cache"
    response.add_etag()
    return response.make_conditional(request)  # type: ignore[return-value]
