"""Writes what an action has made and changed of the engine's own rows, in a fixed order.

Processes first, then one UPDATE for each set of columns; the tasks, links and events that are added come behind them,
see `bulk_insert`. What is not a plain row of ours is left to the unit of work, which comes next: joined tables,
relationships of an author's, and everything under a guard or behind a savepoint.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Text, cast, exists
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import instance_state

from portal.models import Event, Process, Task, User, task_link

from . import driver, placing
from .placing import attach, is_plain, keys, settle

_LINKS, _EVENTS = (
    ("task_id", "previous_id"),
    (
        *("created", "user_id", "process_id", "task_id"),
        *("action", "from_state", "to_state", "detail"),
    ),
)

#: who has asked to hear of the queue: JSON has no index, so its text is searched
ASKING = (
    User.is_active,
    cast(User.preferences, Text).contains('"queue": true', autoescape=True),
)
#: the people that a task is related to, by the column of their key
_PEOPLE = {"owner": "owner_id", "acting_for": "acting_for_id"}
_ASKED = exists().where(*ASKING)


def store(session: Session, new: Iterable[Any], dirty: Iterable[Any]) -> list[Process]:
    """Write new processes and what was changed of processes and tasks. The new ones.

    Args:
        new: the objects that the session is to insert.
        dirty: those that hold changes.
    """
    if session.info.get("guard") is not None or session.in_nested_transaction():
        return []
    made = [each for each in new if isinstance(each, Process) and _is_new(instance_state(each))]
    changed = [each for each in dirty if isinstance(each, Process | Task)]
    # the unit of work has one statement for many, and their keys in order
    stored = made if len(made) == 1 and _insert(session, made[0]) else []
    if changed:
        _update(session, changed)
    return stored


def _is_new(state: Any) -> bool:
    """Whether it is a plain row of ours that is not stored yet: an author's code may have had it stored meanwhile."""
    return state.key is None and is_plain(state.mapper)


@cache
def columns_of(model: Any) -> tuple[str, ...]:
    """The columns that a new row is given a value for."""
    return tuple(name for name in keys(model) if name != "id")


@cache
def _demanded(model: Any) -> tuple[str, ...]:
    """Those of them that are never NULL."""
    return tuple(name for name in columns_of(model) if not model.__table__.c[name].nullable)


def _insert(session: Session, process: Process) -> bool:
    state, table, values = instance_state(process), Process.__table__, instance_state(process).dict
    names = columns_of(Process)
    if None in map(values.get, _demanded(Process)) or not state.committed_state.keys() <= _names(Process):
        return False  # its defaults; relationships
    connection = session.connection()
    state.mapper.dispatch.before_insert(state.mapper, connection, state)
    row = {name: values.get(name) for name in names}
    [(key,)] = driver.insert(connection, table, names, [row], ("id",))
    placing.withdraw(session, process)
    values.update(row, id=key)
    attach(session, process, state.mapper.identity_key_from_primary_key((key,)))
    state.mapper.dispatch.after_insert(state.mapper, connection, state)
    session.info["written"] = True
    return True


def _update(session: Session, changed: Sequence[Any]) -> None:
    connection = session.connection()
    groups: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    written: list[Any] = []
    states: list[Any] = [instance_state(each) for each in changed]
    for state in sorted(states, key=_order):
        if not _is_ours(state):
            continue
        if told := state.mapper.dispatch.before_update:
            told(state.mapper, connection, state)
            if not _is_ours(state):
                continue
        written.append(state)
        if values := _changes(state):
            values["id"] = state.identity[0]
            groups[state.mapper.local_table, tuple(sorted(values.keys() - {"id"}))].append(values)
    for (table, names), rows in groups.items():
        driver.update(connection, table, names, rows)
    for state in written:
        settle(session, state.obj())
        if told := state.mapper.dispatch.after_update:
            told(state.mapper, connection, state)
    session.info["written"] = True


def _order(state: Any) -> tuple[bool, int]:
    """Processes first, in the order of their keys."""
    return state.class_ is Task, state.identity[0]


def _is_ours(state: Any) -> bool:
    """Whether only columns of ours have changed."""
    if not is_plain(state.mapper):
        return False
    model = state.mapper.base_mapper.class_
    others = state.committed_state.keys() - _names(model)
    if not others:
        return True
    if model is not Task or not others <= _PEOPLE.keys():
        return False
    held = (state.dict.get(name) for name in others)
    return all(person is None or instance_state(person).persistent for person in held)


@cache
def _names(model: Any) -> frozenset[str]:
    return frozenset(keys(model))


def _changes(state: Any) -> dict[str, Any]:
    """The columns whose values have changed, with the new ones."""
    loaded, before = state.dict, state.committed_state
    for name in before.keys() & _PEOPLE.keys():
        column, person = _PEOPLE[name], loaded.get(name)
        before = {**before, column: before.get(column, loaded.get(column))}
        key: Any = None if person is None else instance_state(person).identity
        loaded[column] = key and key[0]
        del before[name]
    same = _comparisons(state.mapper.base_mapper.class_)
    return {
        key: loaded[key] for key, old in before.items() if key in loaded and not same[key](old, loaded[key])
    }


@cache
def _comparisons(model: Any) -> Mapping[str, Callable[[Any, Any], bool]]:
    """What compares two values of a column."""
    return {name: model.__table__.c[name].type.compare_values for name in keys(model)}


def insert_tasks(connection: Connection, rows: list[dict[str, Any]]) -> tuple[list[int], bool | None]:
    """Insert tasks. Their keys, and whether somebody has asked to hear of what is new in the queue; None where nothing
    is."""
    returned: tuple[str, ...] = ("id", "process_id", "number")
    if asks := any(row["status"] == "NEW" for row in rows):
        returned += (driver.text(_ASKED, connection.dialect),)
    found = driver.insert(connection, Task.__table__, columns_of(Task), rows, returned)
    ids = {(process_id, number): key for key, process_id, number, *_ in found}
    return [ids[row["process_id"], row["number"]] for row in rows], bool(found[0][3]) if asks else None


def insert_history(connection: Connection, links: list[dict[str, Any]], events: list[dict[str, Any]]) -> None:
    """Insert what tells how the tasks came about."""
    driver.insert_all(connection, (task_link, _LINKS, links), (Event.__table__, _EVENTS, events))
