"""Checks what may stand in a JSON document, and copies it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from portal.language import gettext as _

#: PostgreSQL keeps neither NUL nor half a surrogate pair in its JSON
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
#: Python reads at most 4300 digits from JSON; a number of this many bits counts nothing real
_MOST_BITS = 4096
#: the types of what stands in a document and is no container
SCALARS = frozenset((str, int, float, bool, type(None)))


def check_text(value: str) -> str:
    """The text itself; ValueError when no database could keep it."""
    if _UNSTORABLE.search(value):
        raise ValueError(_("The text contains characters that cannot be stored."))
    return value


def storable(text: str) -> str:
    """The text with a replacement for each character no database could keep: for messages, tracebacks."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def check_scalar(value: Any) -> Any:
    """The value itself; ValueError when it is not a JSON scalar that every database can keep."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return check_text(value)
    if isinstance(value, int):
        if value.bit_length() > _MOST_BITS:
            raise ValueError(_("The number is too large."))
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is not a number that JSON can hold.")
        return value
    raise ValueError(f"A value of type {type(value).__name__} cannot be stored as JSON.")


def check_key(key: Any) -> str:
    if not isinstance(key, str):
        raise ValueError(f"The keys of a JSON document are texts, not {type(key).__name__}.")
    return check_text(key)


def plain(value: Any) -> Any:
    """A deep copy of dicts, lists and scalars, without any tracking; ValueError for what is not JSON."""
    if type(value) in SCALARS:  # as most are: the others take longer to tell apart
        return check_scalar(value)
    if isinstance(value, Mapping):
        return {check_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return check_scalar(value)


def same(first: Any, second: Any) -> bool:
    """Equal as JSON: True is not 1, and 1 is not 1.0."""
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, (list, tuple)) and isinstance(second, (list, tuple)):
        return len(first) == len(second) and all(map(same, first, second))
    return (isinstance(first, bool), isinstance(first, float)) == (
        isinstance(second, bool),
        isinstance(second, float),
    ) and bool(first == second)
