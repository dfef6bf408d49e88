"""Fields that hold a document in the document, described by a class of fields."""

from __future__ import annotations

from collections.abc import Mapping, MutableSequence, Sequence
from typing import Any, Generic, SupportsIndex, overload

from typing_extensions import TypeVar

from .declared import fields_of
from .field import D, Field, N, V
from .place import bind, document_of
from .plain import plain
from .tracking import Tracked, TrackedDict


class Schema:
    """A base for schemas: keywords at creation, equality, a readable form. Any other class will do too."""

    def __init__(self, **values: Any) -> None:
        assign(self, values)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and bool(document_of(self) == document_of(other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in fields_of(type(self)))
        return f"{type(self).__name__}({values})"


def assign(instance: Any, values: Mapping[str, Any]) -> None:
    """Set the fields of the instance; ValueError for a name that it does not have."""
    known = fields_of(type(instance))
    for name, value in values.items():
        if name not in known:
            raise ValueError(f"{type(instance).__name__} has no field {name!r}; it has {', '.join(known)}.")
        setattr(instance, name, value)


def _blank(schema: type[Any]) -> Any:
    # The document is what the instance is; its constructor has nothing to add.
    return object.__new__(schema)


def show_as(schema: type[Any], document: Any) -> Any:
    """The instance that shows this mapping, always the same one."""
    if not isinstance(document, TrackedDict):
        document = TrackedDict(document if isinstance(document, Mapping) else {}, check=False)
    instance = document.views.get(schema)
    if instance is None:
        instance = document.views[schema] = _blank(schema)
        bind(instance, document)
    return instance


#: the class of an embedded document
S = TypeVar("S", default=Any)


class _Embedding(Field[V, N, D]):
    sql_kind = "json"

    def __init__(self, schema: type[Any], label: str = "", **options: Any) -> None:
        super().__init__(label, **options)
        if not isinstance(schema, type) or not fields_of(schema):
            raise ValueError("A schema is a class whose attributes are fields.")
        self.schema = schema

    def instance(self, value: Any) -> Any:
        """The value as an instance of the schema."""
        if isinstance(value, self.schema):
            return value
        if not isinstance(value, Mapping):
            raise ValueError(f"A {self.schema.__name__} or a mapping is needed, not {type(value).__name__}.")
        instance = _blank(self.schema)
        bind(instance, TrackedDict())
        assign(instance, value)
        return instance

    def document(self, value: Any) -> Any:
        """The mapping of an instance for a place in the document."""
        instance = self.instance(value)
        document = document_of(instance, create=True)
        if not isinstance(document, Tracked) or document.owner is not None:
            # One that already stands in a document is copied: a part belongs to one document only.
            return plain(document)
        if type(instance) is self.schema:
            document.views[self.schema] = instance
        return document


class EmbeddedField(_Embedding[S, N, D]):
    """One instance of a schema.

    Args:
        schema: a class whose attributes are fields, such as a `Schema`.
    """

    def __init__(
        self,
        schema: type[S],
        label: str = "",
        *,
        required: N = False,  # type: ignore[assignment]
        default: D = None,  # type: ignore[assignment]
        **options: Any,
    ) -> None:
        super().__init__(schema, label, required=required, default=default, **options)

    @property
    def python_type(self) -> type:  # type: ignore[override]
        return self.schema

    def check(self, value: Any) -> Any:
        return self.instance(value)

    def __set__(self, instance: object, value: S | Mapping[str, Any] | None) -> None:  # type: ignore[override]
        value = self.accept(value)
        self._write(instance, None if value is None else self.document(value))

    def dump(self, value: Any) -> Any:
        return plain(document_of(self.instance(value)))

    def part(self, name: Any) -> Field[Any, Any, Any] | None:
        known = fields_of(self.schema)
        if name not in known:
            raise KeyError(f"{self.schema.__name__} has no field {name!r}; it has {', '.join(known)}.")
        return known[name]

    def show(self, instance: Any, stored: Any) -> Any:
        return show_as(self.schema, stored)

    def from_json(self, stored: Any) -> Any:
        return None if stored is None else show_as(self.schema, stored)


class EmbeddedListField(_Embedding["EmbeddedList[S]", Any, Any], Generic[S]):
    """A list of instances of a schema.

    Args:
        schema: a class whose attributes are fields, such as a `Schema`.
    """

    python_type = list

    def __init__(self, schema: type[S], label: str = "", **options: Any) -> None:
        options.setdefault("default", list)
        super().__init__(schema, label, **options)

    def check(self, value: Any) -> list[Any]:
        if not isinstance(value, (list, tuple, EmbeddedList)):
            raise ValueError(f"A list of {self.schema.__name__} is needed, not {type(value).__name__}.")
        return [self.instance(item) for item in value]

    def __set__(  # type: ignore[override]
        self, instance: object, value: Sequence[S | Mapping[str, Any]] | None
    ) -> None:
        value = self.accept(value)
        self._write(instance, None if value is None else [self.document(item) for item in value])

    def dump(self, value: Any) -> Any:
        return [plain(document_of(self.instance(item))) for item in value]

    def show(self, instance: Any, stored: Any) -> EmbeddedList[S]:
        return EmbeddedList(self, stored)

    def from_json(self, stored: Any) -> Any:
        return None if stored is None else EmbeddedList(self, stored)


class EmbeddedList(MutableSequence[S]):
    """The instances of a list in the document. Changes go into the document."""

    def __init__(self, field: EmbeddedListField[S], documents: list[Any]) -> None:
        self._field = field
        self._documents = documents

    def __len__(self) -> int:
        return len(self._documents)

    @overload
    def __getitem__(self, index: SupportsIndex) -> S: ...
    @overload
    def __getitem__(self, index: slice) -> list[S]: ...

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [show_as(self._field.schema, document) for document in self._documents[index]]
        return show_as(self._field.schema, self._documents[index])

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, slice):
            self._documents[index] = [self._field.document(item) for item in value]
        else:
            self._documents[index] = self._field.document(value)

    def __delitem__(self, index: Any) -> None:
        del self._documents[index]

    def insert(self, index: int, value: S | Mapping[str, Any]) -> None:
        self._documents.insert(index, self._field.document(value))

    def index(self, value: Any, start: int = 0, stop: int | None = None) -> int:
        document = document_of(self._field.instance(value))
        return self._documents.index(document, start, len(self) if stop is None else stop)

    def __contains__(self, value: object) -> bool:
        return isinstance(value, (self._field.schema, Mapping)) and (
            document_of(self._field.instance(value)) in self._documents
        )

    def __eq__(self, other: object) -> bool:
        if isinstance(other, EmbeddedList):
            return bool(self._documents == other._documents)
        if not isinstance(other, (list, tuple)) or len(other) != len(self):
            return False
        return all(
            isinstance(item, (self._field.schema, Mapping))
            and document_of(self._field.instance(item)) == document
            for item, document in zip(other, self._documents, strict=True)
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(list(self))
