"""A race: the first branch to finish its first task wins, and the others are cancelled."""

from __future__ import annotations

from collections.abc import Iterator

from portal.models import Task

from ..context import ActionContext
from . import token
from .scopes import by_number


def decide(run: ActionContext, task: Task) -> None:
    """A task is done: if it is the first one of a branch in a race that is open, the branch wins."""
    flow_class = task.process.flow_class
    if flow_class is None:
        return
    racing = flow_class.definition.racing
    if not racing:
        return
    for race, scope, branch in reversed(list(_open_races(run, task, racing))):
        run.record(race, "DONE")
        _cancel_rivals(run, task, scope, branch)


def _open_races(run: ActionContext, task: Task, racing: frozenset[str]) -> Iterator[tuple[Task, str, str]]:
    """The races that are open around a task, the innermost first, with the scope and the branch that it is on.

    Between an open race and the first step of its branch there are only other open races: so the pieces of a path
    that lie further back are looked at only while their split is one.
    """
    path, goes_on = task.token, True
    while goes_on:
        goes_on = False
        for depth, number in reversed(list(enumerate(token.splits(path)))):
            race = by_number(run, task.process, number)
            if race is not None and race.flow_task in racing and race.status == "STARTED":
                yield race, token.scope(path, depth), token.part(path, depth)
                goes_on = depth == 0 and token.is_long(path)
        if goes_on:
            assert race is not None
            path = race.token


def call_off(run: ActionContext, race: Task) -> None:
    """A race is over without a winner: its branches are cancelled."""
    if race.is_current and (race.node is None or not race.node.races):
        return
    scope = token.scope_below(race.token, race.number)
    for task in run.seen.find(race.process, Task.token.startswith(f"{scope}_", autoescape=True)):
        run.interpreter.close(run, task, "step")


def _cancel_rivals(run: ActionContext, task: Task, scope: str, branch: str) -> None:
    rivals = run.seen.find(task.process, Task.token.startswith(f"{scope}_", autoescape=True))
    for rival in rivals:
        if not token.is_on(rival.token, branch):
            run.interpreter.close(run, rival, "step")
