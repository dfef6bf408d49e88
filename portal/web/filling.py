"""Filling a task's form in from code, as a browser would."""

from __future__ import annotations

import datetime as dt
import enum
import json
from typing import Any

from flask import current_app, g
from werkzeug.datastructures import MultiDict

from portal.engine import actions
from portal.errors import InvalidForm
from portal.flow.activation import Activation
from portal.models import Process, User, db


def fill_form(activation: Activation, values: dict[str, Any]) -> bool:
    """Validate values through the form of an activation's node, and write them.

    Returns:
        Whether the view has completed the task by itself, as one that is written by hand does.

    Raises:
        InvalidForm: the form refuses them, or has no such field.
    """
    data = MultiDict(pair for name, value in values.items() for pair in _pairs(name, value))
    view: Any = getattr(activation.node, "view", None)
    if view is None:
        return False
    with current_app.test_request_context(method="POST", data=data):
        g.csrf_valid = True  # nobody else's page can call this
        if not hasattr(view, "form"):
            response = activation.node.respond(activation)  # type: ignore[attr-defined]
            status = response[1] if isinstance(response, tuple) else getattr(response, "status_code", 200)
            if status == 422:
                raise InvalidForm("the view refused the form")
            return True
        form = view.form(activation, formdata=data)
        unknown = [name for name in values if name not in form and not any(f.startswith(f"{name}-") for f in data)]
        if unknown:
            known = ", ".join(name for name in form._fields if name != "csrf_token")
            raise InvalidForm(f"the form has no field {unknown[0]!r}; it has: {known}")
        if not form.validate() or view.save(form, activation) is False:
            raise InvalidForm(f"the form is not valid: {form.errors}", form.errors)
    return False


def submit(node: Any, user: User, **values: Any) -> Process:
    """Start a process from code as if this person had filled the start form in.

    Args:
        node: a `Start` node, such as `HelloWorldFlow.start`.
        user: who starts it.
        values: the form's fields, as Python values.

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
    if isinstance(value, dict):
        return [pair for key, each in value.items() for pair in _pairs(f"{name}-{key}", each)]
    if isinstance(value, list | tuple | set):
        if value and isinstance(next(iter(value)), dict):
            return [pair for i, each in enumerate(value) for pair in _pairs(f"{name}-{i}", each)]
        return [pair for each in value for pair in _pairs(name, each)]
    return [(name, _text(value))]


def _text(value: Any) -> str:
    if value is True:
        return "y"
    if isinstance(value, enum.Enum):
        return str(value.value)
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if hasattr(value, "id") and hasattr(value, "__mapper__"):
        return str(value.id)
    return value if isinstance(value, str) else json.dumps(value) if isinstance(value, dict) else str(value)
