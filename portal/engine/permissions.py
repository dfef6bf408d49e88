"""Who may see, take, finish and manage tasks and processes: as checks, and as criteria of queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, and_, bindparam, exists, literal, or_, select, true, union
from sqlalchemy.orm import Session, aliased

from portal.errors import PermissionDenied
from portal.flow.registry import registry
from portal.language import gettext as _
from portal.models import Absence, BigId, Process, Task, User, former_owner

from . import absences


def manages(user: User | None, process: Process) -> bool:
    """Whether this person may do a manager's actions. None is the system."""
    return user is None or user.manages(process.flow_label)


def demand_manager(user: User | None, process: Process, action: str) -> None:
    if not manages(user, process):
        raise PermissionDenied(
            _(
                "only a manager of the flow (permission %(permission)s) may %(action)s",
                permission=f"{process.flow_label}.manage",
                action=action,
            )
        )


def demand_requester(user: User | None, process: Process, action: str) -> None:
    if user is not None and process.created_by_id != user.id and not user.is_superuser:
        raise PermissionDenied(_("only who started it may %(action)s", action=action))


def demand_owner_or_manager(user: User | None, task: Task, action: str) -> None:
    if user is not None and not owns(user, task) and not manages(user, task.process):
        raise PermissionDenied(_("only the owner or a manager of the flow may %(action)s", action=action))


def may_see_process(session: Session, user: User | None, process: Process) -> bool:
    """Whether a person may see a process: they started it, owned a task of it, hold `<label>.view` or `<label>.manage`,
    or stand in for the owner of an open task."""
    if user is None or process.created_by_id == user.id or user.views(process.flow_label):
        return True
    owns = exists().where(Task.process_id == process.id, Task.owner_id == user.id)
    owned = exists().where(former_owner.c.user_id == user.id, former_owner.c.process_id == process.id)
    ways = [owns, owned]
    if people := [person.id for person in absences.replaced(user, process.flow_label)]:
        ways.append(
            exists().where(Task.process_id == process.id, Task.owner_id.in_(people), Task.finished.is_(None))
        )
    return bool(session.scalar(select(or_(*ways))))


def who_sees(session: Session, process: Process, people: Iterable[User]) -> list[User]:
    """Those of these people who may see a process, in one statement however many they are."""
    asked = list(people)
    sure = {u.id for u in asked if u.id == process.created_by_id or u.views(process.flow_label)}
    if rest := [user.id for user in asked if user.id not in sure]:
        owned = select(Task.owner_id).where(Task.process_id == process.id, Task.owner_id.in_(rest))
        once = select(former_owner.c.user_id).where(
            former_owner.c.process_id == process.id, former_owner.c.user_id.in_(rest)
        )
        sure |= {user_id for user_id in session.scalars(union(owned, once)) if user_id is not None}
    return [user for user in asked if user.id in sure]


def remember_owner(session: Session, task: Task) -> None:
    """Remember that whoever loses a task now may still see its process."""
    if task.owner_id is None:
        return
    pair = (former_owner.c.user_id == task.owner_id, former_owner.c.process_id == task.process_id)
    fresh = select(literal(task.owner_id, BigId), literal(task.process_id, BigId)).where(
        ~exists().where(*pair)
    )
    with session.no_autoflush:
        session.execute(former_owner.insert().from_select(["user_id", "process_id"], fresh))


def may_see_task(session: Session, user: User | None, task: Task) -> bool:
    """Who may see its process or holds its permission, also in place of somebody who is away."""
    if user is not None and task.owner_permission and (_can(user, task) or lenders(user, task)):
        return True
    return may_see_process(session, user, task.process)


def may_take(session: Session, user: User, task: Task) -> bool:
    """Whether a task may be given to this person, also in place of somebody who is away."""
    return (
        has_right(session, user, task)
        and user.is_active
        and not has_done_its_counterpart(session, user, task)
    )


def has_right(session: Session, user: User, task: Task) -> bool:
    """Whether this person has the right that a task asks for, or somebody who is away lends it; whatever they did."""
    if task.owner_permission is None:
        return may_see_process(session, user, task.process)
    return _can(user, task) or acts_for(session, user, task) is not None


def could_take(user: User, task: Task) -> bool:
    """Whether this person holds a task's permission, or stands in for somebody who does."""
    return _can(user, task) or bool(lenders(user, task))


def acts_for(session: Session, user: User, task: Task) -> User | None:
    """The absent person whose permission somebody uses who takes a task. None where they need nobody's, or nobody lends
    it."""
    if task.owner_permission is None or _can(user, task):
        return None
    lending = (each for each in lenders(user, task) if not has_done_its_counterpart(session, each, task))
    return next(lending, None)


def _can(user: User, task: Task) -> bool:
    return user.can(task.owner_permission, task.owner_permission_obj)


def lenders(user: User, task: Task) -> list[User]:
    """The absent people who lend this person the permission for a task."""
    name, obj = task.owner_permission, task.owner_permission_obj
    people = () if name is None else absences.replaced(user, task.process.flow_label)
    return [person for person in people if name is not None and absences.lends(person, name, obj)]


def owns(user: User, task: Task) -> bool:
    """Whether a task is this person's, or that of somebody for whom they stand in."""
    return task.owner_id == user.id or _is_of_replaced(user, task)


def _is_of_replaced(user: User, task: Task) -> bool:
    return task.owner_id is not None and any(
        person.id == task.owner_id for person in absences.replaced(user, task.process.flow_label)
    )


def may_finish(user: User, task: Task) -> bool:
    """Whether this person may finish a task: its owner, who has seen it since, while they or who they took it for hold
    its permission; so nothing is asked of the database. And who stands in for the owner, by the owner's right."""
    if task.owner_id != user.id:
        return _is_of_replaced(user, task) and task.owner is not None and may_finish(task.owner, task)
    lender = None if task.acting_for_id is None else task.acting_for
    return (
        task.owner_by_rule
        or _can(user, task)
        or (
            lender is not None
            and absences.lends(lender, task.owner_permission or "", task.owner_permission_obj)
        )
    )


def demand_finish(session: Session, user: User | None, task: Task) -> None:
    """Refuse who may not finish a task. None is the system.

    Raises:
        PermissionDenied: it is another person's, they have lost the permission for it, or have done a step meanwhile
            after which `.NotSameAs` keeps them away.
    """
    if user is None:
        return
    if not owns(user, task):
        owner = _("%(name)s has", name=task.owner.name) if task.owner is not None else _("nobody has")
        raise PermissionDenied(_("Only the owner of a task may finish it; %(owner)s this one.", owner=owner))
    if not may_finish(user, task):
        raise PermissionDenied(
            _(
                "You no longer hold the permission for this task (%(owner_permission)s). Nothing was finished: "
                "give the task back or assign it to someone else, or ask a manager of the flow for the permission.",
                owner_permission=task.owner_permission,
            )
        )
    replaced = task.owner if task.owner_id != user.id else task.acting_for if task.acting_for_id else None
    if replaced is not None and has_done_its_counterpart(session, replaced, task):
        raise PermissionDenied(
            _(
                "%(name)s, for whom you would finish this, has done a step of this process that must be done by "
                "someone else. Nothing was finished: assign the task to someone else.",
                name=replaced.name,
            )
        )
    if has_done_its_counterpart(session, user, task):
        raise PermissionDenied(
            _(
                "You have done a step of this process that must be done by someone else. Nothing was finished: "
                "give the task back or assign it to someone else."
            )
        )


#: who has done these steps of a process; asked whether one person has, SQLite would read all that they ever did
_DONE_BY = (
    select(Task.owner_id)
    .where(
        Task.process_id == bindparam("process"),
        Task.flow_task.in_(bindparam("nodes", expanding=True)),
        Task.status == "DONE",
    )
    .distinct()
)


def has_done_its_counterpart(session: Session, user: User | int, task: Task, node: Any = None) -> bool:
    """Whether `.NotSameAs` keeps this person away from the task, or from another node with it. It binds everyone.

    Args:
        user: a person, or their id.
    """
    node = node or task.node
    names = [] if node is None else [reference.name for reference in node.not_same_as]
    if not names:
        return False
    session.flush()  # a task that has just been made gets its process's key
    key = user if isinstance(user, int) else user.id
    return key in session.scalars(_DONE_BY, {"process": task.process_id, "nodes": names}).all()


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
