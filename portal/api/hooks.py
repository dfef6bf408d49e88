"""Incoming webhooks, signed as Standard Webhooks (standardwebhooks.com): no token, a secret for each flow."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Any

from flask import abort, request
from werkzeug.wrappers import Response as BaseResponse

from portal.engine.transaction import clock
from portal.flow import registry
from portal.work.hooks import signature

from .bodies import HandleBody
from .calls import call, handle_named, receiver_of
from .repeats import once
from .resource import Blueprint, reply
from .schemas import CalledSchema

blueprint = Blueprint("hooks", __name__)

#: seconds that the clocks of both sides may differ; what is older could be a call that was listened in to
WINDOW = 300
#: characters of the id of a call
LONGEST = 255


@blueprint.route(
    "/hooks/<label>/<node>",
    methods=["POST"],
    tags=["Programs"],
    parameters=[
        {"in": "header", "name": name, "required": True, "schema": {"type": "string"}, "description": said}
        for name, said in (
            ("Webhook-Id", "Of the call: a second one with the same id does nothing."),
            ("Webhook-Timestamp", f"Seconds since 1970, not {WINDOW} seconds off."),
            ("Webhook-Signature", "One or more of `v1,<HMAC-SHA256 in base64>`."),
        )
    ],
)
@blueprint.doc(security=[])
@blueprint.arguments(HandleBody)
@blueprint.response(200, CalledSchema)
def receive(body: dict[str, Any], label: str, node: str) -> BaseResponse:
    """Call a handle of a flow. The call is signed with one of the flow's secrets, and acts as the system."""
    key = _verified(label)
    found = handle_named(label, node)
    if found is None:
        abort(404, "There is no such handle.")
    receiver = receiver_of(found, body)
    return once(
        lambda: reply(CalledSchema(), {"process": call(found, body, None, key=key)}),
        process=None if receiver is None else receiver.id,
        key=f"hook\0{label}\0{node}\0{key}",
    )


def _verified(label: str) -> str:
    """The id of the call, which somebody who knows the flow's secret has signed just now. Whether there is such a flow,
    nobody else learns."""
    key, stamp = request.headers.get("Webhook-Id", ""), request.headers.get("Webhook-Timestamp", "")
    given = request.headers.get("Webhook-Signature", "").split()
    if not key or len(key) > LONGEST or not key.isascii() or not (stamp.isascii() and stamp.isdigit()):
        abort(401, "The call lacks Webhook-Id, Webhook-Timestamp or Webhook-Signature.")
    fresh = len(stamp) < 15 and abs(clock.get()().timestamp() - int(stamp)) <= WINDOW
    content = request.get_data()
    expected = [signature(secret, key, stamp, content) for secret in secrets_of(label)]
    if not any(hmac.compare_digest(a.encode(), b.encode()) for a in expected for b in given):
        abort(401, "The signature is not one of this flow.")
    if not fresh:
        abort(401, "The call is too old, or the clocks differ.")
    return key


def secrets_of(label: str) -> list[str]:
    """The secrets of a flow: the one, or several while one is replaced."""
    flow = registry.get(label)
    said: Any = None if flow is None else flow.webhook_secret
    found: Iterable[str] = [said] if isinstance(said, str) else said or ()
    return [secret for secret in found if secret]
