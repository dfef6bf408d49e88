"""Dicts and lists that mark their row as changed, at any depth."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping
from typing import Any, Self, SupportsIndex, cast

from sqlalchemy.ext.mutable import Mutable
from sqlalchemy.orm.attributes import flag_modified

from .plain import SCALARS, check_key, check_scalar, plain


class Tracked:
    """A container in a document. It knows what it stands in, and tells it of every change."""

    #: weak, so that a part that was replaced neither lives on nor marks the row
    _owner: weakref.ref[Any] | None = None

    def __init__(self) -> None:
        #: objects that show this container: instances of a schema, defaults not stored yet
        self.views: dict[Any, Any] = {}

    @property
    def owner(self) -> Any:
        return self._owner() if self._owner is not None else None

    def belong_to(self, owner: Any) -> Self:
        self._owner = weakref.ref(owner)
        return self

    def changed(self) -> None:
        owner = self.owner
        if owner is not None:
            owner.part_changed(self)

    def part_changed(self, part: Any) -> None:
        self.changed()

    def adopt(self, value: Any, check: bool = True) -> Any:
        """The value as it is kept here: containers tracked, and never shared with another document."""
        if type(value) in SCALARS:
            return check_scalar(value) if check else value
        if isinstance(value, Tracked) and not isinstance(value, Root):
            owner = value.owner
            if owner is None:
                return value.belong_to(self)
            if owner is self:
                return value
        if isinstance(value, Mapping):
            return TrackedDict(value, check=check).belong_to(self)
        if isinstance(value, (list, tuple)):
            return TrackedList(value, check=check).belong_to(self)
        return check_scalar(value) if check else value


class TrackedDict(Tracked, dict[str, Any]):
    """A dict in a document."""

    def __init__(self, values: Mapping[str, Any] | Iterable[Any] = (), check: bool = True) -> None:
        Tracked.__init__(self)
        dict.__init__(self)
        for key, value in dict(values).items():
            dict.__setitem__(self, check_key(key) if check else key, self.adopt(value, check))

    def __setitem__(self, key: str, value: Any) -> None:
        dict.__setitem__(self, check_key(key), self.adopt(value))
        self.changed()

    def __delitem__(self, key: str) -> None:
        dict.__delitem__(self, key)
        self.changed()

    def clear(self) -> None:
        dict.clear(self)
        self.changed()

    def pop(self, key: str, *default: Any) -> Any:
        value = dict.pop(self, key, *default)
        self.changed()
        return value

    def popitem(self) -> tuple[str, Any]:
        item = dict.popitem(self)
        self.changed()
        return item

    def setdefault(self, key: str, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *args: Any, **kwargs: Any) -> None:
        # First all of it is checked, so that a wrong value leaves nothing half done.
        new = {check_key(key): self.adopt(value) for key, value in dict(*args, **kwargs).items()}
        dict.update(self, new)
        self.changed()

    def __ior__(self, other: Any) -> Self:  # type: ignore[override,misc]
        self.update(other)
        return self

    def __copy__(self) -> dict[str, Any]:
        return dict(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return cast("dict[str, Any]", plain(self))

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        return type(self), (plain(self),)


class TrackedList(Tracked, list[Any]):
    """A list in a document."""

    def __init__(self, values: Iterable[Any] = (), check: bool = True) -> None:
        Tracked.__init__(self)
        list.__init__(self, [self.adopt(value, check) for value in values])

    def __setitem__(self, index: SupportsIndex | slice, value: Any) -> None:
        kept = [self.adopt(item) for item in value] if isinstance(index, slice) else self.adopt(value)
        list.__setitem__(self, index, kept)
        self.changed()

    def __delitem__(self, index: SupportsIndex | slice) -> None:
        list.__delitem__(self, index)
        self.changed()

    def append(self, value: Any) -> None:
        list.append(self, self.adopt(value))
        self.changed()

    def extend(self, values: Iterable[Any]) -> None:
        list.extend(self, [self.adopt(value) for value in values])
        self.changed()

    def insert(self, index: SupportsIndex, value: Any) -> None:
        list.insert(self, index, self.adopt(value))
        self.changed()

    def pop(self, index: SupportsIndex = -1) -> Any:
        value = list.pop(self, index)
        self.changed()
        return value

    def remove(self, value: Any) -> None:
        list.remove(self, value)
        self.changed()

    def clear(self) -> None:
        list.clear(self)
        self.changed()

    def sort(self, **options: Any) -> None:
        list.sort(self, **options)
        self.changed()

    def reverse(self) -> None:
        list.reverse(self)
        self.changed()

    def __iadd__(self, values: Iterable[Any]) -> Self:  # type: ignore[misc]
        self.extend(values)
        return self

    def __imul__(self, times: SupportsIndex) -> Self:
        list.__imul__(self, times)
        self.changed()
        return self

    def __copy__(self) -> list[Any]:
        return list(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> list[Any]:
        return cast("list[Any]", plain(self))

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        return type(self), (plain(self),)


class UnstoredDefault(Tracked):
    """A default that was read. It goes into the document when it is changed: reading alone writes nothing."""

    def __init__(self, document: Any, path: tuple[str, ...], value: Any) -> None:
        super().__init__()
        self.belong_to(document)
        self.path = path
        self.value = self.adopt(value)

    def part_changed(self, part: Any) -> None:
        document = self.owner
        if document is None or document.views.get(self.path) is not self:
            return
        del document.views[self.path]
        container = document
        for key in self.path[:-1]:
            container = container.setdefault(key, {})
        part._owner = None
        container[self.path[-1]] = part


class Root(Mutable):
    """The outermost container: it marks the rows it belongs to."""

    def belong_to_row(self, state: Any, key: str) -> None:
        """As SQLAlchemy would see to when the row is read.

        Args:
            state: the `instance_state` of the row.
            key: the name of the column.
        """
        self._parents[state] = key

    def changed(self) -> None:
        for state, key in list(self._parents.items()):
            instance = state.obj()
            if instance is not None:
                flag_modified(instance, key)

    @classmethod
    def coerce(cls, key: str, value: Any) -> Any:
        if value is None or isinstance(value, Root):
            return value
        if isinstance(value, Mapping):
            return DocumentDict(value)
        if isinstance(value, (list, tuple)):
            return DocumentList(value)
        raise ValueError(f"`{key}` takes a mapping or a list, not {type(value).__name__}.")


class DocumentDict(Root, TrackedDict):
    """A whole document that is a mapping."""


class DocumentList(Root, TrackedList):
    """A whole document that is a list."""
