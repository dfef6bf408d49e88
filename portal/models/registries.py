"""The registries of mapped classes: the portal's own, that of `db.Model`, and that of an application around the portal.

Each has names of its own, so that an application may have a `User` and a `Task` too. Between them classes and columns
are said by object: a name of one registry means nothing in another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any
from weakref import WeakSet

from sqlalchemy import ForeignKey, MetaData, Table
from sqlalchemy.orm import Mapper, registry

from portal.errors import FlowError

from .base import Base, NamedInModule, SiteBase, db

#: the portal's tables before their names began with `portal_`, and the classes that are theirs
FORMER = {
    "user_account": "User",
    "role": "Role",
    "process": "Process",
    "task": "Task",
    "event": "Event",
    "message": "Message",
    "schedule": "Schedule",
}

_all: WeakSet[registry] = WeakSet((Base.registry, SiteBase.registry, db.Model.registry))


def add(other: registry) -> None:
    """Let the classes of an application's own registry be found, for `artifact` and `seed`."""
    _all.add(other)


def mappers() -> Iterator[Mapper[Any]]:
    """The mappers of all registries."""
    return chain.from_iterable(each.mappers for each in _all)


def demand_objects(metadata: MetaData = Base.metadata, site: registry = db.Model.registry) -> None:
    """Refuse a key or a relationship that names a table or a class of the portal, which only objects can mean.

    Raises:
        FlowError: which one it is, and what to write instead.
    """
    for table in metadata.tables.values():
        for key in table.foreign_keys:
            _demand_column(table, key)
    theirs = {mapper.class_.__name__ for mapper in site.mappers}
    ours = {mapper.class_.__name__: mapper.class_ for mapper in Base.registry.mappers}
    for here, elsewhere in (
        (site.mappers, ours.keys() - theirs),
        (Base.registry.mappers, theirs - ours.keys()),
    ):
        for mapper in here:
            _demand_classes(mapper, elsewhere)


def _demand_column(table: Table, key: ForeignKey) -> None:
    if not isinstance(key._colspec, str):
        return
    name, _, column = key._colspec.rpartition(".")
    if name in table.metadata.tables:
        return
    if name in FORMER:
        raise FlowError(key_mend(f"{table.name}.{key.parent.name}", key._colspec, f"{FORMER[name]}.{column}"))
    ours = Base.metadata.tables.get(name)
    if ours is not None:
        classes = (mapper.class_.__name__ for mapper in Base.registry.mappers if mapper.local_table is ours)
        raise FlowError(
            key_mend(
                f"{table.name}.{key.parent.name}", key._colspec, f"{next(classes, 'the class')}.{column}"
            )
        )


def key_mend(where: str, name: str, wanted: str) -> str:
    """What is wrong with a key that is said by name, and the mend."""
    return (
        f'{where}: ForeignKey("{name}") names a table of the portal; say the column itself: ForeignKey({wanted}), '
        f"with `from portal.models import {wanted.partition('.')[0]}`"
    )


def _demand_classes(mapper: Mapper[Any], elsewhere: Iterable[str]) -> None:
    for descriptor in mapper.all_orm_descriptors:
        argument = getattr(getattr(descriptor, "prop", None), "argument", None)
        if isinstance(argument, NamedInModule) and argument.found is None:
            argument = argument.name
        if isinstance(argument, str) and argument in elsewhere:
            raise FlowError(
                f'{mapper.class_.__name__}.{getattr(descriptor, "key", "")}: relationship("{argument}") names a class '
                f"on another base; say the class itself: relationship({argument}), or relationship(lambda: {argument})"
            )
