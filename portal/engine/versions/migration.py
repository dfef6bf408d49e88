"""Moves open tasks to other nodes after a flow has changed. `incompatible` lists those that have to move."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.errors import PortalError, TransitionNotAllowed
from portal.flow.registry import registry
from portal.language import gettext as _
from portal.language import ngettext
from portal.models import Process, Task, User

from .. import lifecycle, permissions
from ..context import ActionContext
from ..interpreter import boundary_events, compensation, joins, mutexes, processes, step
from ..retries import persistent
from ..transaction import read_process, task_action, transaction
from . import renaming
from .lost_steps import is_way, misfits

log = logging.getLogger("portal.engine")

#: why a task stays, and what to look at
Said = tuple[str | None, str | None]


@dataclass(frozen=True, slots=True)
class Move:
    """What became of one open task."""

    process_id: int
    number: int
    old: str
    new: str
    #: why it stays where it is; None if it moves
    obstacle: str | None = None
    #: what an operator should look at
    remark: str | None = None

    def __str__(self) -> str:
        task = f"process {self.process_id}, task {self.number}: {self.old}"
        if self.obstacle is not None:
            return f"{task} stays: {self.obstacle}"
        return f"{task} -> {self.new}" + (f" ({self.remark})" if self.remark else "")


def move(
    session: Session,
    flow_class: Any,
    names: Mapping[str, str],
    processes: Collection[int] = (),
    dry_run: bool = False,
    *,
    fingerprint: str | None = None,
    created_before: dt.datetime | None = None,
    tell: Callable[[Move], None] = lambda move: None,
    user: User | int | None = None,
    reason: str | None = None,
) -> list[Move]:
    """Move open tasks to other nodes: each is cancelled, and a fresh one with its token and data runs at the new node.

    Each task is one action: what has moved stays moved, and a second run goes on with the rest.

    Args:
        names: the old nodes' names and the new ones'.
        processes: only these, by id; all when empty.
        dry_run: change nothing.
        fingerprint: only tasks that this state of the flow's declaration made; `misfits` names it.
        created_before: only processes that are older, an aware moment.
        tell: called with what became of each task, as it happens.
        user: a manager of the flow; None is the system, which also lets roles follow the name of a node.
        reason: kept with the history.

    Returns:
        What became of each task, but of those that were over before their turn came.

    Raises:
        PortalError: a name is none that a task can move from or to.
    """
    nodes = flow_class.definition.nodes
    for old, new in names.items():
        _demand_names(nodes, old, new)
    narrowed = [
        *([Process.id.in_(processes)] if processes else ()),
        *([Task.fingerprint == fingerprint] if fingerprint is not None else ()),
        *([Process.created < created_before] if created_before is not None else ()),
    ]
    query = select(Task.id, Process.id, Task.number, Task.flow_task).join(Task.process)
    query = query.where(
        Process.flow_label == flow_class.definition.label,
        Task.finished.is_(None),
        Task.flow_task.in_(list(names)),
        *narrowed,
    )
    rows = session.execute(query.order_by(Process.id, Task.number)).all()
    session.rollback()
    if (
        user is None and not dry_run and (rows or not narrowed)
    ):  # also where nothing waits at the old node now
        _carry_permissions(session, nodes, names)
    moves = []
    for task_id, process_id, number, old in rows:
        if tried := _tried(session, task_id, nodes[names[old]], dry_run, user, reason):
            moves.append(Move(process_id, number, old, names[old], *tried))
            tell(moves[-1])
    return moves


@persistent
def migrate(
    session: Session,
    process: Process | int,
    user: User | int | None = None,
    reason: str | None = None,
    chosen: Mapping[str, str] | None = None,
) -> None:
    """Move all open tasks of a process that stand at steps which its flow no longer has, in one action: all or none. A
    manager's.

    Args:
        chosen: the names of steps, and where the process continues instead. What became another step of the same name
            continues there unless this says otherwise.

    Raises:
        Undecided: it stands at a step for which none was chosen.
        TransitionNotAllowed: every step is one of its flow, or one of them cannot move.
    """
    with transaction(session, user, process=process) as run:
        found = read_process(session, process)
        lifecycle.demand_process("migrate", found, run.user)
        run.because("migrate", reason)
        tasks = list(run.seen.find(found, Task.finished.is_(None)))
        likely, flow_class = misfits(found, tasks), found.flow_class
        if flow_class is None or not likely:
            raise TransitionNotAllowed(_("Every open step of this process is one of its flow as it is now."))
        names = {old: (chosen or {}).get(old) or new for old, new in likely.items()}
        if undecided := [task.title for task in tasks if names.get(task.flow_task) == ""]:
            steps = ", ".join(f"“{title}”" for title in dict.fromkeys(undecided))
            raise Undecided(
                ngettext(
                    "choose where it continues: its flow no longer has the step %(steps)s",
                    "choose where it continues: its flow no longer has the steps %(steps)s",
                    len(set(undecided)),
                    steps=steps,
                )
            )
        nodes = flow_class.definition.nodes
        for task in tasks:
            if task.is_open and task.flow_task in names and task.node is None:
                _demand_names(nodes, task.flow_task, names[task.flow_task])
                run.seen.add(task)
                obstacle, _remark = _moved(run, task, nodes[names[task.flow_task]])
                if obstacle is not None:
                    raise TransitionNotAllowed(f"“{task.title}”: {obstacle}")


class Undecided(TransitionNotAllowed):
    """Somebody has to choose where a process continues."""


def _demand_names(nodes: Mapping[str, Any], old: str, new: str) -> None:
    if "__" in old:
        raise PortalError(f"{old!r} is an event on a task and moves with it: map {old.partition('__')[0]!r}")
    fit = [name for name, node in nodes.items() if not node.starts and node.host is None]
    if new not in fit:
        raise PortalError(f"{new!r} is no node that a task can move to; there are: {', '.join(fit)}")


def _tried(
    session: Session, task_id: int, node: Any, dry_run: bool, user: User | int | None, reason: str | None
) -> Said | None:
    """Move one task, or say why not. None if it is over."""
    try:
        return _move(session, task_id, node, dry_run, user, reason)
    except Exception as error:  # the others must not wait for this one
        log.exception("task %s could not be moved to %s", task_id, node.name)
        return f"{type(error).__name__}: {error}", None


@persistent
def _move(
    session: Session, task_id: int, node: Any, dry_run: bool, user: User | int | None, reason: str | None
) -> Said | None:
    with task_action(session, task_id, user) as (run, old):
        permissions.demand_manager(run.user, old.process, _("move its tasks"))
        if not old.is_open:
            return None
        run.because("migrate", reason)
        return _moved(run, old, node, dry_run)


def _moved(run: ActionContext, old: Task, node: Any, dry_run: bool = False) -> Said:
    """Move an open task in an action under way, or say why not."""
    obstacle = _obstacle(old, node)
    keeper, remark = _keeper(run.session, old, node)
    if obstacle is not None or dry_run:
        return obstacle, remark
    same = _is_same(old, node)
    events, moment = boundary_events.events_of(run, old) if same else {}, old.scheduled
    run.record(old, "CANCELED", "migrate", to=node.name)
    step.leave(run, old)
    if node.merges:
        joins.move(run, node, old)
        step.settle(run)
        return None, None
    fresh = processes.fresh_copy(run, old, node, [*old.previous, old])
    fresh.remind = old.remind  # of which people have heard already
    run.events_of[fresh] = events
    step.settle(run)
    if same and fresh.status == "SCHEDULED" and fresh.flow_task_type == "Timer":
        fresh.scheduled = moment
    return None, _given(run, old, fresh, keeper) or _failure(fresh) or remark


def _obstacle(task: Task, node: Any) -> str | None:
    if task.process.on_hold:
        return _("its process is suspended; resume it first")
    if not compensation.is_handler(task) and not any(is_way(edge) for edge in node.incoming):
        return _("`%(node)s` only takes back what has been done, and leads nowhere", node=node.name)
    if node.merges and compensation.is_handler(task):
        return _("it takes back what has been done, and no branch of it comes to a join")
    return None


def _is_same(task: Task, node: Any) -> bool:
    """Whether it is the node of the task, perhaps by another name now: what waits at it goes on as it was."""
    names = node.flow_class.definition.nodes
    return task.flow_task_type == node.kind and (task.flow_task == node.name or task.flow_task not in names)


def _carry_permissions(session: Session, nodes: Mapping[str, Any], names: Mapping[str, str]) -> None:
    """Give everybody who could work at a renamed node the permission by its new name."""
    known = registry.permissions()
    carried: dict[str, str] = {}
    for old, new in names.items():
        if old in nodes or nodes[new].permission is None:
            continue
        label = nodes[new].flow_class.definition.label
        asked = select(Task.owner_permission).join(Task.process)
        asked = asked.where(
            Process.flow_label == label, Task.flow_task == old, Task.owner_permission.is_not(None)
        )
        for permission in {f"{label}.can_{old}", *session.scalars(asked.distinct())} - set(known):
            carried[permission] = nodes[new].permission
    if carried:
        renaming.rename_permissions(session, carried)
        session.commit()
    session.rollback()


def _keeper(session: Session, task: Task, node: Any) -> tuple[User | None, str | None]:
    """Who has the task at the new node too, and a remark on it. One that is only renamed needs no new permission."""
    owner = task.owner
    if owner is None or task.status != "ASSIGNED" or not node.human:
        return None, None
    lacks = node.permission is not None and not owner.can(node.permission, task.owner_permission_obj)
    renamed = task.flow_task not in node.flow_class.definition.nodes
    if not owner.is_active or permissions.has_done_its_counterpart(session, owner, task, node):
        return None, _("%(name)s may not have it: it goes to the queue", name=owner.name)
    if lacks and not renamed:
        return None, _(
            "%(name)s does not hold %(permission)s: it goes to the queue",
            name=owner.name,
            permission=node.permission,
        )
    if lacks:
        return owner, _(
            "%(name)s keeps it, without %(permission)s", name=owner.name, permission=node.permission
        )
    return owner, _("%(name)s keeps it", name=owner.name)


def _given(run: ActionContext, old: Task, fresh: Task, keeper: User | None) -> str | None:
    """Give the fresh task to who had the old one. A remark, if somebody else has it."""
    if fresh.status == "ASSIGNED" and fresh.owner is not None:
        return _("%(name)s has it, by a rule", name=fresh.owner.name)
    if keeper is None or fresh.status != "NEW":
        return None
    if not mutexes.allowed(run, fresh):
        return _("it goes to the queue: another task has its turn")
    fresh.owner, fresh.assigned = keeper, run.now
    # Who may keep a renamed task need not hold its new permission: then it was the migration that chose them.
    holds = keeper.can(fresh.owner_permission, fresh.owner_permission_obj)
    fresh.owner_by_rule = old.owner_by_rule or not holds
    run.record(fresh, "ASSIGNED", "migrate", to=keeper.username)
    return None


def _failure(fresh: Task) -> str | None:
    if fresh.status != "ERROR":
        return None
    failure = fresh.data["_exception"]
    return _(
        "it failed there, %(type)s: %(error)s; mend the flow and revive it",
        type=failure["type"],
        error=failure["message"],
    )
