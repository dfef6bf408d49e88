"""Who may see, take, finish and manage tasks and processes: as checks, and as criteria of queries."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, exists, literal, or_, select, true, union
from sqlalchemy.orm import Session, aliased

from portal.errors import PermissionDenied
from portal.flow.registry import registry
from portal.models import BigId, Process, Task, User, former_owner


def manages(user: User | None, process: Process) -> bool:
    """Whether this person may do a manager's actions. None is the system."""
    return user is None or user.manages(process.flow_label)


def demand_manager(user: User | None, process: Process, action: str) -> None:
    if not manages(user, process):
        raise PermissionDenied(
            f"only a manager of the flow (permission {process.flow_label}.manage) may {action}"
        )


def demand_requester(user: User | None, process: Process, action: str) -> None:
    if user is not None and process.created_by_id != user.id:
        raise PermissionDenied(f"only who started it may {action}")


def demand_owner_or_manager(user: User | None, task: Task, action: str) -> None:
    if user is not None and task.owner_id != user.id and not manages(user, task.process):
        raise PermissionDenied(f"only the owner or a manager of the flow may {action}")


def may_see_process(session: Session, user: User | None, process: Process) -> bool:
    """Who started it, owned a task of it once, or holds `<label>.view` or `<label>.manage`."""
    if user is None or process.created_by_id == user.id or user.views(process.flow_label):
        return True
    owns = exists().where(Task.process_id == process.id, Task.owner_id == user.id)
    owned = exists().where(former_owner.c.user_id == user.id, former_owner.c.process_id == process.id)
    return bool(session.scalar(select(or_(owns, owned))))


def remember_owner(session: Session, task: Task) -> None:
    """Let whoever loses a task now still look at its process."""
    if task.owner_id is None:
        return
    pair = (former_owner.c.user_id == task.owner_id, former_owner.c.process_id == task.process_id)
    fresh = select(literal(task.owner_id, BigId), literal(task.process_id, BigId)).where(
        ~exists().where(*pair)
    )
    with session.no_autoflush:
        session.execute(former_owner.insert().from_select(["user_id", "process_id"], fresh))


def may_see_task(session: Session, user: User | None, task: Task) -> bool:
    """Who may see its process or holds its permission."""
    if (
        user is not None
        and task.owner_permission
        and user.can(task.owner_permission, task.owner_permission_obj)
    ):
        return True
    return may_see_process(session, user, task.process)


def may_take(session: Session, user: User, task: Task) -> bool:
    """Whether a task may be given to this person."""
    if task.owner_permission is None:
        fit = may_see_process(session, user, task.process)
    else:
        fit = user.can(task.owner_permission, task.owner_permission_obj)
    return fit and user.is_active and not has_done_its_counterpart(session, user, task)


def may_finish(user: User, task: Task) -> bool:
    """Whether this person may finish a task. Its owner, who has seen it since; so nothing is asked of the database."""
    return task.owner_id == user.id and (
        task.owner_by_rule or user.can(task.owner_permission, task.owner_permission_obj)
    )


def demand_finish(session: Session, user: User | None, task: Task) -> None:
    """Refuse who may not finish a task. None is the system.

    Raises:
        PermissionDenied: it is another person's, they have lost the permission for it, or have done a step meanwhile
            after which `.NotSameAs` keeps them away.
    """
    if user is None:
        return
    if task.owner_id != user.id:
        owner = f"{task.owner.name} has" if task.owner is not None else "nobody has"
        raise PermissionDenied(f"Only the owner of a task may finish it; {owner} this one.")
    if not may_finish(user, task):
        raise PermissionDenied(
            f"You no longer hold the permission for this task ({task.owner_permission}). Nothing was finished: give "
            "the task back or assign it to someone else, or ask a manager of the flow for the permission."
        )
    if has_done_its_counterpart(session, user, task):
        raise PermissionDenied(
            "You have done a step of this process that must be done by someone else. Nothing was finished: give the "
            "task back or assign it to someone else."
        )


def has_done_its_counterpart(session: Session, user: User, task: Task, node: Any = None) -> bool:
    """Whether `.NotSameAs` keeps this person away from the task, or from another node with it. It binds everyone."""
    node = node or task.node
    names = [] if node is None else [reference.name for reference in node.not_same_as]
    if not names:
        return False
    session.flush()  # a task that has just been made gets its process's key
    query = select(Task.id).where(
        Task.process_id == task.process_id,
        Task.flow_task.in_(names),
        Task.status == "DONE",
        Task.owner_id == user.id,
    )
    return session.scalar(query.limit(1)) is not None


def visible_processes(user: User) -> Any:
    """A criterion for `select(Process)`."""
    if user.is_superuser:
        return true()
    labels = [label for label in registry if user.views(label)]
    mine = _own_processes(user)
    return or_(Process.flow_label.in_(labels), Process.id.in_(mine)) if labels else Process.id.in_(mine)


def _own_processes(user: User) -> Any:
    """What a person started or had a task of. Read from that person's rows, once: asked of each process in turn
    it would grow with everybody's."""
    started = aliased(Process)
    owned = aliased(Task)
    return union(
        select(started.id).where(started.created_by_id == user.id),
        select(owned.process_id).where(owned.owner_id == user.id),
        select(former_owner.c.process_id).where(former_owner.c.user_id == user.id),
    )


def takeable_tasks(user: User) -> Any:
    """A criterion for `select(Task).join(Task.process)`: what is free for this person."""
    human = sorted({n.kind for flow in registry.values() for n in flow.definition.nodes.values() if n.human})
    free = and_(
        Task.status == "NEW", Task.finished.is_(None), Task.flow_task_type.in_(human), ~Process.on_hold
    )
    counterparts = _counterparts(user)
    if counterparts is not None:
        free = and_(free, counterparts)
    if user.is_superuser:
        return free
    held = user.all_permissions
    either = [
        Task.owner_permission.in_([name for name in held if ":" not in name]),
        and_(Task.owner_permission.is_(None), visible_processes(user)),
    ]
    single = [name for name in held if ":" in name]
    if single:
        either.append((Task.owner_permission + ":" + Task.owner_permission_obj).in_(single))
    return and_(free, or_(*either))


def _counterparts(user: User) -> Any:
    """Leaves out what `.NotSameAs` keeps this person away from; None where no flow says so."""
    clauses = []
    for label, flow_class in registry.items():
        for node in flow_class.definition.nodes.values():
            names = [reference.name for reference in node.not_same_as]
            if names:
                other = aliased(Task)
                done = exists().where(
                    other.process_id == Task.process_id,
                    other.flow_task.in_(names),
                    other.status == "DONE",
                    other.owner_id == user.id,
                )
                clauses.append(~and_(Process.flow_label == label, Task.flow_task == node.name, done))
    return and_(*clauses) if clauses else None
