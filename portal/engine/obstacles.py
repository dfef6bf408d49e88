"""Finds what prevents an undo or a revive: a token must not exist twice.

A task may be undone while nothing after it stands. One may be revived where its token is nowhere else: it has not gone
on, what came before is still done, and no other task has taken its place. The engine and the buttons on the pages
both ask here, through `lifecycle.check`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.orm import object_session

from portal.language import gettext as _
from portal.models import Task

from .interpreter import token

#: states of a task that does not count any more; in every other one it stands
TAKEN_BACK = ("CANCELED", "REVIVED")
_COMPENSATES = "compensates:"


class Obstacle(NamedTuple):
    """Tasks that stand in the way, and how to say it: `{them}` are named in it, `{it}` is the task to come back."""

    words: str
    them: tuple[Task, ...]
    #: the task of a process above that would have to come back, too
    caller: Task | None = None


def obstacles(action: str, task: Task) -> Iterator[Obstacle]:
    """Why a task may not be undone or revived now; nothing if it may, and for every other action."""
    for find in _OF_ACTION.get(action, ()):
        yield from find(task)
    if action in _OF_ACTION:
        yield from _above(task)


def standing(task: Task, beside: bool = True) -> list[Task]:
    """What comes after a task and was not taken back, also behind what was.

    Args:
        beside: also what an event began beside the task, without interrupting it.
    """
    found: dict[Task, None] = {}
    behind, seen = [task], {task}
    while behind:
        for following in behind.pop().leading:
            if not beside and _is_beside(following):
                continue
            if following.status not in TAKEN_BACK:
                found[following] = None
            elif following not in seen:
                seen.add(following)
                behind.append(following)
    return list(found)


# -- an undo -----------------------------------------------------------------------------------------------------


def _not_the_last(task: Task) -> Iterator[Obstacle]:
    """Something after the task stands."""
    if after := [*standing(task), *_later_handlers(task)]:
        yield Obstacle(_("after {it} there is {them}"), tuple(after))


def _later_handlers(task: Task) -> list[Task]:
    """What follows a task that takes another one back: the next ones to do that, and the throw that all belong to."""
    if not (task.awaits or "").startswith(_COMPENSATES):
        return []
    throw = int((task.awaits or "").removeprefix(_COMPENSATES))
    later = (Task.awaits == task.awaits) & (Task.number > task.number)
    return _stand(task, or_(later, (Task.number == throw) & (Task.status == "DONE")))


# -- a revive ----------------------------------------------------------------------------------------------------


def _gone_on(task: Task) -> Iterator[Obstacle]:
    """Something after the task stands, or the event that interrupted it does."""
    after = standing(task, beside=False)
    events = tuple(each for each in after if each.is_boundary_event)
    others = tuple(each for each in after if each not in events)
    if events:
        yield Obstacle(_("{it} was interrupted by {them}"), events)
    if others:
        yield Obstacle(_("after {it} there is {them}"), others)


def _without_origin(task: Task) -> Iterator[Obstacle]:
    """Obstacles before the task: what came before it was undone, or is open again."""
    origins = _origins(task)
    if gone := tuple(each for each in origins if each.status in TAKEN_BACK):
        yield Obstacle(_("what came before {it} was taken back: {them}"), gone)
    if again := tuple(each for each in origins if each.is_open and not _is_race(each)):
        yield Obstacle(_("what came before {it} is at work again: {them}"), again)


def _replaced(task: Task) -> Iterator[Obstacle]:
    """Its token has come from the same task once more, because that one was done again."""
    if _scope(task) is not None:
        return
    found: dict[Task, None] = {}
    for origin in _origins(task):
        for other in origin.leading:
            copied = (
                other in task.previous and other.status in TAKEN_BACK
            )  # else it has come back: a caller can
            if other is task or copied or not _same_place(other, task):
                continue
            found |= dict.fromkeys([other] if other.status not in TAKEN_BACK else standing(other, False))
    if found:
        yield Obstacle(_("its token has gone on with {them}"), tuple(found))


def _overtaken(task: Task) -> Iterator[Obstacle]:
    """Another join has taken its branches."""
    scope = _scope(task)
    if scope is None:
        return
    if others := _stand(task, Task.flow_task == task.flow_task, Task.awaits == scope, Task.id != task.id):
        yield Obstacle(_("its branches have met in {them}"), tuple(others))


def _lost_race(task: Task) -> Iterator[Obstacle]:
    """The race that it lost is decided: another branch of it goes on."""
    flow_class: Any = task.process.flow_class
    numbers = token.splits(task.token)
    if not numbers or flow_class is None:
        return
    racing = [node.name for node in flow_class.definition.nodes.values() if node.races]
    decided = _stand(
        task, Task.flow_task.in_(racing), Task.number.in_(numbers), Task.status == "DONE"
    ) if racing else []  # fmt: skip
    for race in decided:
        depth = numbers.index(race.number)
        scope, branch = token.scope(task.token, depth), token.part(task.token, depth)
        others = Task.token.startswith(f"{scope}_", autoescape=True)
        if winning := [each for each in _stand(task, others) if not token.is_on(each.token, branch)]:
            yield Obstacle(_("the race was decided: {them}"), (race, winning[0]))


# -- the processes above -----------------------------------------------------------------------------------------


def _above(task: Task) -> Iterator[Obstacle]:
    """The process is over, and the task that called it cannot go back to work for it."""
    process = task.process
    if process.finished is None or process.parent_task is None:
        return
    caller = process.parent_task
    if caller.status == "REVIVED":
        yield Obstacle(_("the parent has gone on with a fresh copy of {it}"), (), caller)
    elif not caller.is_open:
        for found in obstacles("revive", caller):
            yield (
                found
                if found.caller
                else found._replace(
                    words=_("the parent has gone on: {words}").replace("{words}", found.words), caller=caller
                )
            )


_Find = Callable[[Task], Iterable[Obstacle]]
_OF_ACTION: dict[str, tuple[_Find, ...]] = {
    "undo": (_not_the_last,),
    "revive": (_gone_on, _without_origin, _replaced, _overtaken, _lost_race),
}


# -- reading -----------------------------------------------------------------------------------------------------


def _stand(task: Task, *criteria: Any) -> list[Task]:
    """Tasks of the same process that stand, also those that this action has made."""
    session = object_session(task.process)  # a task of this action may not be stored yet
    assert session is not None
    session.flush()
    query = select(Task).where(Task.process_id == task.process_id, Task.status.not_in(TAKEN_BACK), *criteria)
    return list(session.scalars(query.order_by(Task.number)).unique())


def _origins(task: Task) -> list[Task]:
    """The tasks from which its token came, except the one of which it is a fresh copy."""
    return [each for each in task.previous if not _is_copied(each, task)]


def _is_copied(old: Task, task: Task) -> bool:
    """Whether a task was revived or moved as this one: then this one has what came before it, too."""
    same = old.flow_task == task.flow_task or bool(old.previous)  # a start has nothing before it
    return (
        old.status in TAKEN_BACK
        and same
        and old.token == task.token
        and set(old.previous) <= set(task.previous)
    )


def _scope(task: Task) -> str | None:
    """The branches that meet in a join; None for every other task, and where nobody else can come."""
    return task.awaits if task.node is not None and task.node.merges else None


def _is_race(task: Task) -> bool:
    return task.node is not None and task.node.races


def _is_beside(task: Task) -> bool:
    """Whether it is an event that left its host at work."""
    return task.is_boundary_event and task.node is not None and not task.node.interrupting


def _same_place(one: Task, other: Task) -> bool:
    """Whether both carry one token the same way: events and handlers go beside it."""
    return one.token == other.token and _ways(one) == _ways(other)


def _ways(task: Task) -> tuple[bool, bool]:
    return task.is_boundary_event, (task.awaits or "").startswith(_COMPENSATES)
