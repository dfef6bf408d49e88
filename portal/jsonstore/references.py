"""Fields that point at mapped objects by their keys."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, MutableSequence, Sequence
from typing import Any, Generic, SupportsIndex, overload

from sqlalchemy import inspect, select
from sqlalchemy.orm import Mapper, Session, object_session
from typing_extensions import TypeVar

from .field import D, Field, N, V
from .place import document_of
from .tracking import Root, Tracked

#: a mapped class
M = TypeVar("M", default=Any)


class _Pointing(Field[V, N, D]):
    """What both kinds of reference share."""

    def __init__(self, model: type | Callable[[], type], label: str = "", **options: Any) -> None:
        super().__init__(label, **options)
        self._model = model

    @property
    def model(self) -> type:
        if not isinstance(self._model, type):
            self._model = self._model()
        return self._model

    @property
    def python_type(self) -> type:  # type: ignore[override]
        return self.model

    @property
    def mapper(self) -> Mapper[Any]:
        mapper: Mapper[Any] = inspect(self.model)
        if len(mapper.primary_key) != 1:
            raise ValueError(f"{self.name}: {self.model.__name__} has a key of several columns.")
        return mapper

    @property
    def key_type(self) -> type:
        return self.mapper.primary_key[0].type.python_type

    def check_object(self, value: Any) -> Any:
        if not isinstance(value, self.model):
            raise ValueError(f"A {self.model.__name__} is needed, not {type(value).__name__}.")
        return value

    def key_of(self, value: Any) -> Any:
        """The key of an object, or a key as it is, as JSON."""
        if isinstance(value, self.model):
            state = inspect(value)
            value = state.identity[0] if state.identity else self.mapper.primary_key_from_instance(value)[0]
        if isinstance(value, uuid.UUID):
            return str(value)
        return value

    def key_from(self, stored: Any) -> Any:
        return uuid.UUID(stored) if self.key_type is uuid.UUID and isinstance(stored, str) else stored

    def store_new(self, instance: Any, values: Iterable[Any]) -> None:
        """Give objects that are not stored yet a key, through the session of the owner."""
        new = [value for value in values if inspect(value).transient or inspect(value).pending]
        if not new:
            return
        session = session_of(instance)
        if session is not None:
            session.add_all(new)
            session.flush()
        elif any(self.key_of(value) is None for value in new):
            raise ValueError(f"{self.name}: store the {self.model.__name__} first, it has no key yet.")


def session_of(instance: Any) -> Session | None:
    """The session of a mapped object, or of the row that an instance of a schema is a part of."""
    if inspect(instance, raiseerr=False) is not None:
        return object_session(instance)
    container: Any = document_of(instance)
    while isinstance(container, Tracked) and not isinstance(container, Root):
        container = container.owner
    if isinstance(container, Root):
        for state in list(container._parents):
            owner = state.obj()
            if owner is not None:
                return object_session(owner)
    return None


class ReferenceField(_Pointing[M, N, None], Generic[M, N]):
    """A mapped object, kept as its key. One that is gone reads as None.

    Args:
        model: the mapped class, or a callable that gives it (for one that is declared later).
    """

    def __init__(
        self,
        model: type[M] | Callable[[], type[M]],
        label: str = "",
        *,
        required: N = False,  # type: ignore[assignment]
        **options: Any,
    ) -> None:
        super().__init__(model, label, required=required, **options)

    @property
    def sql_kind(self) -> str:  # type: ignore[override]
        return {int: "number", uuid.UUID: "uuid"}.get(self.key_type, "text")

    def check(self, value: Any) -> Any:
        return self.check_object(value)

    def __set__(self, instance: object, value: M | None) -> None:  # type: ignore[override]
        value = self.accept(value)
        if value is not None:
            self.store_new(instance, [value])
        self._write(instance, self.key_of(value))
        # Without a session the object could not be found again.
        remember(document_of(instance), self.path, value)

    def dump(self, value: Any) -> Any:
        return self.key_of(value)

    def show(self, instance: Any, stored: Any) -> Any:
        session = session_of(instance)
        key = self.key_from(stored)
        if session is None:
            known = recall(document_of(instance), self.path)
            return known if known is not None and self.key_of(known) == stored else None
        return session.get(self.model, key)

    def from_sql_number(self, value: Any) -> Any:
        return None if value is None else int(value)

    def from_json(self, stored: Any) -> Any:
        # SQL gives the key; only an attribute of an object can give the object.
        return None if stored is None else self.key_from(stored)


def remember(document: Any, path: tuple[str, ...], value: Any) -> None:
    if isinstance(document, Tracked):
        document.views["object", *path] = value


def recall(document: Any, path: tuple[str, ...]) -> Any:
    return document.views.get(("object", *path)) if isinstance(document, Tracked) else None


class ReferenceListField(_Pointing["ReferenceList[M]", Any, Any], Generic[M]):
    """A list of mapped objects, kept as their keys and read with one query. Those that are gone are left out.

    Args:
        model: the mapped class, or a callable that gives it (for one that is declared later).
    """

    sql_kind = "json"

    def __init__(self, model: type[M] | Callable[[], type[M]], label: str = "", **options: Any) -> None:
        options.setdefault("default", list)
        super().__init__(model, label, **options)

    def check(self, value: Any) -> list[Any]:
        if not isinstance(value, (list, tuple, ReferenceList)):
            raise ValueError(f"A list of {self.model.__name__} is needed, not {type(value).__name__}.")
        return [self.check_object(item) for item in value]

    def __set__(self, instance: object, value: Sequence[M] | None) -> None:  # type: ignore[override]
        value = self.accept(value)
        self.store_new(instance, value or ())
        self._write(instance, self.dump(value) if value is not None else None)
        remember(document_of(instance), self.path, value)

    def dump(self, value: Any) -> list[Any]:
        return [self.key_of(item) for item in value]

    def element(self, value: Any) -> Any:
        return self.key_of(value)

    def show(self, instance: Any, stored: Any) -> ReferenceList[M]:
        return ReferenceList(self, instance, stored)


class ReferenceList(MutableSequence[M]):
    """The objects of a list of references. Changes go into the document."""

    def __init__(self, field: ReferenceListField[M], instance: Any, keys: list[Any]) -> None:
        self._field = field
        self._instance = instance
        self._keys = keys
        self._loaded: dict[Any, Any] | None = None

    @property
    def _objects(self) -> dict[Any, Any]:
        if self._loaded is None:
            self._loaded = self._load()
        return self._loaded

    def _load(self) -> dict[Any, Any]:
        field = self._field
        session = session_of(self._instance)
        if session is None:
            known = recall(document_of(self._instance), field.path) or ()
            return {field.key_of(item): item for item in known}
        if not self._keys:
            return {}
        column = field.mapper.primary_key[0]
        keys = {field.key_from(key) for key in self._keys}
        found: Any = session.scalars(select(field.model).where(column.in_(keys)))
        return {field.key_of(item): item for item in found}

    def _places(self) -> list[int]:
        return [place for place, key in enumerate(self._keys) if key in self._objects]

    def _key(self, value: Any) -> Any:
        field = self._field
        field.store_new(self._instance, [field.check_object(value)])
        key = field.key_of(value)
        self._objects[key] = value
        return key

    def __len__(self) -> int:
        return len(self._places())

    @overload
    def __getitem__(self, index: SupportsIndex) -> M: ...
    @overload
    def __getitem__(self, index: slice) -> list[M]: ...

    def __getitem__(self, index: Any) -> Any:
        objects = [self._objects[key] for key in self._keys if key in self._objects]
        return objects[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, slice):
            objects = list(self)
            objects[index] = value
            self._keys[:] = [self._key(item) for item in objects]
        else:
            self._keys[self._places()[index]] = self._key(value)

    def __delitem__(self, index: Any) -> None:
        places = self._places()[index]
        for place in sorted([places] if isinstance(places, int) else places, reverse=True):
            del self._keys[place]

    def insert(self, index: int, value: M) -> None:
        places = self._places()
        key = self._key(value)
        index = max(index + len(places), 0) if index < 0 else index
        self._keys.insert(places[index] if index < len(places) else len(self._keys), key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (list, tuple, ReferenceList)) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(list(self))
