"""Compresses pages and assets for browsers that accept it, whichever server is in front.

Compressed, the length of a page says how much of it is repeated. Whoever can make somebody's browser ask for pages with
words of theirs in the address, and can measure the answers on the way, might guess at what the page says beside them
(the attack BREACH). Each page is made longer by a random number of bytes, so that a single guess is not seen. The
CSRF token, which would be worth such work, is dated and signed anew each second: what was guessed of one page's is no
part of the next one's. The session's cookie is `SameSite=Lax`: another site cannot have pages fetched in its name
without leading the person there.
"""

from __future__ import annotations

import gzip
import secrets
from io import BytesIO
from typing import Any

from flask import Response, request
from flask.sansio.scaffold import Scaffold

#: bytes below which nothing is won
SMALLEST = 1000
#: quick: the next levels take longer than they save
LEVEL = 5
#: how many bytes a page may be longer than it needs to be
PADDING = 100
#: how many assets are kept compressed
MOST = 100
_TYPES = frozenset(
    (
        "application/javascript",
        "application/json",
        "application/problem+json",
        "application/xml",
        "image/svg+xml",
        "text/css",
        "text/csv",
        "text/html",
        "text/javascript",
        "text/plain",
    )
)
#: the endpoints of files that are the same for everybody
_ASSETS = frozenset(("static", "portal.static", "portal.asset", "portal.bootstrap"))

#: assets that were compressed, by their entity tags
_kept: dict[str, bytes] = {}


def attach(scope: Scaffold) -> None:
    """Compress what our endpoints answer. Attach it ahead of whatever else changes an answer: it is called last."""
    scope.after_request(_compress)


def _compress(response: Response) -> Response:
    if not _is_ours() or not _can_be_smaller(response):
        return response
    response.vary.add("Accept-Encoding")
    if request.accept_encodings.quality("gzip") <= 0:
        return response
    etag, _ = response.get_etag()
    body: Any = response.response
    if request.endpoint in _ASSETS and etag is not None:
        small = _kept.get(etag) or _keep(etag, _zipped(_content(response)))
    else:
        small = _zipped(_content(response), secrets.randbelow(PADDING))
    response.set_data(small)
    if hasattr(body, "close"):  # a file
        body.close()
    response.headers["Content-Encoding"] = "gzip"
    response.headers.pop("Accept-Ranges", None)
    if etag is not None:  # the same file in other bytes
        response.set_etag(etag, weak=True)
    return response


def _is_ours() -> bool:
    endpoint = request.endpoint or ""
    return endpoint.startswith("portal.") or endpoint in _ASSETS


def _can_be_smaller(response: Response) -> bool:
    if request.method == "HEAD" or response.status_code in (204, 206, 304) or response.content_encoding:
        return False
    if response.mimetype not in _TYPES or (response.content_length or SMALLEST) < SMALLEST:
        return False
    # What is made while it is sent, or is somebody's file, goes as it is.
    return request.endpoint in _ASSETS or not (response.is_streamed or response.direct_passthrough)


def _content(response: Response) -> bytes:
    response.direct_passthrough = False  # of a file
    return b"".join(response.iter_encoded())


def _zipped(content: bytes, padding: int = 0) -> bytes:
    """The content compressed.

    Args:
        padding: the bytes of a name of the file, which nobody reads.
    """
    buffer = BytesIO()
    with gzip.GzipFile("p" * padding, "wb", LEVEL, buffer, mtime=0) as file:
        file.write(content)
    return buffer.getvalue()


def _keep(etag: str, small: bytes) -> bytes:
    if len(_kept) >= MOST:
        _kept.clear()
    _kept[etag] = small
    return small
