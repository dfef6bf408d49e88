"""Who may see, take, finish and manage tasks and processes. The same as criteria of queries is in `criteria`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect, bindparam, exists, literal, or_, select, union
from sqlalchemy.orm import Session

from portal.errors import PermissionDenied
from portal.language import gettext as _
from portal.models import BigId, Process, Task, User, former_owner

from . import absences
from .statements import driver

_T = Task.__table__.c


def manages(user: User | None, process: Process) -> bool:
    """Whether this person may do a manager's actions. None is the system."""
    return user is None or user.manages(process.flow_label)


def demand_manager(user: User | None, process: Process, action: object) -> None:
    demand_manager_of(process.flow_label, user, action)


def demand_manager_of(label: str, user: User | None, action: object = None) -> None:
    """Refuse who does not manage the flow of this label. None is the system.

    Args:
        action: what only managers may do, in words.

    Raises:
        PermissionDenied
    """
    if user is not None and not user.manages(label):
        words = str(action) if action is not None else _("do this")
        raise PermissionDenied(
            _(
                "only a manager of the flow (permission %(permission)s) may %(action)s",
                permission=f"{label}.manage",
                action=words,
            )
        )


def demand_requester(user: User | None, process: Process, action: object) -> None:
    if user is not None and process.created_by_id != user.id and not user.is_superuser:
        raise PermissionDenied(_("only who started it may %(action)s", action=str(action)))


def demand_owner_or_manager(user: User | None, task: Task, action: object) -> None:
    if user is not None and not owns(user, task) and not manages(user, task.process):
        raise PermissionDenied(
            _("only the owner or a manager of the flow may %(action)s", action=str(action))
        )


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


def demand_take(session: Session, user: User | None, task: Task) -> None:
    """Refuse who may not take a task. None is the system, and a manager of the flow may take each.

    Raises:
        PermissionDenied
    """
    if user is not None and not manages(user, task.process) and not may_take(session, user, task):
        raise PermissionDenied(_("You may not take this task."))


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


@lru_cache(maxsize=500)
def _done_by(dialect: Dialect, names: tuple[str, ...]) -> driver.Query:
    """Who has done these steps of a process; asked whether one person has, SQLite would read all that they ever did."""
    done = (_T.process_id == bindparam("process", type_=BigId), _T.flow_task.in_(names), _T.status == "DONE")
    return driver.Query(dialect, select(_T.owner_id).where(*done).distinct())


def has_done_its_counterpart(session: Session, user: User | int, task: Task, node: Any = None) -> bool:
    """Whether `.NotSameAs` keeps this person away from the task, or from another node with it. It binds everyone.

    Args:
        user: a person, or their id.
    """
    node = node or task.node
    if node is None or not node.not_same_as:
        return False
    names = tuple(reference.name for reference in node.not_same_as)
    session.flush()  # a task that has just been made gets its process's key
    key, connection = user if isinstance(user, int) else user.id, session.connection()
    found = _done_by(connection.dialect, names).rows(connection, {"process": task.process_id})
    return any(owner_id == key for (owner_id,) in found)
