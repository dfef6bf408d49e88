"""The transaction of one action: locks the root of the process tree, commits, and calls what follows the commit."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session, joinedload

from portal.errors import PortalError, Uncertain, UnsavedChanges
from portal.flow.registry import registry
from portal.models import Process, Task, User
from portal.trace import current

from . import arrivals, audit, incidents, notifications, search_text, writes
from .context import ActionContext
from .moving_clock import clock as clock
from .retries import disturbance, give_up
from .savepoint import GuardedCall
from .statements import NOTHING, Found, reading

log = logging.getLogger("portal.engine")

#: called with nothing after a commit that left work for the clock
_wakers: list[Callable[[], None]] = []


def on_commit(waker: Callable[[], None]) -> Callable[[], None]:
    """Be told when there may be work that is due at once. What it returns ends that."""
    _wakers.append(waker)
    return lambda: _wakers.remove(waker)


def wake() -> None:
    """Tell those who want to be told that there may be work."""
    for each in list(_wakers):
        _tell_of_commit(each)


#: called after a commit with the changes of state by flow and action, and the seconds since the lock was asked for
_observers: list[Callable[[Mapping[tuple[str, str], int], float], None]] = []


def observe(observer: Callable[[Mapping[tuple[str, str], int], float], None]) -> None:
    """Be told of every action that was committed."""
    _observers.append(observer)


def _tell_of_commit(listener: Callable[[], None]) -> None:
    """Call somebody who listens; the action is committed, and does not fail any more."""
    try:
        listener()
    except Exception:
        log.exception("a listener failed behind a commit")


def key_of(target: Any, model: type) -> int:
    """The id of a model object, also of one whose attributes have expired; an id as it is.

    Raises:
        TypeError: it is something else, as an object of another model, whose id is that of another row here.
    """
    if isinstance(target, int) and not isinstance(target, bool):
        return target
    state = getattr(target, "_sa_instance_state", None)
    if state is None or not issubclass(state.class_, model):
        raise TypeError(f"a {model.__name__} or its id is needed, not {target!r}")
    if state.identity is None:
        raise LookupError(f"{target!r} is not stored yet")
    key: int = state.identity[0]
    return key


@contextmanager
def transaction(
    session: Session,
    user: User | int | None = None,
    *,
    process: Process | int | None = None,
    task: Task | int | None = None,
) -> Iterator[ActionContext]:
    """Lock the tree of a process (none for one that is about to be made), and commit at the end of the block.

    Raises:
        UnsavedChanges: the session holds changes that are not saved.
        LookupError: the process or the task is not there.
        PortalError: this runs inside an action on another process.
        TransientError: the database could not do it now; nothing was changed.
        Uncertain: the connection was lost during the commit.
    """
    outer: ActionContext | None = session.info.get("run")
    if outer is None:
        yield from _outermost(session, user, process, task)
    else:
        yield from _inside(outer, user, process, task)


@contextmanager
def task_action(
    session: Session, task_id: int, user: User | int | None = None
) -> Iterator[tuple[ActionContext, Task]]:
    """An action on one task, of the system unless somebody is named: a `transaction`, and the task as it is under the
    lock."""
    with transaction(session, user, task=task_id) as run:
        task = read_task(session, task_id)
        run.seen.add(task)
        yield run, task


def _outermost(session: Session, user: Any, process: Any, task: Any) -> Iterator[ActionContext]:
    before = registry.pin()
    try:
        run = yield from _committed(session, user, process, task)
    finally:
        registry.unpin(before)
    for follow_up in run.after_commit:
        _tell_of_commit(partial(follow_up, session))
    if run.work_for_clock:
        wake()


def _committed(
    session: Session, user: Any, process: Any, task: Any
) -> Generator[ActionContext, None, ActionContext]:
    if session.has_unsaved:  # type: ignore[attr-defined]
        raise UnsavedChanges
    given = ((process, Process), (task, Task), (user, User))
    keys = [None if each is None else key_of(each, model) for each, model in given]
    following, rows = None, None
    began = time.perf_counter()
    committing = False
    try:
        connection = writes.begin(session)  # everything is read again under the lock
        found = _lock(session, connection, *keys)
        if found.task is not None and found.task.trace and not current.get():
            following = current.set(found.task.trace)  # a worker goes on with what a request began
        run = ActionContext(session, found.actor, clock.get()(), set())
        run.hold(found)
        rows = run.rows
        rows.complete = partial(search_text.keep_new, run)
        session.info |= {"run": run, "rows": rows}
        yield run
        search_text.keep(run)
        rows.complete = None  # it is done; and it holds the action, which would live until it is collected
        rows.last = not (run.pulled or run.failures)
        session.flush()
        _tell(run)
        if run.pulled:
            audit.append(session, audit.of_levers(run.pulled, run.rows.changes), run.now)
        failed = [told for each in run.failures if (told := each.told()) is not None]
        session.info |= {"run": None, "rows": None}
        run.let_go()
        committing = True
        session.commit()
        run.seen.keep_keys()
    except BaseException as error:
        session.info |= {"run": None, "rows": None}
        if rows is not None:
            rows.leave()
        give_up(session)
        if committing and getattr(error, "connection_invalidated", False):
            raise Uncertain from error
        disturbed = disturbance(error)
        if disturbed is None or disturbed is error:
            raise
        raise disturbed from error
    else:
        seconds = time.perf_counter() - began
        for observer in _observers:
            _tell_of_commit(partial(observer, run.counts, seconds))
        for each in failed:
            _tell_of_commit(each.log)
    finally:
        if following is not None:
            current.reset(following)
    return run


def _tell(run: ActionContext) -> None:
    """Write what the action leaves to people: what has failed, and what they and other programs are told of it."""
    incidents.write(run)
    of_task, of_process = notifications.TASK_NEWS, notifications.PROCESS_NEWS
    # a migration is no news: it moves tasks to other nodes, and their owners have them already
    last = {
        change.task or change.process: change
        for change in run.rows.changes
        if change.to in (of_process if change.task is None else of_task) and change.action != "migrate"
    }
    news = [
        notifications.News.of(change, run)
        for change in last.values()
        if change.is_so and not notifications.is_untold(change, run)
    ]
    written = notifications.write(run.session, run.now, news) if news else 0
    if written + arrivals.write(run):
        run.work_for_clock = True


def _inside(outer: ActionContext, user: Any, process: Any, task: Any) -> Iterator[ActionContext]:
    """Join the transaction that is under way: a new process always may, another one if it is of the same tree.

    What fails is taken back alone, so that the code around it may catch the error and go on.
    """
    session = outer.session
    if process is not None or task is not None:
        _demand_held(outer, process, task)
    session.flush()
    actor = None if user is None else session.get_one(User, key_of(user, User))
    inner = ActionContext(session, actor, outer.now, outer.roots, outer)
    try:
        with GuardedCall(session):
            session.info["run"] = inner
            try:
                yield inner
                session.flush()
            finally:
                session.info["run"] = outer
    except BaseException:
        outer.forget()
        raise
    outer.work_for_clock |= inner.work_for_clock
    outer.after_commit |= inner.after_commit


def _demand_held(run: ActionContext, process: Any, task: Any) -> None:
    """Refuse what this transaction has not locked: others may be at work on it.

    Raises:
        PortalError: it belongs to another tree.
    """
    if task is not None:
        process = (task if isinstance(task, Task) else run.session.get_one(Task, key_of(task, Task))).process
    elif not isinstance(process, Process):
        process = run.session.get_one(Process, key_of(process, Process))
    if process not in run.seen.made and (process.root_id or process.id) not in run.roots:
        raise PortalError("An action on one process cannot act on another: start a new one, or use a job.")


def _lock(
    session: Session, connection: Connection, process_id: int | None, task_id: int | None, user_id: int | None
) -> Found:
    """Lock the root first, always, so that parent and child cannot deadlock; read who acts on the way."""
    if task_id is not None:
        return reading.lock_task(session, connection, task_id, user_id)
    if process_id is not None:
        return reading.lock_process(session, connection, process_id, user_id)
    return NOTHING if user_id is None else Found(actor=reading.read_user(session, connection, user_id))


def read_task(session: Session, task: Task | int) -> Task:
    """The task and its process as they are under the lock."""
    key, found = key_of(task, Task), _found(session)
    if found.task is not None and found.process is not None and found.task.id == key:
        return found.task
    query = select(Task).where(Task.id == key).options(joinedload(Task.process))
    read = session.scalars(query.execution_options(populate_existing=True)).unique().first()
    if read is None:
        raise LookupError("there is no such task")
    return read


def read_process(session: Session, process: Process | int) -> Process:
    """The process as it is under the lock."""
    key, found = key_of(process, Process), _found(session)
    if found.task is None and found.process is not None and found.process.id == key:
        return found.process
    query = select(Process).where(Process.id == key).execution_options(populate_existing=True)
    read = session.scalars(query).unique().first()
    if read is None:
        raise LookupError("there is no such process")
    return read


def _found(session: Session) -> Found:
    """What the action that is under way has read with its lock."""
    run: ActionContext | None = session.info.get("run")
    return NOTHING if run is None else run.found
