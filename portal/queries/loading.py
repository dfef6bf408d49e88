"""Loads the artifacts, seeds and own tables of many rows in few statements."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from portal.models import Process
from portal.models.pointer import decode_key, encode_key, find_class


def tables_of_heirs() -> list[type[Process]]:
    """The process classes that have a table of their own, which is read for all rows of a page together."""
    return [
        mapper.class_
        for mapper in inspect(Process).self_and_descendants
        if mapper.local_table is not Process.__table__
    ]


def load_pointers(session: Session, tasks: list[Any], processes: list[Any]) -> None:
    """Read the artifacts and seeds that the summaries of these rows speak of, a statement for each model."""
    wanted: dict[str, dict[str, list[tuple[Any, Any]]]] = defaultdict(lambda: defaultdict(list))
    tasks_of: dict[int, list[Any]] = defaultdict(list)
    for task in tasks:
        tasks_of[task.process_id].append(task)
    for process in processes:
        tasks = tasks_of[process.id]
        nodes = dict.fromkeys(task.node for task in tasks if task.node is not None)
        for pointer in _spoken_of(process.flow_class, tuple(nodes)):
            for owner in (process, *tasks):
                name, key = getattr(owner, pointer.type_column), getattr(owner, pointer.key_column)
                if key is not None:
                    wanted[name][key].append((owner, pointer))
    for name, keys in wanted.items():
        _load(session, name, keys)


@lru_cache(maxsize=1024)
def _spoken_of(flow_class: Any, nodes: tuple[Any, ...]) -> tuple[Any, ...]:
    """The pointers that the summaries of a flow and of some nodes speak of."""
    if flow_class is None:
        return ()
    parts = [flow_class.process_summary_template, flow_class.process_result_template]
    for node in nodes:
        parts += [node.summary_template, node.result_template]
    source = " ".join(part for part in parts if part)
    return tuple(pointer for pointer in (Process.artifact, Process.seed) if pointer.name in source)


def _load(session: Session, name: str, keys: dict[str, list[tuple[Any, Any]]]) -> None:
    model = find_class(name)
    if model is None:
        return
    mapper: Any = inspect(model)
    (column,) = mapper.primary_key
    found: Any
    for found in session.scalars(select(model).where(column.in_([decode_key(key) for key in keys]))).unique():
        for owner, pointer in keys.get(encode_key(mapper.primary_key_from_instance(found)[0]), ()):
            # The row holds on to it: the session alone would forget it before the summary is made.
            owner.__dict__[pointer.held] = found
