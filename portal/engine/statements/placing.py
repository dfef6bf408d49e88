"""Makes rows that were read or written here objects of the session, as the ORM would."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import Column, Dialect, inspect
from sqlalchemy.orm import Mapper, Session
from sqlalchemy.orm.attributes import instance_state

from portal.jsonstore.tracking import DocumentDict
from portal.models import Process, Task

from . import driver

TASK: Mapper[Any] = inspect(Task)
_ABSENT = object()


@lru_cache
def keys(model: Any) -> tuple[str, ...]:
    """The attributes of a model that are columns of its own table."""
    return tuple(
        each.key
        for each in inspect(model).column_attrs
        if isinstance(each.columns[0], Column) and each.columns[0].table is model.__table__
    )


#: what a new task holds where nothing is said
_NO_VALUES = {
    **dict.fromkeys(key for key in keys(Task) if key != "id"),
    **dict.fromkeys(("priority", "attempt", "failures"), 0),
    "owner_by_rule": False,
    "_sentinel": None,
}


def columns(model: Any, table: Any = None) -> list[Any]:
    """Those columns, of the table or of an alias of it."""
    table = model.__table__ if table is None else table
    mapper = inspect(model)
    return [table.c[mapper.column_attrs[key].columns[0].key] for key in keys(model)]


def part(dialect: Dialect, row: Any, at: int, model: Any) -> dict[str, Any]:
    """The values of one model in a row as the driver has read it."""
    names = keys(model)
    values = dict(zip(names, row[at : at + len(names)], strict=True))
    for name, read in _readers(dialect, model):
        if values[name] is not None:
            values[name] = read(values[name])
    return values


@lru_cache(maxsize=64)
def _readers(dialect: Dialect, model: Any) -> tuple[tuple[str, Any], ...]:
    """What makes Python's values of the driver's, for those columns where they differ."""
    kinds = zip(keys(model), columns(model), strict=True)
    found = ((name, driver.reader(dialect, column.type)) for name, column in kinds)
    return tuple((name, read) for name, read in found if read is not None)


@lru_cache(maxsize=1024)
def is_plain(mapper: Mapper[Any]) -> bool:
    """Whether a class of processes, or of tasks, has all its columns in our table, and none of its own there."""
    base: Any = mapper.base_mapper.class_
    own = {each.key for each in mapper.column_attrs if isinstance(each.columns[0], Column)}
    return mapper.local_table is base.__table__ and own == set(keys(base))


def mapper_of(values: dict[str, Any]) -> Mapper[Any]:
    """The mapper of a process with these values."""
    found: Mapper[Any] = inspect(Process).polymorphic_map[values["process_type"]]
    return found


def place(session: Session, mapper: Mapper[Any], values: dict[str, Any]) -> Any:
    """The object of the session with these values: one that it has, which holds no changes, or a new one.

    Args:
        values: of all columns of its table, and of what it is related to where one object is.
    """
    identity = mapper.identity_key_from_primary_key((values["id"],))
    found: Any = session.identity_map.get(identity)
    if found is not None:
        state = instance_state(found)
        if (
            len(state.dict) > 1
        ):  # what it is related to may be others now; one that has expired holds but its state
            state._expire(state.dict, session.identity_map._modified)
        state.dict.update(values)
        state._commit_all(state.dict, session.identity_map)
        state.manager.dispatch.refresh(state, None, None)
        return found
    found = mapper.class_manager.new_instance()
    state = instance_state(found)
    state.dict.update(values)
    attach(session, found, identity)
    state.manager.dispatch.load(state, None)
    return found


def new_task(process: Process, data: Mapping[str, Any] | None, **values: Any) -> Task:
    """A task that is not stored yet, and that holds a value for each of its columns but its key, as its row will.

    Nobody listens for the making of one: its constructor would look at each of its attributes for those who do.
    """
    task: Task = TASK.class_manager.new_instance()
    state, document = instance_state(task), DocumentDict(data or ())
    task.__dict__.update(_NO_VALUES, process=process, data=document, **values)
    document.belong_to_row(state, "data")
    state.committed_state["process"] = (
        None  # for the unit of work, where a row of an author's needs the task first
    )
    return task


def put(instance: Any, **values: Any) -> None:
    """Set columns of a process or a task. Of one that is not stored yet nobody asks later what has changed; of another
    one those that hold the value already are left alone."""
    loaded: dict[str, Any] = instance.__dict__
    if instance_state(instance).key is None:
        loaded.update(values)
        return
    for name, value in values.items():
        if loaded.get(name, _ABSENT) is not value:
            object.__setattr__(instance, name, value)  # past what tells an author of a slip


def add(session: Session, process: Process) -> None:
    """Let a new process wait for its row; with it what it is related to, which is looked for only where there is
    something."""
    state = instance_state(process)
    related = _relationships(state.mapper)
    if related.isdisjoint(state.dict) and related.isdisjoint(state.committed_state):
        session._save_or_update_impl(state)
    else:
        session.add(process)


def withdraw(session: Session, process: Process) -> None:
    """Let a new process wait no more, and nothing of what it is related to."""
    session._expunge_states([instance_state(process)])


@lru_cache(maxsize=1024)
def _relationships(mapper: Mapper[Any]) -> frozenset[str]:
    return frozenset(mapper.relationships.keys())


def attach(session: Session, instance: Any, identity: Any) -> None:
    """Make a new object one of the session, as its row is: all of its columns are loaded.

    Nothing that it is related to is taken in: to look for that takes longer than all else, and what is read or written
    here is taken in by itself.

    Args:
        identity: its mapper's `identity_key_from_primary_key`.
    """
    state = instance_state(instance)
    state.key = identity
    state._commit_all(state.dict)
    session._save_or_update_impl(state)


def is_heard(session: Session) -> bool:
    """Whether somebody is to be told of what becomes an object of the session."""
    told: Any = session.dispatch
    return bool(told.before_attach or told.after_attach or told.detached_to_persistent)


def settle(session: Session, instance: Any) -> None:
    """Give an object of the session the values of its row, as after a flush."""
    state = instance_state(instance)
    state._commit_all(state.dict, session.identity_map)
