"""No token lives twice: nothing stands after what was taken back, and one line goes on from what is done."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from .books import Books

TAKEN_BACK = ("CANCELED", "REVIVED")


def tokens_live_once(books: Books) -> Iterator[str]:
    for task in books.tasks.values():
        if _stands(task):
            yield from _origins_stand(books, task)
        yield from _one_line_follows(books, task)


def _origins_stand(books: Books, task: Any) -> Iterator[str]:
    """What stands came from something that is done; an event came from a host that it may have cancelled."""
    old = _lives_before(books, task)
    for origin in books.before[task.id]:
        if origin.id in old or books.has_moved(origin):
            continue
        if _is_event(task):
            gone = origin.status == "REVIVED" and _interrupts(books, task)
        elif getattr(books.node(origin), "races", False):
            gone = origin.status not in ("STARTED", "DONE")
        else:
            gone = origin.status != "DONE"
        if gone:
            name = f"task {origin.number} ({origin.flow_task})"
            yield f"{books.name(task)}: a token lives twice, it stands after {name}, which is {origin.status}"


def _lives_before(books: Books, task: Any) -> set[int]:
    """The tasks that this one is a fresh copy of, and those that they were copies of."""
    found: set[int] = set()
    behind = [task]
    while behind:
        at = behind.pop()
        old = [each for each in books.before[at.id] if each.id not in found and at in books.copies(each)]
        found.update(each.id for each in old)
        behind.extend(old)
    return found


def _one_line_follows(books: Books, task: Any) -> Iterator[str]:
    """Of what came from a task with one token, one line goes on: a fresh copy goes on for its old task."""
    lines: dict[tuple[str, bool], list[Any]] = defaultdict(list)
    for following in _lines(books, task):
        if not _is_event(following) and _lives(books, following):
            handles = (following.awaits or "").startswith("compensates:")
            lines[following.token, handles].append(following)
    for (token, _), tasks in lines.items():
        if len(tasks) > 1:
            numbers = ", ".join(f"{each.number} ({each.flow_task})" for each in tasks)
            yield f"{books.name(task)}: a token lives twice, {token} has gone on with tasks {numbers}"


def _lines(books: Books, task: Any) -> list[Any]:
    """What comes after a task, its own fresh copy aside, and each other one once with its fresh copy."""
    after = books.after[task.id]
    copied = [*books.copies(task), *(copy for old in after for copy in books.copies(old))]
    return [each for each in after if each not in copied and not books.has_moved(each)]


def _lives(books: Books, task: Any) -> bool:
    """Whether a task stands, or what has come of it: its fresh copy, or what interrupted it."""
    behind, seen = [task], {task.id}
    while behind:
        at = behind.pop()
        if _stands(at):
            return True
        for each in books.after[at.id]:
            if each.id not in seen and not (_is_event(each) and not _interrupts(books, each)):
                seen.add(each.id)
                behind.append(each)
    return False


def _stands(task: Any) -> bool:
    return task.status not in TAKEN_BACK


def _is_event(task: Any) -> bool:
    return bool(task.flow_task_type.endswith("Boundary"))


def _interrupts(books: Books, task: Any) -> bool:
    return getattr(books.node(task), "interrupting", True)
