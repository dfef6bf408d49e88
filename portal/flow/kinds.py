"""What the fields of a process hold, as far as their declaration tells."""

from __future__ import annotations

import dataclasses
import enum
import inspect
from collections.abc import Mapping
from functools import lru_cache
from typing import Any


@dataclasses.dataclass(frozen=True)
class Kind:
    """What a field holds.

    Args:
        type: the Python type of its values; None where nobody knows.
        choices: the values that it may have; empty where any.
    """

    type: type | None = None
    choices: tuple[Any, ...] = ()


ANY = Kind()
Kinds = Mapping[str, Kind]


def attributes_of(model: Any) -> dict[str, Any]:
    """The attributes of a class that hold values: fields, columns and properties, as they are declared."""
    found = {}
    for name in dir(model) if model is not None else ():
        if not name.startswith("_"):
            value = inspect.getattr_static(model, name)
            if not callable(value) or hasattr(type(value), "python_type"):
                found[name] = value
    return found


def kind_of(attribute: Any) -> Kind:
    """What an attribute holds."""
    if hasattr(type(attribute), "key_type"):  # it points at objects, whose class may be declared further on
        return ANY
    kind = getattr(attribute, "python_type", None)
    stored: Any = getattr(getattr(attribute, "expression", None), "type", None)
    if kind is None and stored is not None:
        try:
            kind = stored.python_type
        except NotImplementedError:
            kind = None
    choices = tuple(value for value, _label in getattr(attribute, "choices", None) or ())
    if not choices and isinstance(kind, type) and issubclass(kind, enum.Enum):
        choices = tuple(kind)
    return Kind(None if kind is object else kind, choices)


@lru_cache(maxsize=1024)
def guarded(model: Any) -> tuple[tuple[str, str], ...]:
    """The permissions that let people see a field or a column of a class, each with the label of what it shows."""
    mapper = getattr(model, "__mapper__", None)
    columns = (
        {} if mapper is None else {name: getattr(each, "info", {}) for name, each in mapper.columns.items()}
    )
    rules = [(info.get("visible_to"), info.get("label") or name) for name, info in columns.items()]
    for name, value in attributes_of(model).items():
        if hasattr(type(value), "python_type"):
            rules.append((getattr(value, "visible_to", None), getattr(value, "label", name)))
    found: dict[str, str] = {}
    for rule, label in rules:
        for permission in [rule] if isinstance(rule, str) else () if rule is None or callable(rule) else rule:
            found.setdefault(permission, str(label))
    return tuple(found.items())
