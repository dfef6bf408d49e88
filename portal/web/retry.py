"""Serves a request again, once or twice, when the database was unavailable for a moment."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Flask, request

from portal.engine.retries import persist
from portal.flow import registry
from portal.models import db


def init_app(app: Flask) -> None:
    """Serve each page of ours again when the database was unavailable before anything was committed."""
    for name, view in app.view_functions.items():
        if name.startswith("portal."):
            app.view_functions[name] = _steady(view)


def _steady(view: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(view)
    def call(**arguments: Any) -> Any:
        before = registry.pin()  # each row of a list asks for its flow
        try:
            return persist(db.session(), lambda: _once(view, arguments))
        finally:
            registry.unpin(before)

    return call


def _once(view: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    for _, file in request.files.items(multi=True):
        file.stream.seek(0)  # the try before has read it
    return view(**arguments)
