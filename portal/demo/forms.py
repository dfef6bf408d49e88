"""Forms that the people of the demo fill in: those of a step are alike, so its class is made once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import current_app

from portal.engine import actions
from portal.flow.activation import Activation
from portal.models import db
from portal.web.forms.formdata import entries
from portal.web.forms.submit import enter, fill_form


class Forms:
    """As `fill_form` and `submit`, of which each makes a form first to find out what can be entered."""

    def __init__(self) -> None:
        self._classes: dict[Any, Any] = {}

    def begin(self, node: Any, user_id: int, values: Mapping[str, Any]) -> int:
        """Somebody sends a start form. The key of the new process."""
        with actions.starting(db.session(), node, user_id) as activation:
            self.finish(activation, values)
            process = activation.process
        key: int = process.id
        return key

    def finish(self, activation: Activation, values: Mapping[str, Any]) -> None:
        """Somebody fills the form of their task in, and sends it."""
        if not self._fill(activation, values):
            activation.execute()

    def _fill(self, activation: Activation, values: Mapping[str, Any]) -> bool:
        node: Any = activation.node
        if not hasattr(node.view, "form"):
            return fill_form(activation, dict(values))
        if node not in self._classes:
            with current_app.test_request_context(method="POST"):
                self._classes[node] = type(node.view.form(activation))
        return enter(activation, entries(self._classes[node], values))
