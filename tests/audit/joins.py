"""Joins: each fires once for each run of its split, and not before all are in that can come."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from .books import Books


def fire_once(books: Books) -> Iterator[str]:
    """One join for each run of a split is done, or waits; what was cancelled, revived or moved does not count."""
    fired: Counter[tuple[int, str, str]] = Counter()
    for task in books.tasks.values():
        counts = (
            task.awaits is not None
            and task.status not in ("CANCELED", "REVIVED")
            and not books.has_moved(task)
        )
        if _is_join(books, task) and counts:
            fired[task.process_id, task.flow_task, task.awaits] += 1
    for (process, name, scope), count in fired.items():
        if count > 1:
            yield f"process {process}: {count} tasks of the join {name} for the branches of {scope}"


def wait_for_all(books: Books) -> Iterator[str]:
    """A join that waits has somebody to wait for, and one that fired had nobody left to wait for."""
    then: dict[int, dict[int, str]] = defaultdict(dict)
    for event in books.events:
        if event.task_id is None:
            continue
        states = then[event.process_id]
        states[event.task_id] = event.to_state
        task = books.tasks[event.task_id]
        if event.to_state == "DONE" and _is_join(books, task) and not _early(books.node(task)):
            for late in _still_to_come(books, task, states):
                yield f"{books.name(task)}: fired while task {late.number} ({late.flow_task}) could still come"
    for task in books.tasks.values():
        waits = task.status == "STARTED" and _is_join(books, task) and task.awaits is not None
        states = then[task.process_id]
        if (
            waits
            and not getattr(books.node(task), "blocking", False)
            and not _still_to_come(books, task, states)
        ):
            yield f"{books.name(task)}: waits, but nobody can come"


def _is_join(books: Books, task: Any) -> bool:
    node = books.node(task)
    return node is not None and node.merges


def _early(node: Any) -> bool:
    return bool(node.partial or node.blocking)


def _still_to_come(books: Books, join: Any, states: dict[int, str]) -> list[Any]:
    if join.awaits is None:
        return []
    reach = books.node(join).flow_class.definition.reach
    split = int(join.awaits.rpartition("/")[2])
    return [
        task
        for task in books.of_process[join.process_id]
        if states.get(task.id) in ("NEW", "ASSIGNED", "SCHEDULED", "STARTED", "ERROR")
        and task.id != join.id
        and books.branch_of(task, split) is not None
        and not (task.awaits or "").startswith("host:")
        and join.flow_task in reach.get(task.flow_task, ())
    ]
