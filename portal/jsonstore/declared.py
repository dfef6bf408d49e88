"""The fields that a class declares, and those whose defaults are stored when a row is made."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import event
from sqlalchemy.orm import Mapper

from .field import Field

#: what `fields_of` has found
_FIELDS: WeakKeyDictionary[type, Mapping[str, Field[Any, Any, Any]]] = WeakKeyDictionary()


def fields_of(cls: type) -> Mapping[str, Field[Any, Any, Any]]:
    """The fields of a class by name, inherited ones first, each in order of declaration. Looked up once."""
    found = _FIELDS.get(cls)
    if found is None:
        found = _FIELDS[cls] = MappingProxyType(_fields_of(cls))
    return found


def _fields_of(cls: type) -> dict[str, Field[Any, Any, Any]]:
    found: dict[str, Field[Any, Any, Any]] = {}
    for base in reversed(cls.__mro__):
        for name, value in vars(base).items():
            if isinstance(value, Field):
                found[name] = value
            elif name in found:
                del found[name]
    return found


@event.listens_for(Mapper, "before_insert")
def _keep_called_defaults(mapper: Mapper[Any], connection: Any, target: Any) -> None:
    """What a default's callable says at the creation of a row stays what it said; others are stored where asked."""
    for field in _with_kept_defaults(mapper):
        field.keep_default(target)


@lru_cache(maxsize=256)
def _with_kept_defaults(mapper: Mapper[Any]) -> list[Field[Any, Any, Any]]:
    fields = [
        each for each in mapper.all_orm_descriptors if isinstance(each, Field) and each.default is not None
    ]
    return [
        each
        for each in fields
        if each.store_default or (callable(each.default) and each.default not in (list, dict))
    ]
