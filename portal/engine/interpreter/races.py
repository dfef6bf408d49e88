"""A race: the first branch to finish its first task wins, and the others are cancelled."""

from __future__ import annotations

from portal.models import Task

from ..context import Run
from . import token
from .joins import by_number


def decide(run: Run, task: Task) -> None:
    """A task is done: if it is the first one of a branch in a race that is open, the branch wins."""
    flow_class = task.process.flow_class
    numbers = token.splits(task.token)
    if not numbers or flow_class is None:
        return
    racing = {node.name for node in flow_class.definition.nodes.values() if node.races}
    if not racing:
        return
    for depth, number in enumerate(numbers):
        race = by_number(run, task.process, number)
        if race is None or race.flow_task not in racing or race.status != "STARTED":
            continue
        scope = token.scope(task.token, depth)
        branch = token.part(task.token, depth)
        run.record(race, "DONE")
        _cancel_rivals(run, task, scope, branch)


def call_off(run: Run, race: Task) -> None:
    """A race is over without a winner: its branches are cancelled."""
    if race.is_current and (race.node is None or not race.node.races):
        return
    scope = token.scope_below(race.token, race.number)
    for task in run.find(race.process, Task.token.startswith(f"{scope}_", autoescape=True)):
        run.interpreter.close(run, task, "step")


def _cancel_rivals(run: Run, task: Task, scope: str, branch: str) -> None:
    rivals = run.find(task.process, Task.token.startswith(f"{scope}_", autoescape=True))
    for rival in rivals:
        if not token.is_on(rival.token, branch):
            run.interpreter.close(run, rival, "step")
