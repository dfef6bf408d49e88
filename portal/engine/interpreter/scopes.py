"""Scopes: which split's branches a token is on, and at which of them a join lets them meet.

A token's path tells most of it (`token`); the tasks of the splits, which nodes they are of.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from portal.flow.base import Node
from portal.models import Process, Task

from ..context import ActionContext
from . import token


def may_be_within(scope: str) -> Any:
    """The tasks of which `is_within` tells whether they are on a branch of this scope."""
    return Task.token.startswith(f"{scope}_", autoescape=True) | Task.token.startswith(
        token.LONG, autoescape=True
    )


def is_within(run: ActionContext, process: Process, branch: str, scope: str) -> bool:
    """Whether a token has passed the split of this scope, however long its path has become since."""
    if token.within(branch, scope):
        return True
    passed = token.passes(branch, token.split_of(scope)) if token.is_long(branch) else False
    while not isinstance(passed, bool):
        known = by_number(run, process, passed)
        passed = known is not None and token.passes(known.token, token.split_of(scope))
    return passed


def scope_of(run: ActionContext, process: Process, node: Node, branch: str) -> str | None:
    """Which split the join closes for this branch: the outermost one that it is the join of, from the inside.

    None for a token that has passed no split: nobody else can come.
    """
    numbers = token.splits(branch)
    if not numbers:
        return None
    depth = len(numbers) - 1
    joins = node.flow_class.definition.joins
    while depth or token.is_long(branch):
        if not depth:  # the rest of the path is that of the split at the head of this piece
            head = by_number(run, process, numbers[0])
            if head is None:
                break
            outer, above = head.token, token.splits(head.token)
            pair = [above[-1], numbers[0]]
        else:
            pair = numbers[depth - 1 : depth + 1]
        names = _names(run, process, numbers if depth else pair)
        if not all(node.name in joins.get(names.get(each, ""), ()) for each in pair):
            break
        if depth:
            depth -= 1
        else:
            branch, numbers, depth = outer, above, len(above) - 1
    return token.scope(branch, depth)


def token_of_split(run: ActionContext, process: Process, scope: str) -> str:
    found = token.owner(scope)
    if found is None:
        split = by_number(run, process, token.split_of(scope))
        assert split is not None, f"the split of {scope} in process {process.id} is gone"
        return split.token
    return found


def belongs_above(run: ActionContext, split: Task, node: Node) -> bool:
    """Whether the branches of a split go to the join of the split that it is a branch of itself."""
    numbers = token.splits(split.token)
    above = _names(run, split.process, numbers[-1:]).get(numbers[-1], "") if numbers else ""
    return node.name in node.flow_class.definition.joins.get(above, ())


def by_number(run: ActionContext, process: Process, number: int) -> Task | None:
    """A task of a process by its number."""
    known = run.seen.number(process, number)
    if known is not None or process in run.seen.made:
        return known
    with run.session.no_autoflush:
        query = select(Task).where(Task.process_id == process.id, Task.number == number)
        found = run.session.scalars(query).unique().first()
    if found is not None:
        run.seen.add(found)
    return found


def _names(run: ActionContext, process: Process, numbers: list[int]) -> dict[int, str]:
    """The nodes of split tasks by their numbers."""
    known = filter(None, (run.seen.number(process, number) for number in numbers))
    names = {task.number: task.flow_task for task in known}
    missing = [number for number in numbers if number not in names]
    if missing and process not in run.seen.made:
        query = select(Task).where(Task.process_id == process.id, Task.number.in_(missing))
        with run.session.no_autoflush:
            tasks = list(run.session.scalars(query).unique())
        run.seen.add(*tasks)
        names |= {task.number: task.flow_task for task in tasks}
    return names
