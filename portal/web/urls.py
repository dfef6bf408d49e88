"""Checks addresses that come from outside, such as `next=`, and keeps the list that one came from."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit

from flask import current_app, request, url_for
from flask import redirect as flask_redirect
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Response as BaseResponse

#: the largest id that every database can compare with
LARGEST_ID = 2**63 - 1
#: the pages to which one comes back, with the filters that they had
LISTS = (
    "portal.lists.inbox",
    "portal.lists.queue",
    "portal.lists.archive",
    "portal.lists.tasks",
    "portal.processes.index",
)
#: the endpoint of every address below a prefix that is no page
NOT_THERE = "portal.not_there"
_UNSAFE = re.compile(r"[\x00-\x20\x7f-\x9f\\]")


def inbox() -> str:
    return url_for("portal.lists.inbox")


def safe_path(address: str | None, default: str | None = None) -> str:
    """An address on this site, with its prefix, or the default: the inbox.

    Browsers strip control characters and read a backslash as a slash, so either makes an address that looks
    local lead elsewhere; a path that begins with two slashes is another host, and `..` leads out of the prefix.
    """
    if default is None:
        default = inbox()
    if not address or not address.startswith("/") or address.startswith("//") or _UNSAFE.search(address):
        return default
    try:
        parts = urlsplit(address)
    except ValueError:
        return default
    path = unquote(parts.path)
    inside = f"{path}/".startswith(f"{request.script_root}/") and ".." not in path.split("/")
    return address if inside and not parts.scheme and not parts.netloc else default


def here() -> str:
    """The path and the filters of this page, for a form that comes back to it."""
    path = request.full_path.rstrip("?") if request.method == "GET" else request.path
    return f"{request.script_root}{path}"


def way_back(default: str = "") -> str:
    """The list to which this page leads back, with its filters: what `next` says, else the list that one came from."""
    known: dict[str, Any] = request.environ  # a page asks with each of its links
    if "portal.way_back" not in known:
        known["portal.way_back"] = safe_path(request.values.get("next"), "") or _list_before()
    return known["portal.way_back"] or default


def _list_before() -> str:
    """The list, with filters, whose link was followed to this page."""
    if request.method != "GET" or not request.referrer:
        return ""
    try:
        parts = urlsplit(request.referrer)
    except ValueError:
        return ""
    if parts.netloc != request.host or not parts.query or parts.path not in map(url_for, LISTS):
        return ""
    return safe_path(f"{parts.path}?{parts.query}", "")


def carry(address: str) -> str:
    """The address of a page, or of a form, from which one comes back to where this page leads back."""
    back = "" if request.endpoint in LISTS else way_back()
    return f"{address}?{urlencode({'next': back}, safe='/')}" if back else address


def without_slash() -> str | None:
    """The page that is meant by an address with a slash too many at its end; None where there is none."""
    path = request.path.rstrip("/")
    if is_page(request.path, request.method) or path == request.path or not path or path.startswith("//"):
        return None
    if not is_page(path, request.method):
        return None
    query = "?" + quote(request.query_string, safe="%&=+/:?@!$'()*,;~") if request.query_string else ""
    return quote(request.script_root + path) + query


def is_page(path: str, method: str) -> bool:
    """Whether there is a page at this path, for this method."""
    adapter: Any = current_app.create_url_adapter(request)
    try:
        endpoint, _ = adapter.match(path, method)
    except RequestRedirect:
        return True
    except HTTPException:
        return False
    return bool(endpoint != NOT_THERE)


def in_log() -> str:
    """The path as it was sent: decoded, a line break in it would make a line of its own in the log."""
    return quote(request.path, safe="/:@!$&'()*+,;=~")


def see_other(address: str) -> BaseResponse:
    return flask_redirect(address, 303)


def asked(name: str, longest: int = 150) -> str:
    """A parameter of the address, without the NUL bytes that no database keeps."""
    return request.args.get(name, "").replace("\0", "").strip()[:longest]


def narrowed(endpoint: str, /, **values: Any) -> str:
    """The address of a page with the filters that are set."""
    return url_for(endpoint, **{name: value or None for name, value in values.items()})


def to_id(text: str | int) -> int | None:
    """A number as an id that the database can be asked for, or None."""
    digits = str(text)
    if not digits.isascii() or not digits.isdigit() or len(digits) > 19:
        return None
    number = int(digits)
    return number if 0 < number <= LARGEST_ID else None


def address_maker(endpoint: str, name: str, **values: Any) -> Callable[[int], str]:
    """Makes the address of many pages of one kind, a row each, faster than `url_for` for each.

    Args:
        name: of the number in the address.
    """
    values[name] = LARGEST_ID
    before, _, behind = url_for(endpoint, **values).partition(str(LARGEST_ID))
    return lambda number: f"{before}{number}{behind}"
