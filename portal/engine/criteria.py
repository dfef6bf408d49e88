"""Which processes and tasks a person sees, has and may take: criteria of queries. `permissions` checks a single one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, and_, exists, or_, select, true, union
from sqlalchemy.orm import aliased

from portal.flow.registry import registry
from portal.models import Absence, Process, Task, User, former_owner

from . import absences


def visible_processes(user: User) -> Any:
    """A criterion for `select(Process)`."""
    return or_(*visible_sets(user))


def visible_sets(user: User, flow: str = "") -> list[Any]:
    """The same in parts: whoever fulfils one of these criteria is seen. Each is read from an index of its own.

    Args:
        flow: where only processes of this flow are asked for anyway: sets that hold nothing else of it are left out.
    """
    if user.is_superuser:
        return [true()]
    flows = visible_flows(user, flow)
    return flows if flow and flows else [*flows, Process.id.in_(own_processes(user))]


def visible_flows(user: User, flow: str = "") -> list[Any]:
    """Criteria for the processes of each flow that is seen whole, or of one flow if it is."""
    return [Process.flow_label == label for label in seen_whole(user, flow)]


def seen_whole(user: User, flow: str = "") -> list[str]:
    """The labels of these flows."""
    return [label for label in registry if (not flow or label == flow) and user.views(label)]


def visible_process(user: User) -> Any:
    """As `visible_processes`, for a few processes that are read by a key: asked of each of them."""
    return true() if user.is_superuser else or_(*visible_flows(user), _is_own(user))


def own_processes(user: User, but: Sequence[str] = ()) -> Any:
    """What a person started or had a task of, and where somebody for whom they stand in has one. Read from those
    people's rows, once: asked of each process in turn it would grow with everybody's.

    Args:
        but: the flows of which it is not asked, as these are seen whole: a program may have started all there is.
    """
    return union(*(_of_other_flows(way, but) for way in _own_ways(user)))


def _of_other_flows(way: Select[Any], labels: Sequence[str]) -> Select[Any]:
    if not labels:
        return way
    process, [key] = aliased(Process), way.selected_columns
    return way.join(process, process.id == key).where(process.flow_label.not_in(labels))


def _is_own(user: User) -> Any:
    """The same, asked of a process in turn: where these are few it does not grow with what a person has had."""
    ways = [(way, *way.selected_columns) for way in _own_ways(user)]
    return or_(*(way.where(key == Process.id).correlate(Process).exists() for way, key in ways))


def _own_ways(user: User) -> list[Select[Any]]:
    started = aliased(Process)
    owned = aliased(Task)
    ways: list[Select[Any]] = [
        select(started.id).where(started.created_by_id == user.id),
        select(owned.process_id).where(owned.owner_id == user.id),
        select(former_owner.c.process_id).where(former_owner.c.user_id == user.id),
    ]
    for absence in absences.standing_in(user):
        theirs, their_process = aliased(Task), aliased(Process)
        way = select(theirs.process_id).where(theirs.owner_id == absence.user_id, theirs.finished.is_(None))
        if absence.flows:
            way = way.join(their_process, their_process.id == theirs.process_id)
            way = way.where(their_process.flow_label.in_(absence.flows))
        ways.append(way)
    return ways


def my_tasks(user: User) -> Any:
    """A criterion for `select(Task).join(Task.process)`: what a person has to do, also in place of who is away."""
    return or_(*my_task_sets(user))


def my_task_sets(user: User) -> list[Any]:
    """The same in parts, one for each person whose work it is.

    What `.NotSameAs` keeps them away from is left out of the work of others; their own they see, to pass it on.
    """
    assigned = Task.status == "ASSIGNED"
    own = and_(Task.owner_id == user.id, assigned)
    standing_in = absences.standing_in(user)
    if not standing_in:
        return [own]
    counterparts = _counterparts(user)
    others = []
    for absence in standing_in:
        theirs = [Task.owner_id == absence.user_id, assigned]
        if absence.flows:
            theirs.append(Process.flow_label.in_(absence.flows))
        if counterparts is not None:
            theirs.append(counterparts)
        others.append(and_(*theirs))
    return [own, *others]


def visible_task_sets(user: User, flow: str = "") -> list[Any]:
    """Criteria for `select(Task).join(Task.process)`: a task is seen that fulfils one of them.

    Args:
        flow: as of `visible_sets`.
    """
    sets = visible_sets(user, flow)
    return sets if user.is_superuser or (flow and visible_flows(user, flow)) else sets + permitted_sets(user)


def permitted_sets(user: User) -> list[Any]:
    """Criteria for the tasks whose permission somebody holds, everywhere or for their object."""
    held = user.all_permissions
    if not held:
        return []
    everywhere = Task.owner_permission.in_(sorted(name for name in held if ":" not in name))
    single = sorted(name for name in held if ":" in name)
    return [or_(everywhere, _for_object(single)) if single else everywhere]


def _for_object(names: list[str]) -> Any:
    return (Task.owner_permission + ":" + Task.owner_permission_obj).in_(names)


def takeable_tasks(user: User) -> Any:
    """A criterion for `select(Task).join(Task.process)`: what is free for this person."""
    return and_(is_free(user), or_(*takeable_sets(user)))


def is_free(user: User) -> Any:
    """A task that somebody may take, were it not for permissions."""
    human = sorted({n.kind for flow in registry.values() for n in flow.definition.nodes.values() if n.human})
    free = and_(
        Task.status == "NEW", Task.finished.is_(None), Task.flow_task_type.in_(human), ~Process.on_hold
    )
    counterparts = _counterparts(user)
    return free if counterparts is None else and_(free, counterparts)


def takeable_sets(user: User) -> list[Any]:
    """What is free for this person in parts, one for each permission: each is read from an index in its order."""
    if user.is_superuser:
        return [true()]
    sets = _held_sets(user.all_permissions)
    for absence in absences.standing_in(user):
        sets += _lent_sets(absence)
    own = _is_own(user) if _permissions_are_named() else Process.id.in_(own_processes(user))
    return sets + [and_(Task.owner_permission.is_(None), seen) for seen in (*visible_flows(user), own)]


def _permissions_are_named() -> bool:
    """Whether every step for people names a permission. Then few tasks have none: those from before their flow did."""
    nodes = (node for flow in registry.values() for node in flow.definition.nodes.values())
    return all(node.permission for node in nodes if node.human and not node.starts)


def _held_sets(held: frozenset[str]) -> list[Any]:
    """Criteria for the tasks of one permission each."""
    single = sorted(name for name in held if ":" in name)
    sets = [Task.owner_permission == name for name in _of_tasks(held)]
    if single:
        names = {name.rpartition(":")[0] for name in single}
        sets.append(and_(Task.owner_permission.in_(sorted(names)), _for_object(single)))
    return sets


def _lent_sets(absence: Absence) -> list[Any]:
    """Criteria for the tasks whose permission somebody who is away lends."""
    criteria = []
    if absence.flows:
        criteria.append(Process.flow_label.in_(absence.flows))
    counterparts = _counterparts(absence.user)
    if counterparts is not None:
        criteria.append(counterparts)
    return [and_(each, *criteria) for each in _held_sets(absence.user.all_permissions)]


def _of_tasks(held: frozenset[str]) -> list[str]:
    """The permissions that tasks may have: none has that of a start, or one to see or manage a flow."""
    others = {node.permission for flow in registry.values() for node in flow.definition.starts if node.human}
    others |= {f"{label}.{word}" for label in registry for word in ("view", "manage")}
    used = {
        n.permission
        for flow in registry.values()
        for n in flow.definition.nodes.values()
        if not n.starts and n.human
    }
    return sorted(name for name in held if ":" not in name and (name in used or name not in others))


def _counterparts(user: User) -> Any:
    """Leaves out what `.NotSameAs` keeps this person away from; None where no flow says so."""
    return _not_done_by(user.id, tuple(registry.items()))


#: one for all criteria that are kept: a quarter of a megabyte hangs on each alias
_DONE_BEFORE: Any = aliased(Task)


@lru_cache(maxsize=256)
def _not_done_by(user_id: int, flows: tuple[tuple[str, Any], ...]) -> Any:
    """The same, kept: each page that counts the queue asks for it."""
    clauses = []
    for label, flow_class in flows:
        for node in flow_class.definition.nodes.values():
            names = [reference.name for reference in node.not_same_as]
            if names:
                done = exists().where(
                    _DONE_BEFORE.process_id == Task.process_id,
                    _DONE_BEFORE.flow_task.in_(names),
                    _DONE_BEFORE.status == "DONE",
                    _DONE_BEFORE.owner_id == user_id,
                )
                clauses.append(~and_(Process.flow_label == label, Task.flow_task == node.name, done))
    return and_(*clauses) if clauses else None
