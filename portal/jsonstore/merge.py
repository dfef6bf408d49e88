"""Applies what was assigned in one copy of a document to another, newer copy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from .plain import plain, same


@dataclass(frozen=True)
class Change:
    """One write: the path of keys, and the value or `deleted`."""

    path: tuple[str, ...]
    value: Any = None
    deleted: bool = False


def changes(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> tuple[Change, ...]:
    """The fewest writes that lead from one document to the other.

    Mappings are compared key by key at any depth; lists and scalars count as one value.
    """
    return tuple(_writes((), before or {}, after or {}))


def _writes(path: tuple[str, ...], before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for key in before:
        if key not in after:
            yield Change((*path, key), deleted=True)
    for key, value in after.items():
        here = (*path, key)
        old = before.get(key)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            yield from _writes(here, old, value)
        elif isinstance(value, Mapping) and value and key not in before:
            # Another branch may have begun the same mapping meanwhile.
            yield from _writes(here, {}, value)
        elif key not in before or not same(before[key], value):
            yield Change(here, plain(value))


def apply(writes: tuple[Change, ...] | list[Change], target: MutableMapping[str, Any]) -> None:
    """Make the writes in the target, in place; what they do not name stays as it is."""
    for change in writes:
        _apply(change, target)


def _apply(change: Change, target: MutableMapping[str, Any]) -> None:
    *way, last = change.path
    for key in way:
        if not isinstance(target.get(key), MutableMapping):
            if change.deleted:
                return
            target[key] = {}
        target = target[key]
    if change.deleted:
        if last in target:
            del target[last]
    elif change.value == {} and isinstance(target.get(last), Mapping):
        # Another branch has begun the same mapping, and has put something into it.
        return
    elif last not in target or not same(target[last], change.value):
        target[last] = plain(change.value)
