"""Finds the mapping `data` of an instance, and a value in it by its path."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import QueryableAttribute
from sqlalchemy.orm.attributes import flag_modified

from .tracking import Tracked, TrackedDict

MISSING: Any = object()

_PATH_PART = re.compile(r"(?!null$)[A-Za-z_][\w-]*")


def path_of(json_key: str | Sequence[str]) -> tuple[str, ...]:
    if isinstance(json_key, str):
        if not json_key or '"' in json_key or "\\" in json_key:
            raise ValueError(f"json_key {json_key!r}: a text without quotes and backslashes is needed.")
        return (json_key,)
    if not isinstance(json_key, Sequence):
        raise ValueError(f"json_key {json_key!r}: a name or a path of names is needed.")
    path = tuple(json_key)
    if not path or not all(isinstance(part, str) and _PATH_PART.fullmatch(part) for part in path):
        raise ValueError(f"json_key {json_key!r}: each part of a path is a name.")
    return path


def is_mapped(owner: Any) -> bool:
    if not isinstance(owner, type):
        return True  # an alias of a mapped class
    return isinstance(_declared(owner), QueryableAttribute)


@lru_cache(maxsize=1024)
def _kind_of(owner: type) -> tuple[bool, bool]:
    """Of a class with instances: whether it is mapped, and whether it has a field called `data`."""
    declared = _declared(owner)
    return isinstance(declared, QueryableAttribute), isinstance(declared, hybrid_property)


def document_of(instance: Any, create: bool = False) -> Any:
    """The mapping that holds the fields of the instance."""
    # A schema may have a field called `data`; the mapping then lies behind it.
    mapped, hides = _kind_of(instance.__class__)
    document = vars(instance).get("data") if hides else getattr(instance, "data", None)
    if document is None:
        if not create:
            return {}
        document = TrackedDict()
    elif mapped or isinstance(document, Tracked):
        return document
    else:
        document = TrackedDict(document)
    return bind(instance, document)


def bind(instance: Any, document: Any) -> Any:
    """Make this mapping the one that holds the fields of the instance."""
    if _kind_of(instance.__class__)[1]:
        vars(instance)["data"] = document
        return document
    instance.data = document
    return instance.data


def look_up(document: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        if not isinstance(document, Mapping) or key not in document:
            return MISSING
        document = document[key]
    return document


def mark(instance: Any, document: Any) -> None:
    if not isinstance(document, Tracked) and _kind_of(instance.__class__)[0]:
        flag_modified(instance, "data")


def _declared(owner: type) -> Any:
    # Not getattr: a schema may have a field called `data`, which would ask this again.
    return next((vars(base)["data"] for base in owner.__mro__ if "data" in vars(base)), None)
