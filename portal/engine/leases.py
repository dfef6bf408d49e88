"""How several workers share one queue: each claims rows for a limited time, and retries what failed after a wait.

A tree in which somebody is at work is passed over: a machine that freezes within an action keeps its lock, and whoever
waited for it would let everything else wait.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import and_, func, select, tuple_, update
from sqlalchemy.orm import Session, aliased

from portal.flow.registry import registry
from portal.models import Process, Task

from . import writes

#: how long a dispatcher has to do what it has claimed; then it comes up again
LEASE = dt.timedelta(seconds=15)
#: how often what fails for no fault of the flow is tried before it becomes an incident: for about a quarter of an hour
TRIES = 10
#: the wait after the first of these failures; it doubles with each
FIRST_WAIT = dt.timedelta(seconds=1)
LONGEST_WAIT = dt.timedelta(minutes=10)

_root = aliased(Process, name="root", flat=True)


def root_of(task: Any) -> Any:
    """In SQL, what an action on a task locks: the root of the tree of its process."""
    found = select(func.coalesce(Process.root_id, Process.id)).where(Process.id == task.process_id)
    return found.correlate(task).scalar_subquery()


def wait_after(
    failures: int, first: dt.timedelta = FIRST_WAIT, longest: dt.timedelta = LONGEST_WAIT
) -> dt.timedelta:
    """The wait after so many failures, varied by a fifth so that those who failed together do not retry together.

    Args:
        failures: from 1.
        first: the wait after the first failure; it doubles with each.
        longest: no wait is longer.
    """
    wait: dt.timedelta = min(first * 2 ** min(failures - 1, 20), longest)
    return wait * random.uniform(0.8, 1.2)


def known_tasks(has: Callable[[Any], bool]) -> Any:
    """The tasks of those nodes that the code here has: a worker with other flows, or of another version, leaves the
    rest to others.

    Args:
        has: whether a node is one of those that are looked for.
    """
    nodes = (node for flow in registry.values() for node in flow.definition.nodes.values())
    names = [(node.flow_class.definition.label, node.name, node.kind) for node in nodes if has(node)]
    return tuple_(Process.flow_label, Task.flow_task, Task.flow_task_type).in_(names)


def holds(*conditions: Any) -> Any:
    """Conditions on a task and its process, asked of one task after the other in the order of the query.

    Beside each other, a database that knows little of its tables would rather answer one of these by an index, and read
    all tasks in a state, or all processes of a flow, instead of the few whose moment has come.
    """
    asked = select(and_(*conditions)).where(Process.id == Task.process_id)
    return asked.correlate(Task).scalar_subquery()


def batch(session: Session, query: Any, *of: Any, acts: bool = True) -> list[Any]:
    """Read and lock rows that nobody else holds. The caller marks them as taken and commits.

    Asked without a lock first: mostly there is nothing. Where there is nothing no transaction is left open.

    Args:
        query: the free rows, with an order and a limit.
        of: the models whose rows are locked.
        acts: actions on them follow, so that the roots of the trees of their `Task` are locked too.
    """
    session.rollback()
    if session.execute(query.limit(1)).first() is None:
        session.rollback()
        return []
    # Rows that another worker is about to take are passed over; SQLite lets one worker write at a time.
    writes.begin(session)
    if session.get_bind().dialect.name != "sqlite":
        if acts:
            query = query.join(_root, _root.id == root_of(Task))
            of = (*of, _root)
        query = query.with_for_update(of=of, skip_locked=True)
    found = list(session.execute(query))
    if not found:
        session.rollback()
    return found


def mark(session: Session, model: Any, rows: Iterable[Any], **values: Any) -> None:
    """Mark rows of a `batch` as taken, and commit.

    Args:
        rows: with their `id`.
        values: as a rule the moment at which they come up again if nothing is heard of them.
    """
    taken = update(model).where(model.id.in_([row.id for row in rows])).values(**values)
    session.execute(taken.execution_options(synchronize_session=False))
    session.commit()


def at_rest(session: Session, task_ids: Iterable[int]) -> list[int]:
    """The tasks among these in whose tree nobody works now, in the same order."""
    wanted = list(task_ids)
    query = select(Task.id).where(Task.id.in_(wanted))
    found = {row.id for row in batch(session, query)} if wanted else set()
    session.rollback()
    return [task_id for task_id in wanted if task_id in found]
