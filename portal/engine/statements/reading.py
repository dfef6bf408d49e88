"""Locks a tree of processes and reads what an action needs first: the task, its process, who acts.

SQLite has locked the whole database with BEGIN IMMEDIATE, and answers all of it in one statement. On PostgreSQL the
root is locked in a first one, with who acts: what a statement has waited for it reads again, and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, bindparam, exists, func, inspect, literal_column, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from portal.models import BigId, Process, Role, Task, User
from portal.models.user import user_role

from . import driver
from .placing import columns, is_plain, keys, mapper_of, part, place

_T, _P, _R = Task.__table__, Process.__table__, Role.__table__
_NOBODY: Any = literal_column("0")
_TASKS, _USERS, _ROLES = inspect(Task), inspect(User), inspect(Role)
_ROOT, _OTHER = _P.alias("root"), _T.alias("other")
_ACTOR, _CREATOR, _OWNER = (User.__table__.alias(name) for name in ("actor", "creator", "owner"))
_USER, _TARGET = bindparam("user", type_=BigId), bindparam("target", type_=BigId)
#: the columns behind those of tables: whether other tasks are open, and the top of the tree
_OTHERS = exists().where(
    # a bound of the index's second column, which all names are above: see `seen.among_open`
    _OTHER.c.process_id == _P.c.id,
    _OTHER.c.finished.is_(None),
    _OTHER.c.flow_task > literal_column("''"),
    _OTHER.c.id != _T.c.id,
)


@dataclass(frozen=True, slots=True)
class Found:
    """What there is under the lock.

    Attributes:
        root_id: the top of the tree that is locked.
        actor: who acts; None is the system.
        task: the task, if one was asked for.
        process: its process, or the one that was asked for. None where a part of it is in a table of its own.
        alone: whether no other task of the process is open.
    """

    root_id: int | None = None
    actor: User | None = None
    task: Task | None = None
    process: Process | None = None
    alone: bool = False


#: what there is where nothing was asked for
NOTHING = Found()


def lock_task(session: Session, connection: Connection, task_id: int, user_id: int | None) -> Found:
    """Lock the root of a task's tree, and read the task.

    Raises:
        LookupError: there is no such task, or no such person.
    """
    return _lock(session, connection, Task, task_id, user_id)


def lock_process(session: Session, connection: Connection, process_id: int, user_id: int | None) -> Found:
    """Lock the root of a process's tree, and read the process.

    Raises:
        LookupError: there is no such process, or no such person.
    """
    return _lock(session, connection, Process, process_id, user_id)


def lock_tasks(session: Session, connection: Connection, task_ids: Sequence[int]) -> list[Found]:
    """Lock the roots of the trees of several tasks, in one order, and read the first task of each tree.

    Args:
        task_ids: in the order in which they come; those in whose tree somebody is at work are left out.
    """
    queries, wanted = _queries_of_several(), list(task_ids)
    if connection.dialect.name != "sqlite":
        wanted = list(connection.execute(queries["lock"], {"targets": wanted}).scalars())
    rows = {row[0]: row for row in connection.execute(queries["read"], {"targets": wanted})}
    found: dict[int, Found] = {}
    for row in (rows[key] for key in task_ids if key in rows):
        root_id = row[1]
        if root_id not in found:
            found[root_id] = _place_one(session, row)
    return list(found.values())


def read_user(session: Session, connection: Connection, user_id: int) -> User:
    """A person and their roles.

    Raises:
        LookupError: there is no such person.
    """
    rows = _query_of_user(connection.dialect).rows(connection, {"user": user_id})
    return _actor(session, connection.dialect, rows, 0)


def _lock(session: Session, connection: Connection, model: Any, target: int, user_id: int | None) -> Found:
    dialect, actor = connection.dialect, None
    values = {"target": target, "user": user_id}

    def rows_of(name: str) -> list[Any]:
        return _query(dialect, model, name).rows(connection, values)

    if dialect.name == "sqlite":
        rows = rows_of("all" if user_id is not None else "anybody")
    else:
        rows = rows_of("lock" if user_id is not None else "lock alone")
        if rows and user_id is not None:
            actor = _actor(session, dialect, rows, 1)
        if rows:
            rows = rows_of("anybody")
    if not rows:
        raise LookupError(f"there is no such {model.__name__.lower()}")
    if user_id is not None and actor is None:
        actor = _actor(session, dialect, rows, _width(model))
    return _place(session, dialect, model, rows[0], actor)


def _place(session: Session, dialect: Dialect, model: Any, row: Any, actor: User | None) -> Found:
    """Put what was read into the session."""
    at = len(keys(Process))
    values = part(dialect, row, 0, Process)
    people = {} if actor is None else {actor.id: actor}
    for _ in range(_people(model)):
        if row[at] is not None:
            people[row[at]] = place(session, _USERS, part(dialect, row, at, User))
        at += len(keys(User))
    mapper, process, task = mapper_of(values), None, None
    if is_plain(mapper):
        process = place(session, mapper, values | _related("created_by", values["created_by_id"], people))
    if model is Task:
        of_task = part(dialect, row, at, Task)
        of_task |= _related("owner", of_task["owner_id"], people)
        if process is not None:
            of_task["process"] = process
        task = place(session, _TASKS, of_task)
    alone = model is Task and not row[at + len(keys(Task))]
    return Found(values["root_id"] or values["id"], actor, task, process, alone)


def _place_one(session: Session, row: Any) -> Found:
    """Put one of several tasks into the session, with its process where that is a plain row."""
    _key, root_id, others, *rest = row
    values = dict(zip(keys(Process), rest, strict=False))
    of_task = dict(zip(keys(Task), rest[len(keys(Process)) :], strict=True))
    process, mapper = None, mapper_of(values)
    if is_plain(mapper):
        process = of_task["process"] = place(session, mapper, values)
    task: Task = place(session, _TASKS, of_task)
    return Found(root_id, None, task, process, not others)


def _related(name: str, key: int | None, people: dict[int, User]) -> dict[str, User | None]:
    """What an object holds of a person that it is related to, where that is known."""
    return {name: None if key is None else people[key]} if key is None or key in people else {}


def _actor(session: Session, dialect: Dialect, rows: Sequence[Any], at: int) -> User:
    if not rows or rows[0][at] is None:
        raise LookupError("there is no such user")
    actor: User = place(session, _USERS, part(dialect, rows[0], at, User))
    at += len(keys(User))
    held = [place(session, _ROLES, part(dialect, row, at, Role)) for row in rows if row[at] is not None]
    set_committed_value(actor, "roles", held)
    return actor


def _people(model: Any) -> int:
    """How many people are read beside who acts: who has started the process, and who has the task."""
    return 2 if model is Task else 1


def _width(model: Any) -> int:
    """How many columns there are ahead of those of who acts."""
    own = len(keys(Task)) + 1 if model is Task else 0
    return len(keys(Process)) + _people(model) * len(keys(User)) + own


@lru_cache(maxsize=64)
def _query(dialect: Dialect, model: Any, name: str) -> driver.Query:
    return driver.Query(dialect, _queries(model)[name])


def _queries(model: Any) -> dict[str, Any]:
    """The statements that begin an action on a task, or on a process."""
    of_task = model is Task
    read = [*columns(Process), *columns(User, _CREATOR)]
    source: Any = _P.join(_T, _T.c.process_id == _P.c.id) if of_task else _P
    other = func.coalesce(_USER, _NOBODY)
    source = source.outerjoin(_CREATOR, (_CREATOR.c.id == _P.c.created_by_id) & (_CREATOR.c.id != other))
    if of_task:
        met = (_OWNER.c.id == _T.c.owner_id) & (_OWNER.c.id != other)
        source = source.outerjoin(_OWNER, met & (_OWNER.c.id != func.coalesce(_P.c.created_by_id, _NOBODY)))
        read += [*columns(User, _OWNER), *columns(Task), _OTHERS]
    target = (_T if of_task else _P).c.id == _TARGET
    actor = [*columns(User, _ACTOR), *columns(Role)]
    root = select(func.coalesce(_P.c.root_id, _P.c.id)).where(target)
    if of_task:
        root = root.join_from(_P, _T, _T.c.process_id == _P.c.id)
    lock = _ROOT.c.id == root.scalar_subquery()
    return {
        "all": select(*read, *actor).select_from(_with_actor(source)).where(target),
        "anybody": select(*read).select_from(source).where(target),
        "lock": select(_ROOT.c.id, *actor)
        .select_from(_with_actor(_ROOT))
        .where(lock)
        .with_for_update(of=_ROOT),
        "lock alone": select(_ROOT.c.id).where(lock).with_for_update(of=_ROOT),
    }


@cache
def _queries_of_several() -> dict[str, Any]:
    """The statements that begin actions of the system on several tasks."""
    root = func.coalesce(_P.c.root_id, _P.c.id)
    wanted = _T.c.id.in_(bindparam("targets", expanding=True, type_=BigId))
    of_task = _P.join(_T, _T.c.process_id == _P.c.id)
    read = select(_T.c.id, root, _OTHERS, *columns(Process), *columns(Task))
    return {
        "read": read.select_from(of_task).where(wanted),
        "lock": select(_T.c.id)
        .select_from(of_task.join(_ROOT, _ROOT.c.id == root))
        .where(wanted)
        .order_by(_ROOT.c.id)
        .with_for_update(of=_ROOT, skip_locked=True),
    }


@lru_cache(maxsize=16)
def _query_of_user(dialect: Dialect) -> driver.Query:
    read = select(*columns(User, _ACTOR), *columns(Role)).select_from(_with_roles(_ACTOR))
    return driver.Query(dialect, read.where(_ACTOR.c.id == _USER))


def _with_actor(source: Any) -> Any:
    return _with_roles(source.outerjoin(_ACTOR, _ACTOR.c.id == _USER))


def _with_roles(source: Any) -> Any:
    held = source.outerjoin(user_role, user_role.c.user_id == _ACTOR.c.id)
    return held.outerjoin(_R, _R.c.id == user_role.c.role_id)
