"""Processes within processes."""

from __future__ import annotations

from collections.abc import Iterator

from .books import Books


def children_fit(books: Books) -> Iterator[str]:
    """A child hangs below the task that waits for it."""
    for child in books.processes.values():
        if child.parent_task_id is None:
            if child.root_id is not None or child.depth:
                yield f"process {child.id}: has no parent, but root {child.root_id} and depth {child.depth}"
            if child.on_hold != (child.status == "SUSPENDED"):
                yield f"process {child.id}: is {child.status}, and on_hold is {child.on_hold}"
            continue
        task = books.tasks[child.parent_task_id]
        parent = books.processes[task.process_id]
        if child.root_id != (parent.root_id or parent.id) or child.depth != parent.depth + 1:
            yield f"process {child.id}: has root {child.root_id} and depth {child.depth} below process {parent.id}"
        if child.finished is None and task.status not in ("STARTED", "ERROR"):
            yield f"process {child.id}: is {child.status}, but {books.name(task)} is {task.status}"
        if child.on_hold != (child.status == "SUSPENDED" or parent.on_hold):
            yield f"process {child.id}: is {child.status}, and on_hold is {child.on_hold}"


def callers_wait(books: Books) -> Iterator[str]:
    """A task that calls processes waits while one of them runs, and no longer."""
    for task in books.tasks.values():
        node = books.node(task)
        if node is None or not getattr(node, "calls_processes", False) or task.status != "STARTED":
            continue
        running = [child for child in books.children[task.id] if child.finished is None]
        if task.awaits != "mutex" and not running:
            yield f"{books.name(task)}: waits, but none of its processes runs"
        came_back = any(
            event.from_state is not None and event.to_state == "NEW"
            for child in running
            for event in books.process_history[child.id]
            if event.action in ("undo", "revive")
        )
        if getattr(node, "sequential", False) and len(running) > 1 and not came_back:
            yield f"{books.name(task)}: {len(running)} processes run, one at a time is allowed"
