"""Where the token of an open task can be: the nodes to which a manager may move it, or why one is none of them.

A token is a path of branches, and a node has a place among splits and joins. A token stays on the way of its branch:
it is on no branch of another split, and behind no join before that has taken all of its branches.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import object_session

from portal.flow import graph
from portal.flow.base import Node
from portal.language import gettext as _
from portal.models import Task

from .interpreter import token

#: how many tasks are looked at on the way back to an event that began a path beside its host
_FAR = 1000


class Way(NamedTuple):
    """The way that a token is on.

    Attributes:
        heads: where it begins: the first node of its branch, or the starts of the process.
        nodes: the names of the nodes on it.
        meeting: the joins at its end.
        split: the split whose branch it is; None outside of all.
    """

    heads: tuple[Node, ...]
    nodes: frozenset[str]
    meeting: frozenset[str]
    split: Node | None


def move_targets(task: Task) -> list[Node]:
    """The nodes to which an open task can be moved, in the order of their declaration."""
    flow_class: Any = task.process.flow_class
    if flow_class is None or why_fixed(task) is not None:
        return []
    way = way_of(task)
    return [node for node in flow_class.definition.nodes.values() if misplaced(way, node) is None]


def why_fixed(task: Task) -> str | None:
    """Why a task cannot be moved at all, in words; None if it can."""
    awaits = task.awaits or ""
    if task.is_boundary_event:
        return _("it is an event on a task; move the task that it sits on")
    if awaits.startswith("compensates:"):
        return _("it takes back what has been done")
    if _exists(task, Task.awaits == f"compensates:{task.number}", Task.finished.is_(None)):
        return _("it is taking back what has been done")
    node = task.node
    if (
        node is not None
        and node.merges
        and awaits.startswith(f"{token.ROOT}/")
        and _others_come(task, awaits)
    ):
        return _("other branches are still on their way to it")
    if race := _open_race(task):
        return _("the race «%(race)s» is not decided yet", race=race.title)
    return None


def way_of(task: Task) -> Way:
    """The way that the token of a task is on."""
    process = task.process
    flow_class: Any = process.flow_class
    nodes = flow_class.definition.nodes
    numbers = token.splits(task.token)
    split, heads = None, tuple(flow_class.definition.starts)
    if numbers:
        first = _first(task, Task.token == task.token)
        above = _first(task, Task.number == numbers[-1])
        split = None if above is None else nodes.get(above.flow_task)
        head = None if first is None else nodes.get(first.flow_task)
        heads = () if head is None else (head,)
    else:
        first = _first(task, Task.number == 1)
        if first is not None and first.flow_task in nodes:
            heads = (nodes[first.flow_task],)
    if beside := _event_behind(task):
        heads = (nodes[beside.flow_task],) if beside.flow_task in nodes else ()
    closing = flow_class.definition.joins.get(split.name, frozenset()) if split is not None else frozenset()
    levels = [graph.level(head, closing) for head in heads]
    on_way = frozenset().union(*(names for names, _ in levels))
    return Way(heads, on_way, frozenset().union(*(joins for _, joins in levels)), split)


def misplaced(way: Way, node: Node) -> str | None:
    """Why a token on this way cannot be at a node, in words; None if it can."""
    if node.starts:
        return _("«%(to)s» starts a process", to=node.title)
    if node.host is not None:
        return _("«%(to)s» is an event on «%(host)s»", to=node.title, host=node.host.title)
    if node.name in way.nodes or node.name in way.meeting:
        return None
    nodes, reach = node.flow_class.definition.nodes, node.flow_class.definition.reach
    if way.split is not None:
        for edge in way.split.outgoing:
            if edge.target not in way.heads and node.name in graph.level(edge.target)[0]:
                return _("«%(to)s» is on another branch of «%(split)s»", to=node.title, split=way.split.title)
    for split in (nodes[name] for name in sorted(way.nodes) if nodes[name].splits):
        joins = node.flow_class.definition.joins[split.name]
        if node.name in joins:
            return _(
                "the branches of «%(split)s» meet in «%(to)s», and it is on none of them",
                split=split.title,
                to=node.title,
            )
        if any(node.name in graph.level(edge.target)[0] for edge in split.outgoing):
            return _(
                "«%(to)s» is on a branch of «%(split)s», which it has not passed",
                to=node.title,
                split=split.title,
            )
    for join in sorted(way.meeting):
        if node.name in reach[join]:
            return _(
                "«%(to)s» is behind the join «%(join)s», which takes all of its branches together",
                to=node.title,
                join=nodes[join].title,
            )
    return _("no way leads to «%(to)s» from where it is", to=node.title)


# -- reading -----------------------------------------------------------------------------------------------------


def _select(task: Task, *criteria: Any, limit: int | None = None) -> Any:
    session = object_session(task.process)
    assert session is not None
    session.flush()
    query = select(Task).where(Task.process_id == task.process_id, *criteria).order_by(Task.number)
    return session.scalars(query.limit(limit)).unique()


def _first(task: Task, *criteria: Any) -> Task | None:
    return next(iter(_select(task, *criteria, limit=1)), None)


def _exists(task: Task, *criteria: Any) -> bool:
    return _first(task, *criteria) is not None


def _others_come(join: Task, scope: str) -> bool:
    """Whether an open task is on a branch of the split whose branches a join takes, from which it can be reached."""
    flow_class: Any = join.process.flow_class
    cannot = flow_class.definition.cut_off.get(join.flow_task, frozenset())
    branches = Task.token.startswith(f"{scope}_", autoescape=True) | Task.token.startswith(token.LONG)
    return any(
        other is not join and other.flow_task not in cannot and not other.is_boundary_event
        for other in _select(join, Task.finished.is_(None), branches)
    )


def _open_race(task: Task) -> Task | None:
    """The race that a token runs in, while no branch of it has won."""
    numbers = token.splits(task.token)
    flow_class: Any = task.process.flow_class
    racing = [node.name for node in flow_class.definition.nodes.values() if node.races] if flow_class else []
    if not numbers or not racing:
        return None
    return _first(task, Task.number.in_(numbers), Task.flow_task.in_(racing), Task.status == "STARTED")


def _event_behind(task: Task) -> Task | None:
    """The event that began the path of a task beside its host, which has gone on with the same token."""
    fired = Task.token == task.token, Task.flow_task_type.like("%Boundary"), Task.status == "DONE"
    if not _exists(task, *fired):
        return None
    behind, seen = [task], {task}
    while behind and len(seen) < _FAR:
        at = behind.pop()
        if at.is_boundary_event and at.node is not None and not at.node.interrupting:
            return at
        for before in _before(at):
            if before not in seen and before.token == task.token:
                seen.add(before)
                behind.append(before)
    return None


def _before(task: Task) -> list[Task]:
    """The nodes from which a token came; for a join, those before the split whose branches it has merged."""
    awaits = task.awaits or ""
    if awaits.startswith(f"{token.ROOT}/"):
        return list(_select(task, Task.number == token.split_of(awaits)))
    return list(task.previous)
