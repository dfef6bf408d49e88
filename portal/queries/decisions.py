"""The words for tasks whose form is nothing but a decision, for buttons in lists."""

from __future__ import annotations

from typing import Any

from portal.jsonstore import BooleanField, fields_of
from portal.language import gettext as _


def words(node: Any) -> list[tuple[Any, str]]:
    """The values that can be decided, each with its word; `None` for a task that is confirmed. Empty for others."""
    if node is None or not node.human or node.starts:
        return []
    if node.view is None:
        return [(None, str(_("Done")))]
    decision = getattr(node.view, "decision", None)
    model = node.flow_class.process_class
    field: Any = None if decision is None or model is None else fields_of(model).get(decision.name)
    if isinstance(field, BooleanField):
        return list(zip((True, False), map(str, field.labels), strict=True))
    if field is None or not field.choices:
        return []
    values = list(field.enum) if field.enum is not None else [value for value, _label in field.choices]
    return [(value, str(label)) for value, (_value, label) in zip(values, field.choices, strict=True)]
