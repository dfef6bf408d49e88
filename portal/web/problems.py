"""Refusals for programs: problem details (RFC 9457) instead of pages."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import current_app, json, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from portal import trace
from portal.errors import InvalidForm

MEDIA_TYPE = "application/problem+json"
#: below the prefix of the portal
PATH = "/api/"
#: said beside the messages by field
WRONG = "Something in it is not in order."
#: headers of an HTTP error that are for programs too
_KEPT = ("Allow", "Retry-After", "WWW-Authenticate")


class Invalid(Exception):
    """What a program has sent cannot be taken.

    Args:
        errors: the messages by the name of the field; "" for what is of no single one.
    """

    def __init__(self, errors: Mapping[str, list[str]], detail: str = "") -> None:
        super().__init__(detail)
        self.errors, self.detail = dict(errors), detail

    @classmethod
    def form(cls, error: InvalidForm) -> Invalid:
        """What a form refuses, by its fields."""
        return cls(dict(flattened(error.errors)), "" if error.errors else str(error))


def for_programs() -> bool:
    """Whether a program asks, and no browser."""
    rule = request.url_rule
    if rule is not None and rule.endpoint.startswith("portal.api."):
        return True
    return request.path.removeprefix(prefix()).startswith(PATH)


def prefix() -> str:
    """Below which path of the application the portal is."""
    blueprint = current_app.blueprints.get("portal")
    return (blueprint.url_prefix or "") if blueprint is not None else ""


def problem(
    status: int,
    detail: str = "",
    *,
    errors: Mapping[str, list[str]] | None = None,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> BaseResponse:
    """An answer that says what is wrong.

    Args:
        detail: a sentence for people.
        errors: the messages by the name of the field.
        more: members beside those of the standard.
    """
    said: dict[str, Any] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    if detail:
        said["detail"] = detail
    if errors:
        said["errors"] = dict(errors)
    if reference := trace.current.get():
        said["reference"] = reference
    body = json.dumps(said | more)
    return current_app.response_class(body + "\n", status, dict(headers or {}), content_type=MEDIA_TYPE)


def of_http(error: HTTPException, detail: str = "") -> BaseResponse:
    """The problem that an HTTP error is. What a library has found out about the fields is told by field."""
    code = error.code or 500
    own = error.description if error.description != type(error).description else ""
    found: Any = (getattr(error, "data", None) or {}).get("messages") or {}
    headers = {name: value for name, value in error.get_headers() if name in _KEPT}
    if code == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="portal"'
    errors = dict(_by_field(found)) if isinstance(found, Mapping) else {}
    if code == 400 and "json" in found and not any(errors):
        detail = "The body is no JSON."
    elif code == 422 and errors:
        detail = detail or own or WRONG
    return problem(code, detail or own or type(error).description or "", errors=errors, headers=headers)


def _by_field(found: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """The messages of a schema: by place (query, json …), field and so on down."""
    flat: list[tuple[str, list[str]]] = []
    for messages in found.values():
        flat += flattened(messages)
    return flat


def flattened(messages: Any, path: str = "") -> list[tuple[str, list[str]]]:
    """Nested messages as pairs of a path such as `lines.0.amount` and what is said of it."""
    if isinstance(messages, Mapping):
        pairs = [("" if name in (None, "_schema") else str(name), each) for name, each in messages.items()]
    elif isinstance(messages, list | tuple) and any(isinstance(each, Mapping) for each in messages):
        pairs = [(str(number), each) for number, each in enumerate(messages) if each]
    elif messages:
        return [(path, [str(each) for each in messages] if not isinstance(messages, str) else [messages])]
    else:
        return []
    return [found for name, each in pairs for found in flattened(each, ".".join(filter(None, (path, name))))]
