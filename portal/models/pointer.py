"""`artifact` and `seed`: a pointer at any mapped object, kept as its class and its primary key."""

from __future__ import annotations

import importlib
import json
import uuid
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm import InstanceState

from . import registries
from .base import session_of


def class_name(model: type) -> str:
    return f"{model.__module__}:{model.__qualname__}"


def find_class(name: str) -> type | None:
    """The mapped class of that name, or None when the code no longer has it."""
    found: Any = None
    for mapper in registries.mappers():
        if class_name(mapper.class_) == name:
            found = mapper.class_
    if found is None and "<locals>" not in name:
        module, _, qualname = name.partition(":")
        try:
            found = importlib.import_module(module)
            for part in qualname.split("."):
                found = getattr(found, part)
        except (ImportError, AttributeError):
            return None
    return found if isinstance(found, type) else None


def encode_key(key: Any) -> str:
    return json.dumps({"uuid": str(key)}) if isinstance(key, uuid.UUID) else json.dumps(key)


def decode_key(text: str) -> Any:
    value = json.loads(text)
    return uuid.UUID(value["uuid"]) if isinstance(value, dict) else value


def demand_mapped(name: str, value: Any) -> Any:
    """The state of a mapped object.

    Raises:
        ValueError: it is something else, or has a key of several columns.
    """
    state = inspect(value, raiseerr=False)
    if not isinstance(state, InstanceState):
        raise ValueError(f"{name} takes a mapped object or None, not {value!r}")
    if len(state.mapper.primary_key) > 1:
        raise ValueError(
            f"{name} takes an object whose key is one column; {type(value).__name__} has several"
        )
    return state


class Pointer:
    """A descriptor over two text columns `<name>_type` and `<name>_key`.

    An object that has no key yet is held in memory; `Session.flush` gives it one before its owner is written.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name
        self.type_column, self.key_column, self.held = f"{name}_type", f"{name}_key", f"_{name}"

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        held = instance.__dict__.get(self.held)
        name, key = getattr(instance, self.type_column), getattr(instance, self.key_column)
        if held is not None:
            state = inspect(held)
            if key is None and not state.has_identity:
                return held
            # one that has expired is read again, for its row may be gone
            if not (state.deleted or state.detached or state.expired) and _is(held, name, key):
                return held
            instance.__dict__.pop(self.held, None)
        if key is None:
            return None
        model, session = find_class(name), session_of(instance)
        if model is None or session is None:
            return None
        found = session.get(model, decode_key(key))
        if found is not None:
            instance.__dict__[self.held] = found
        return found

    def __set__(self, instance: Any, value: Any) -> None:
        if value is None:
            instance.__dict__.pop(self.held, None)
            setattr(instance, self.type_column, None)
            setattr(instance, self.key_column, None)
            return
        state = demand_mapped(self.name, value)
        instance.__dict__[self.held] = value
        setattr(instance, self.type_column, class_name(state.mapper.class_))
        setattr(instance, self.key_column, encode_key(state.identity[0]) if state.has_identity else None)

    def unstored(self, instance: Any) -> Any:
        """The object pointed at, if it has no key yet."""
        held = instance.__dict__.get(self.held)
        if held is None or getattr(instance, self.key_column) is not None:
            return None
        return held

    def take_key(self, instance: Any) -> None:
        held = instance.__dict__[self.held]
        setattr(instance, self.key_column, encode_key(inspect(held).identity[0]))


def _is(held: Any, name: str, key: str | None) -> bool:
    state = inspect(held)
    return (
        key is not None
        and state.has_identity  # what a savepoint took back has none any more
        and class_name(state.mapper.class_) == name
        and encode_key(state.identity[0]) == key
    )
