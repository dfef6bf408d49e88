"""Where tokens come from and where they go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from .books import OVER, Books


def ends_are_ends(books: Books) -> Iterator[str]:
    """A process that is over has nothing open; one that is not over has, or it is stuck by someone's doing."""
    for process in books.processes.values():
        tasks = books.of_process[process.id]
        still_open = [task for task in tasks if task.finished is None]
        if process.status in OVER:
            for task in still_open:
                yield f"{books.name(task)}: is {task.status}, but its process is {process.status}"
        elif process.status == "SUSPENDED" and process.ended:
            continue  # a job has come back meanwhile; its resume ends it
        elif not still_open:
            taken_back = any(
                event.to_state == "CANCELED" and event.action in ("cancel", "undo")
                for task in tasks
                for event in books.history[task.id]
            )
            if not taken_back:
                yield f"process {process.id}: is {process.status}, nothing is open, and nobody cancelled anything"
            undone = any(event.action == "undo" for task in tasks for event in books.history[task.id])
            if process.ended and process.status == "NEW" and not undone:
                yield f"process {process.id}: an end was reached and nothing is open, but it is {process.status}"
        if process.status == "DONE" and not any(_ends_path(books, task) for task in tasks):
            yield f"process {process.id}: is DONE, but no path of it has ended"


def _ends_path(books: Books, task: Any) -> bool:
    node = books.node(task)
    return task.status == "DONE" and (node is None or node.ends or node.splits)


def tokens_are_kept(books: Books) -> Iterator[str]:
    """A task that is done has as many tasks after it as its node has ways, and every task comes from somewhere."""
    for task in books.tasks.values():
        node = books.node(task)
        if task.token.split("/")[0] != "start":
            yield f"{books.name(task)}: has the token {task.token}"
        if node is None:
            continue
        armed = (task.awaits or "").startswith("host:")
        if not node.starts and not books.before[task.id] and not (armed and task.status != "DONE"):
            yield f"{books.name(task)}: nothing leads to it"
        if task.status == "DONE" and books.is_current(task):
            yield from _followers(books, task, node)


def _followers(books: Books, task: Any, node: Any) -> Iterator[str]:
    hosted = {boundary.name for boundary in node.boundaries}
    after = [
        each
        for each in books.followers(task)
        if each.flow_task not in hosted and not (each.awaits or "").startswith("compensates:")
    ]
    done = books.times(task, "DONE")
    if (task.awaits or "").startswith("compensates:") or node.ends:
        if after:
            yield f"{books.name(task)}: a path ends here, but {len(after)} tasks follow"
    elif not node.splits:
        if len(after) != done and books.processes[task.process_id].status in ("NEW", "DONE"):
            yield f"{books.name(task)}: DONE {done} times, but {len(after)} tasks follow"
    else:
        yield from _branches(books, task, node, after)


def _branches(books: Books, task: Any, node: Any, after: list[Any]) -> Iterator[str]:
    firsts = [branch for each in after if (branch := books.branch_of(each, task.number)) is not None]
    numbers = Counter(firsts)
    for number, count in numbers.items():
        if count > 1:
            yield f"{books.name(task)}: branch {number} began {count} times"
    fixed = all(edge.condition is None and not edge.multiple for edge in node.outgoing)
    if fixed:
        to_joins = {edge.target.name for edge in node.outgoing if edge.target.merges}
        promised = sum(not edge.target.merges for edge in node.outgoing)
        if len(firsts) != promised or not to_joins <= {each.flow_task for each in after}:
            yield f"{books.name(task)}: promises {len(node.outgoing)} branches and began {len(firsts)}"
