"""Refuses forms whose request was cut off by a lost connection."""

from __future__ import annotations

from flask import abort, request
from flask.sansio.scaffold import Scaffold
from werkzeug.exceptions import ClientDisconnected

from portal.language import lazy_gettext

from .limits import has_too_many_fields

_CUT = lazy_gettext(
    "The connection was cut before everything had arrived, and nothing was saved. Go back and send it again: "
    "what you typed is still there."
)


def attach(scope: Scaffold) -> None:
    """Read what is sent before anything is done with it."""
    scope.before_request(demand_whole)


def demand_whole() -> None:
    """Refuse a request whose body ends before its length.

    Werkzeug believes a server which says that it ends the stream itself; and gunicorn does end it, early, where the
    client has gone. With a length we count ourselves. A chunked body says itself where it ends.
    """
    if request.content_length is not None:
        request.environ.pop("wsgi.input_terminated", None)
    if request.method in ("GET", "HEAD", "OPTIONS", "TRACE"):
        return
    try:
        if has_too_many_fields():
            abort(413)
        request.get_data(parse_form_data=True)
        request.form  # noqa: B018  # is not taken apart yet where the line above found the data read
    except ClientDisconnected:
        abort(400, _CUT)
