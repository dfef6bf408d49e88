"""What every resource has: a blueprint that is documented, the scope that it asks of a token, and answers in JSON."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import wraps
from http import HTTPStatus
from typing import Any

from flask import abort, current_app, json
from flask_smorest import Blueprint as DocumentedBlueprint
from marshmallow import Schema
from webargs.flaskparser import FlaskParser
from werkzeug.wrappers import Response as BaseResponse

from portal.engine import reasons
from portal.errors import PortalError
from portal.web.problems import Invalid

from .callers import demand_scope

View = Callable[..., Any]

TAG_HEADER = {"ETag": {"schema": {"type": "string"}, "description": "The state that was read."}}
_IDEMPOTENCY = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "The same key and request give the first answer again, for a day.",
}
_IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "schema": {"type": "string"},
    "description": "The `ETag` that was read: 412 where it has changed since.",
}


class _Parser(FlaskParser):
    #: what a schema does not know is a fault of the caller's in a body; lists have filters of the flows' fields
    DEFAULT_UNKNOWN_BY_LOCATION = FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION | {"query": "exclude"}

    def load_json(self, req: Any, schema: Any) -> Any:
        try:
            return super().load_json(req, schema)
        except RecursionError:
            abort(400, "The body is nested too deeply.")


class Blueprint(DocumentedBlueprint):
    """Some resources of one kind."""

    ARGUMENTS_PARSER = _Parser()


def needs(
    scope: str, *, once: bool = False, match: bool = False, asks: bool = True
) -> Callable[[View], View]:
    """Ask a token for a scope, and document what every such operation has.

    Args:
        asks: False where the operation itself asks, as it needs another scope for some of what it does.
        once: it takes an `Idempotency-Key`.
        match: it takes `If-Match`.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def call(*args: Any, **kwargs: Any) -> Any:
            if asks:
                demand_scope(scope)
            return view(*args, **kwargs)

        known: Any = deepcopy(getattr(view, "_apidoc", {}))
        said = known.setdefault("manual_doc", {})
        said["security"] = [{"token": []}, {"session": []}]
        said["x-scope"] = scope
        refused = (401, 403, 429, *((409,) if once else ()), *((412,) if match else ()))
        said["responses"] = {status: HTTPStatus(status).name for status in refused}
        parameters = [*([_IDEMPOTENCY] if once else []), *([_IF_MATCH] if match else [])]
        if parameters:
            said["parameters"] = parameters
        call._apidoc = known  # type: ignore[attr-defined]
        return call

    return decorate


def demand_reason(body: dict[str, Any]) -> None:
    """Refuse a reason that nobody could keep, before anything is done.

    Raises:
        Invalid
    """
    try:
        reasons.checked(body.get("reason"))
    except PortalError as error:
        raise Invalid({"reason": [str(error)]}) from error


def reply(schema: Schema, value: Any, status: int = 200) -> BaseResponse:
    """A value in JSON, as a schema has it."""
    body = json.dumps(schema.dump(value)) + "\n"
    return current_app.response_class(body, status, mimetype="application/json")


def page(schema: Schema, items: list[Any], after: str | None) -> BaseResponse:
    """A page of a list."""
    return reply(schema, {"items": items, "next": after or None})
