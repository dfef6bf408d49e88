"""Races: one branch wins, and the others end with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .books import Books


def one_branch_wins(books: Books) -> Iterator[str]:
    """Behind a race that is over one branch goes on at most."""
    for race in books.tasks.values():
        if not getattr(books.node(race), "races", False) or race.finished is None:
            continue
        branches: dict[str, list[Any]] = {}
        for task in books.of_process[race.process_id]:
            branch = books.branch_of(task, race.number)
            if branch is not None:
                branches.setdefault(branch, []).append(task)
        going = [branch for branch, tasks in branches.items() if _goes_on(tasks)]
        if len(going) > (race.status == "DONE"):
            yield f"{books.name(race)}: is {race.status}, and its branches {', '.join(sorted(going))} go on"


def _goes_on(tasks: list[Any]) -> bool:
    """Whether a branch has something that is done or open."""
    return any(task.status == "DONE" or task.finished is None for task in tasks)
