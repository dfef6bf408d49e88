"""Submits a task's form from code, as a browser would."""

from __future__ import annotations

import datetime as dt
import sys
from io import BytesIO
from typing import Any

from flask import current_app, g
from flask.ctx import RequestContext
from werkzeug.datastructures import MultiDict

from portal.engine import actions
from portal.errors import InvalidForm
from portal.flow.activation import Activation
from portal.flow.user_tasks import Start
from portal.models import Process, User, db

from ..urls import inbox
from .formdata import entries


def fill_form(activation: Activation, values: dict[str, Any]) -> bool:
    """Validate values through the form of an activation's node, and write them.

    Returns:
        Whether the view has completed the task by itself, as one that is written by hand does.

    Raises:
        InvalidForm: the form refuses them, or has no such field.
    """
    view: Any = activation.node.view
    if view is None:
        return False
    if hasattr(view, "form"):
        with _posted():
            data = entries(type(view.form(activation)), values)
    else:
        data = MultiDict([pair for name, value in values.items() for pair in _pairs(name, value)])
    return enter(activation, data)


def enter(activation: Activation, data: MultiDict[str, Any]) -> bool:
    """Send what a browser would send through the view of an activation's node, and write it.

    Returns:
        Whether the view has completed the task by itself, as one that is written by hand does.

    Raises:
        InvalidForm: the view refuses it.
    """
    view: Any = getattr(activation.node, "view", None)
    if not hasattr(view, "form"):
        return _run_by_hand(activation, data)
    with _posted():
        g.csrf_valid = True  # nobody else's page can call this
        form = view.form(activation, formdata=data)
        if not form.validate():
            raise InvalidForm(errors=form.errors)
        view.accept(form, activation)
    return False


def _posted() -> RequestContext:
    """A request that posts a form. What it comes with is worked out once: its address would be read anew each time."""
    kept = current_app.extensions.get("portal_posted")
    if kept is None:
        kept = dict(current_app.test_request_context(method="POST").request.environ)
        del kept["werkzeug.request"]
        current_app.extensions["portal_posted"] = kept
    return current_app.request_context({**kept, "wsgi.input": BytesIO(), "wsgi.errors": sys.stderr})


def _run_by_hand(activation: Activation, data: MultiDict[str, Any]) -> bool:
    """A view that is written by hand reads its request and completes the task by itself."""
    with current_app.test_request_context(method="POST", data=data):
        g.csrf_valid = True
        activation.success_url = inbox()
        response = activation.node.respond(activation)  # type: ignore[attr-defined]
    status = response[1] if isinstance(response, tuple) else getattr(response, "status_code", 200)
    if status == 422:
        raise InvalidForm("the view refused the form")
    return True


def submit(node: Start, user: User, **values: Any) -> Process:
    """Start a process from code as if this person had filled the start form in.

    Args:
        node: a `Start` node, such as `HelloWorldFlow.start`.
        user: who starts it.
        values: the form's fields, as Python values.

    Returns:
        The process, committed.

    Raises:
        InvalidForm: the form refuses the values.
        PermissionDenied: this person may not start it.
    """
    with actions.starting(db.session(), node, user) as activation:
        if not fill_form(activation, values):
            activation.execute()
        process: Process = activation.process
    return process


def _pairs(name: str, value: Any) -> list[tuple[str, str]]:
    """What a browser would send for a value."""
    if value is None or value is False:
        return []
    if isinstance(value, list | tuple):
        return [pair for each in value for pair in _pairs(name, each)]
    if isinstance(value, dt.date | dt.time):
        return [(name, value.isoformat())]
    return [(name, "y" if value is True else str(value))]
