"""Whose turn it is: one task at a time for each mutex."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from .books import Books


def one_at_a_time(books: Books) -> Iterator[str]:
    """One task of a process holds a mutex, and nobody waits for one that is free."""
    at_work: dict[tuple[int, str], list[Any]] = defaultdict(list)
    waiting = []
    for task in books.tasks.values():
        node = books.node(task)
        name = getattr(node, "mutex", None)
        if name is None or task.finished is not None or node.handles:
            continue
        if task.awaits == "mutex":
            waiting.append((task, name))
        elif task.status != "NEW":
            at_work[task.process_id, name].append(task)
    for (process, name), tasks in at_work.items():
        if len(tasks) > 1:
            yield f"process {process}: tasks {[task.number for task in tasks]} hold the mutex {name} at once"
    for task, name in waiting:
        if not at_work[task.process_id, name] and not books.processes[task.process_id].on_hold:
            yield f"{books.name(task)}: waits for the mutex {name}, which is free"
