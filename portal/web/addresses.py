"""Addresses that come from outside, and what may be done with them."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from flask import redirect as flask_redirect
from flask import request
from werkzeug.wrappers import Response as BaseResponse

#: the largest id that every database can compare with
LARGEST_ID = 2**63 - 1
_UNSAFE = re.compile(r"[\x00-\x20\x7f-\x9f\\]")


def safe_path(address: str | None, default: str = "/inbox") -> str:
    """A path of this site, or the default.

    Browsers strip control characters and read a backslash as a slash, so either makes an address that looks
    local lead elsewhere; a path that begins with two slashes is another host.
    """
    if not address or not address.startswith("/") or address.startswith("//") or _UNSAFE.search(address):
        return default
    try:
        parts = urlsplit(address)
    except ValueError:
        return default
    return default if parts.scheme or parts.netloc else address


def here() -> str:
    """The path and the filters of this page, for a form that comes back to it."""
    return request.full_path.rstrip("?") if request.method == "GET" else request.path


def in_log() -> str:
    """The path as it was sent: decoded, a line break in it would make a line of its own in the log."""
    return quote(request.path, safe="/:@!$&'()*+,;=~")


def see_other(address: str) -> BaseResponse:
    return flask_redirect(address, 303)


def to_id(text: str | int) -> int | None:
    """A number as an id that the database can be asked for, or None."""
    digits = str(text)
    if not digits.isascii() or not digits.isdigit() or len(digits) > 19:
        return None
    number = int(digits)
    return number if 0 < number <= LARGEST_ID else None
