"""Limits the size of a form: one number for its texts, rows and files together."""

from __future__ import annotations

from typing import Any

from flask import current_app, request
from flask.sansio.scaffold import Scaffold

from portal.language import gettext as _

from .accounts.person import is_signed_in

#: bytes of a form, if nothing else is set
MAX_CONTENT_LENGTH = 16 * 1024 * 1024
#: bytes that an input takes at the least in a form with files
SMALLEST_PART = 100
#: fields of any form: Werkzeug counts those of multipart forms only, and millions take a minute and a gigabyte
MOST_FIELDS = 200_000
#: the endpoints of comments
COMMENTS = frozenset(("portal.comments.of_task", "portal.comments.of_process"))
#: the endpoints of forms of which drafts are kept, also when they come without a session
KEPT = frozenset(("portal.tasks.execute", "portal.start.form")) | COMMENTS
#: bytes of the texts, and fields, of such a form whose sender is not signed in
STRANGERS_BYTES, STRANGERS_FIELDS = 4 * 1024 * 1024, 20_000
_URLENCODED = "application/x-www-form-urlencoded"
_FORMS = (_URLENCODED, "multipart/form-data")


def attach(scope: Scaffold) -> None:
    """Let the limit be the only one for people who are signed in.

    Werkzeug's own limits for texts (500 kB) and inputs (1000) hold for everybody else, but where a session has ended.
    """
    scope.before_request(_widen)


def _widen() -> None:
    if request.max_content_length is None:
        request.max_content_length = limit()
    if request.mimetype not in _FORMS:
        return
    if is_signed_in():
        request.max_form_memory_size = limit()
        request.max_form_parts = min(max(1000, limit() // SMALLEST_PART), MOST_FIELDS)
    elif request.endpoint in KEPT:
        request.max_form_memory_size, request.max_form_parts = STRANGERS_BYTES, STRANGERS_FIELDS


def helpers() -> dict[str, Any]:
    return {"max_form_size": limit, "size_words": size_words}


def has_too_many_fields() -> bool:
    """Whether a form has more fields than anybody reads. It is read, but not taken apart.

    Raises:
        RequestEntityTooLarge: it has more bytes than this request may have.
    """
    return request.mimetype == _URLENCODED and request.get_data().count(b"&") >= MOST_FIELDS


def limit() -> int:
    """The most bytes of a form."""
    return int(current_app.config.get("MAX_CONTENT_LENGTH") or MAX_CONTENT_LENGTH)


def size_words(size: int) -> str:
    """`16 MB`, `1.5 MB`, `84 kB`, `12 bytes`."""
    for name, unit in (("MB", 1024 * 1024), ("kB", 1024)):
        if size >= unit:
            return f"{size / unit:.1f}".removesuffix(".0") + f" {name}"
    return _("%(number)s bytes", number=size)


def too_large() -> str:
    """What a person is told whose form was larger."""
    return _(
        "What you sent is larger than the portal takes: a form has at most %(limit)s, files and all. "
        "Attach less, or smaller files.",
        limit=size_words(limit()),
    )
