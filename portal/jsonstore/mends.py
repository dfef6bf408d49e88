"""Suggests a default in place of one that its field refuses."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from .field import Field

#: how a value of another type becomes one of the field's, where that is plain
_READ: dict[type, Callable[[Any], Any]] = {
    int: int,
    float: float,
    str: str,
    Decimal: lambda value: Decimal(str(value)),
    dt.date: lambda value: dt.date.fromisoformat(value),
    dt.time: lambda value: dt.time.fromisoformat(value),
    uuid.UUID: lambda value: uuid.UUID(value),
}


def default_mend(field: Field[Any, Any, Any]) -> str:
    """The mend for a default that the field does not take: `write default=5`."""
    kind = field.python_type
    try:
        meant = field.check(_READ[kind](field.default))
    except (KeyError, ValueError, TypeError, ArithmeticError, AttributeError):
        if kind is bool:
            wanted = "True or False"
        elif kind is object or isinstance(field.default, kind):
            wanted = "one that it takes"
        else:
            wanted = f"a {kind.__name__}"
        return f"give {wanted}, or leave it out"
    return f"write default={meant!r}"
