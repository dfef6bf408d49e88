"""Joins: where parallel branches meet. A join task belongs to one run of its split, named by the tokens' scope."""

from __future__ import annotations

from typing import Any

from sqlalchemy import literal, select

from portal.flow.base import Node
from portal.models import Process, Task, task_link

from ..context import ActionContext
from ..obstacles import standing
from ..seen import among_open
from . import scopes, token


def arrive(run: ActionContext, node: Node, branch: str, *previous: Task) -> None:
    """A branch has come to a join."""
    process = previous[0].process
    scope = scopes.scope_of(run, process, node, branch)
    join = waiting(run, process, node, scope) if scope is not None else None
    before: list[Task] = []
    gone = join is not None and join.status == "CANCELED" and not _has_gone_on(run, join)
    if join is not None and gone and join not in previous:
        # taken back or cancelled: it meets again whom it had met, unless it was moved and is met itself
        before = [each for each in join.previous if each.status == "DONE" and each not in previous]
    if join is None or gone or join in previous:
        owner = branch if scope is None else scopes.token_of_split(run, process, scope)
        join = run.create(process, node, owner, *before, *previous)
        join.awaits = scope
        run.record(join, "STARTED")
    else:
        for each in previous:
            if not _has_met(run, join, each):  # two empty branches of a split come from the one split
                run.link(join, each)
    run.joins_due[process] = None
    if join.status != "STARTED":  # it has gone on without this branch: nothing starts twice
        return
    if scope is None:
        go_on(run, join)
    elif node.partial:
        _ask(run, join, scope)


def _has_gone_on(run: ActionContext, join: Task) -> bool:
    """Whether a join that is cancelled was moved, and what came of it stands."""
    run.session.flush()
    return bool(standing(join))


def _has_met(run: ActionContext, join: Task, previous: Task) -> bool:
    """Whether a branch came to a join before. The others that came, of which there may be many, are not read."""
    if run.rows.links_to(join, previous):
        return True
    if join in run.seen.made or previous in run.seen.made:
        return False
    link = task_link.c.task_id == join.id, task_link.c.previous_id == previous.id
    with run.session.no_autoflush:
        return run.session.scalar(select(literal(1)).where(*link)) is not None


def met(run: ActionContext, join: Task) -> list[Task]:
    """The branches that came to other joins of the same run of its split, now that those were taken back."""
    node = join.node
    if join.awaits is None or node is None or not node.merges:
        return []
    run.session.flush()
    query = select(Task).where(
        Task.process_id == join.process_id, Task.flow_task == join.flow_task, Task.awaits == join.awaits
    )
    others = [each for each in run.session.scalars(query).unique() if each is not join]
    found = dict.fromkeys(each for other in others for each in other.previous if each.status == "DONE")
    return [each for each in found if each not in join.previous]


def move(run: ActionContext, node: Node, old: Task) -> None:
    """Move a task to a join. It arrives as its branch; from another join, with all branches that had arrived there."""
    awaits = old.awaits or ""
    if awaits.startswith(f"{token.ROOT}/"):
        arrive(run, node, f"{awaits}_1", *old.previous, old)
    else:
        arrive(run, node, old.token, old)


def _ask(run: ActionContext, join: Task, scope: str) -> None:
    """Ask a join whether it goes on before the other branches are in."""
    node: Any = join.node
    if _is_blocked(run, join):
        return
    active = [task for task in _branches(run, join, scope) if not task.is_boundary_event]
    activation = run.activation(join)
    activation.active_tasks = active
    if not run.interpreter.attempt(run, join, lambda: node.goes_on(activation)):
        return
    if node.cancel_active:
        for task in active:
            run.interpreter.close(run, task, "step")
    go_on(run, join)


def go_on(run: ActionContext, join: Task) -> None:
    """Nobody else has to come."""
    activation = run.activation(join)
    run.interpreter.resume(run, join, lambda: activation.node.resume(activation))


def release(run: ActionContext) -> bool:
    """Let every join continue that waits for nobody any more. True if tokens moved."""
    due, run.joins_due = list(run.joins_due), {}
    moved = False
    for process in due:
        for join in sorted(_waiting(run, process), key=lambda task: token.depth(task.token), reverse=True):
            if join.status == "STARTED" and _went_on(run, join):
                moved = True
                run.joins_due[process] = None
                break
    return moved or bool(run.ready)


def _went_on(run: ActionContext, join: Task) -> bool:
    """Let a join continue if nobody can arrive any more, or what blocked it is in. True if it did."""
    if _is_blocked(run, join):
        return False
    if not can_arrive(run, join):
        go_on(run, join)
        return True
    if _blocks(join):
        _ask(run, join, join.awaits or "")
    return join.status != "STARTED"


def _is_blocked(run: ActionContext, join: Task) -> bool:
    """Whether branches of an earlier run of its split are still under way to a blocking join."""
    if not _blocks(join):
        return False
    run.session.flush()
    query = select(Task).where(
        Task.process_id == join.process_id,
        Task.flow_task == join.flow_task,
        Task.token == join.token,
        Task.number < join.number,
        Task.awaits.is_not(None),
        Task.status.in_(("STARTED", "DONE")),
    )
    return any(can_arrive(run, earlier) for earlier in run.session.scalars(query).unique())


def _blocks(join: Task) -> bool:
    return join.node is not None and join.node.blocking


def _waiting(run: ActionContext, process: Process) -> list[Task]:
    flow_class = process.flow_class
    if flow_class is None or not flow_class.definition.merging:
        return []
    names = flow_class.definition.merging
    if not run.seen.has_all(process):
        run.seen.find_others(process, Task.flow_task.in_(names), Task.status == "STARTED")
    found = [task for name in names for task in run.seen.at(process, name) if task.status == "STARTED"]
    return [task for task in found if task.node is not None]


def can_arrive(run: ActionContext, join: Task) -> bool:
    """Whether an open branch of the join's split can still come to it."""
    process, scope = join.process, join.awaits
    if scope is None:
        return False
    cannot = process.flow_class.definition.cut_off[join.flow_task]  # type: ignore[union-attr]
    for task in run.seen.of(process):
        if (
            task is not join
            and task.is_open
            and task.flow_task not in cannot
            and not task.is_boundary_event
            and scopes.is_within(run, process, task.token, scope)
        ):
            return True
    if run.seen.has_all(process):
        return False
    query = among_open(select(Task.token)).where(
        Task.process_id == process.id,
        Task.finished.is_(None),
        scopes.may_be_within(scope),
        Task.flow_task.not_in(cannot),
        Task.flow_task_type.not_like("%Boundary"),
        Task.id.not_in(run.seen.ids(process)),
    )
    with run.session.no_autoflush:
        found = run.session.scalars(query.limit(1)).all()
        if found and not token.within(found[0], scope):
            found = run.session.scalars(query).all()
    return any(scopes.is_within(run, process, each, scope) for each in found)


def _branches(run: ActionContext, join: Task, scope: str) -> list[Task]:
    """The open tasks of the split's branches."""
    run.session.flush()
    found = run.seen.find(join.process, scopes.may_be_within(scope))
    return [
        task for task in found if task is not join and scopes.is_within(run, join.process, task.token, scope)
    ]


def waiting(run: ActionContext, process: Process, node: Node, scope: str) -> Task | None:
    """The join that the branches of this scope meet at, if one of them has come before."""
    known = [task for task in run.seen.at(process, node.name) if task.awaits == scope]
    newest = max(known, key=lambda task: task.number, default=None)
    if process in run.seen.made or (newest is not None and newest.status not in ("CANCELED", "REVIVED")):
        return newest
    with run.session.no_autoflush:
        query = select(Task).where(
            Task.process_id == process.id,
            Task.number > token.split_of(scope),  # it came later: what was before is not read
            Task.flow_task == node.name,
            Task.awaits == scope,
        )
        found = run.session.scalars(query.order_by(Task.number.desc()).limit(1)).unique().first()
    if found is not None:
        run.seen.add(found)
    return max(filter(None, (newest, found)), key=lambda task: task.number, default=None)
