"""What a process or a task was ahead of a call, kept in memory, so that it can be put back without a statement."""

from __future__ import annotations

import copy
import datetime as dt
import functools
import operator
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Boolean, Column, DateTime, Integer, String
from sqlalchemy.orm import Mapper, RelationshipDirection
from sqlalchemy.orm.attributes import flag_modified, instance_state, set_attribute
from sqlalchemy.orm.collections import collection_adapter
from sqlalchemy.types import TypeEngine

from portal.models import UTCDateTime

#: where an object holds what its pointers point at
HELD = ("_artifact", "_seed")
_ABSENT = object()
#: what needs no copy to be kept as it is
CONSTANT = frozenset((str, int, float, bool, bytes, dt.datetime, type(None)))


class Snapshot:
    """The state of a process or a task: its loaded columns, and the objects to which it was related."""

    def __init__(self, target: Any) -> None:
        self.target = target
        (
            self.columns,
            self.relations,
            self.collections,
            self.documents,
            self.others,
            self.composites,
        ) = _attributes(instance_state(target).mapper)
        loaded: dict[str, Any] = target.__dict__
        self.loaded, self.values = loaded.copy(), self.read()
        for key in self.documents:
            value = self.values.get(key)
            if type(value) not in CONSTANT:
                self.values[key] = copy.deepcopy(value) if not isinstance(value, dict) or value else {}
        self.held = dict(zip(HELD, map(loaded.get, HELD), strict=True))

    def read(self) -> dict[str, Any]:
        """What is loaded; of it, only columns and relationships are looked at."""
        values: dict[str, Any] = self.target.__dict__.copy()
        for key in self.collections:
            if key in values:
                values[key] = _related(values[key])
        return values

    @property
    def plain(self) -> bool:
        """Nothing but the JSON document changed, which no constraint of a database can refuse."""
        loaded, before = self.target.__dict__, self.loaded
        same = len(loaded) == len(before) and all(map(operator.is_, loaded.values(), before.values()))
        if not same or [*loaded] != [*before] or not loaded.keys().isdisjoint(self.collections):
            return set(self.changed()) <= {"data"}
        return all(self._is_same(key, loaded[key]) for key in self.others if key in loaded)

    def changed(self) -> dict[str, Any]:
        before, columns, relations = self.values, self.columns, self.relations
        others = [(k, value) for k, value in self.read().items() if before.get(k, _ABSENT) is not value]
        return {
            key: value
            for key, value in others
            if (not self._is_same(key, value) if key in columns else key in relations)
            and (key in columns or self._is_changed(key, value))
        }

    def _is_same(self, key: str, value: Any) -> bool:
        """Whether a column holds what it held, as its type sees it, and SQLAlchemy with it: in a document True is not
        1, and what the comparison of two arrays answers is no plain True."""
        before = self.values.get(key, _ABSENT)
        if before is _ABSENT:
            return False
        compare = self.documents.get(key)
        return bool(before == value) if compare is None else compare(before, value) is True

    def _is_changed(self, key: str, value: Any) -> bool:
        """Whether a relationship was changed."""
        if key not in self.values:  # it was not loaded: reading it has loaded it, or it was set
            return bool(instance_state(self.target).attrs[key].history.has_changes())
        before = self.values[key]
        if isinstance(before, Related) and isinstance(value, Related):
            return [id(each) for each in before] != [id(each) for each in value]
        return before is not value

    def restore(self, for_good: bool = True) -> dict[str, Any]:
        """Put the old values back, and return what stood in their place.

        Args:
            for_good: also empty what had no value yet in a row to come. The row may be one that cannot be inserted
                without it.
        """
        changed = self.changed()
        state: Any = instance_state(self.target)
        for key in changed:
            if key in self.values:
                self.put(key, copy.deepcopy(self.values[key]) if key in self.columns else self.values[key])
            elif state.persistent:
                if key in self.relations:  # the other side of it lets go, too
                    self.put(key, _emptied(changed[key]))
                state.session.expire(self.target, [key])
            elif for_good or (key in self.relations and _is_optional(state.mapper, key)):
                self.put(key, _emptied(changed[key]))  # not stored yet: a column takes its default
        if (
            state.persistent
        ):  # what is to join a collection that is not loaded says so itself, from the other side
            mapper, loaded = state.mapper, self.target.__dict__
            waiting = [
                key for key in self.relations if key not in loaded and mapper.relationships[key].uselist
            ]
            if waiting:
                state.session.expire(self.target, waiting)
        self._forget_composites()
        return changed

    def needed(self) -> list[Any]:
        """The related rows without which a new row cannot be inserted."""
        state, loaded = instance_state(self.target), self.target.__dict__
        if state.persistent:
            return []
        keys = [key for key in self.relations if key in loaded and not _is_optional(state.mapper, key)]
        return [loaded[key] for key in keys if loaded[key] is not None]

    def take_back_unwritten(self) -> list[tuple[str, str, Any]]:
        """Drop what waits to be added to relationships that are queries, or taken out of them, and return it."""
        state: Any = instance_state(self.target)
        found = unwritten(self.target)
        if found and state.persistent:
            state.session.expire(self.target, _queries(state.mapper))
            return found
        return []

    def do_again(self, unwritten: list[tuple[str, str, Any]]) -> None:
        """Add and remove what `take_back_unwritten` has returned."""
        for key, what, each in unwritten:
            getattr(getattr(self.target, key), what)(each)

    def put(self, key: str, value: Any) -> None:
        """Set one attribute; a collection stays the object that somebody may hold."""
        if not isinstance(value, Related):
            set_attribute(self.target, key, value)
            return
        collection = collection_adapter(getattr(self.target, key))
        for each in set(map(id, collection)) - set(map(id, value)):
            collection.remove_with_event(next(item for item in collection if id(item) == each))
        there = set(map(id, collection))
        for item in value:
            if id(item) not in there:
                collection.append_with_event(item)

    def set_again(self, values: dict[str, Any]) -> None:
        """Set what `restore` has returned."""
        for key, value in values.items():
            self.put(key, value)
            if key in self.columns:
                flag_modified(self.target, key)
        self._forget_composites()

    def _forget_composites(self) -> None:
        for key in self.composites:  # made again of their columns
            self.target.__dict__.pop(key, None)

    def forget_pointers(self) -> dict[str, Any]:
        """Point at what was pointed at before, and return what is pointed at now."""
        held = {name: self.target.__dict__[name] for name in HELD if name in self.target.__dict__}
        for name, value in self.held.items():
            if value is None:
                self.target.__dict__.pop(name, None)
            else:
                self.target.__dict__[name] = value
        return held


class Related(tuple[Any, ...]):
    """The members of a collection."""


def _related(value: Any) -> Any:
    adapter = getattr(value, "_sa_adapter", None)
    return value if adapter is None else Related(adapter)


def _emptied(value: Any) -> Any:
    return Related() if isinstance(value, Related) else None


class _Attributes(NamedTuple):
    """The names of a model's columns, of the relationships that are written, of those with members, of the columns
    whose values may change within (each with what compares two of them), of those but for the JSON document, and of its
    composites."""

    columns: frozenset[str]
    relations: tuple[str, ...]
    collections: tuple[str, ...]
    documents: Mapping[str, Callable[[Any, Any], Any]]
    others: tuple[str, ...]
    composites: tuple[str, ...]


@functools.cache
def _attributes(mapper: Mapper[Any]) -> _Attributes:
    columns = [each for each in mapper.column_attrs if isinstance(each.columns[0], Column)]
    relations = [
        each for each in mapper.relationships if not each.viewonly and each.lazy not in _NEVER_LOADED
    ]
    types = {each.key: each.columns[0].type for each in columns}
    documents = {key: kind.compare_values for key, kind in types.items() if not _is_simple(kind)}
    return _Attributes(
        frozenset(each.key for each in columns),
        tuple(each.key for each in relations),
        tuple(each.key for each in relations if each.uselist),
        documents,
        tuple(key for key in documents if key != "data"),
        tuple(each.key for each in mapper.composites),
    )


#: columns of these types hold nothing that could change within
_SIMPLE = (String, Integer, Boolean, DateTime, UTCDateTime)


def _is_simple(kind: TypeEngine[Any]) -> bool:
    """Whether a column is of such a type. An author's own, derived from one, may hold anything."""
    return isinstance(kind, _SIMPLE) and type(kind).__module__.partition(".")[0] in ("sqlalchemy", "portal")


#: relationships that are queries: they hold no members
_NEVER_LOADED = ("dynamic", "write_only")


@functools.cache
def _queries(mapper: Mapper[Any]) -> tuple[str, ...]:
    return tuple(each.key for each in mapper.relationships if each.lazy in _NEVER_LOADED)


def unwritten(target: Any) -> list[tuple[str, str, Any]]:
    """What waits to be added to, or removed from, the relationships that are queries."""
    state = instance_state(target)
    found: list[tuple[str, str, Any]] = []
    for key in _queries(state.mapper):
        history = state.attrs[key].history
        found += [(key, "add", each) for each in history.added or ()]
        found += [(key, "remove", each) for each in history.deleted or ()]
    return found


def _is_optional(mapper: Mapper[Any], key: str) -> bool:
    """Whether a row can be inserted without this relationship."""
    relation = mapper.relationships[key]
    keys = relation.local_columns if relation.direction is RelationshipDirection.MANYTOONE else ()
    return all(column.nullable for column in keys)
