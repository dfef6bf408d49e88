"""What a line of a list shows: tuples of the database, no objects of the session.

A row has the attributes by which pages and summaries know a task or a process. Where a flow's summary asks for more
than a row has, the whole object stands in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session, aliased, contains_eager, joinedload, selectin_polymorphic

from portal import summaries
from portal.flow import registry
from portal.models import Process, Task, User

from . import shown
from .loading import load_pointers, tables_of_heirs

CREATOR, OWNER = aliased(User), aliased(User)


class Person(NamedTuple):
    """Somebody whose name is shown."""

    id: int
    username: str
    full_name: str

    @property
    def name(self) -> str:
        return self.full_name or self.username


class _Pointed:
    """Has an artifact and a seed, which `load_pointers` has read where a summary speaks of them."""

    artifact_type: str | None
    artifact_key: str | None
    seed_type: str | None
    seed_key: str | None

    @property
    def artifact(self) -> Any:
        return self.__dict__.get("_artifact")

    @property
    def seed(self) -> Any:
        return self.__dict__.get("_seed")


class ProcessRow(_Pointed):
    """A process as lists show it."""

    def __init__(self, row: Any) -> None:
        (
            self.id, self.flow_label, self.process_type, self.status, self.created, self.finished, self.on_hold,
            self.created_by_id, self.artifact_type, self.artifact_key, self.seed_type, self.seed_key, self._shown,
            username, full_name,
        ) = row  # fmt: skip
        creator = self.created_by_id
        self.created_by = None if creator is None else Person(creator, username, full_name)

    @cached_property
    def flow_class(self) -> Any:
        return registry.get(self.flow_label)

    @property
    def model(self) -> type[Process]:
        """Its class, whose fields a summary reads."""
        found: type[Process] = inspect(Process).polymorphic_map[self.process_type].class_
        return found


PROCESS_COLUMNS = (
    Process.id, Process.flow_label, Process.process_type, Process.status, Process.created, Process.finished,
    Process.on_hold, Process.created_by_id, Process.artifact_type, Process.artifact_key, Process.seed_type,
    Process.seed_key,
)  # fmt: skip


class TaskRow(_Pointed):
    """A task as lists show it."""

    def __init__(self, row: Any, process: Any) -> None:
        (
            self.id, self.number, self.process_id, self.flow_task, self.flow_task_type, self.status, self.priority,
            self.due, self.created, self.finished, self.owner_id, self.owner_permission, self.owner_permission_obj,
            self.artifact_type, self.artifact_key, self.seed_type, self.seed_key, username, full_name,
        ) = row  # fmt: skip
        self.process = process
        owner = self.owner_id
        self.owner = None if owner is None else Person(owner, username, full_name)

    @cached_property
    def node(self) -> Any:
        flow_class = self.process.flow_class
        if flow_class is None:
            return None
        return flow_class.definition.standing[self.flow_task, self.flow_task_type, self.status]

    @cached_property
    def title(self) -> str:
        flow_class = self.process.flow_class
        node = None if flow_class is None else flow_class.definition.nodes.get(self.flow_task)
        return str(node.title) if node is not None else self.flow_task.replace("_", " ").capitalize()


TASK_COLUMNS = (
    Task.id, Task.number, Task.process_id, Task.flow_task, Task.flow_task_type, Task.status, Task.priority, Task.due,
    Task.created, Task.finished, Task.owner_id, Task.owner_permission, Task.owner_permission_obj,
    Task.artifact_type, Task.artifact_key, Task.seed_type, Task.seed_key,
    OWNER.username, OWNER.full_name,
)  # fmt: skip
_P, _T = len(PROCESS_COLUMNS) + 3, len(TASK_COLUMNS)


def process_columns(session: Session) -> tuple[Any, ...]:
    """The columns of a `ProcessRow`."""
    document = shown.document_without(session, shown.hidden)
    return (*PROCESS_COLUMNS, document, CREATOR.username, CREATOR.full_name)


def process_rows(session: Session, found: Sequence[Any]) -> list[Any]:
    """The processes of these tuples, which begin with `process_columns`; objects of the session where needed."""
    rows: list[Any] = [ProcessRow(row[:_P]) for row in found]
    wanting = [row.id for row in rows if not summaries.is_shown_in_part(row.flow_class)]
    if wanting:
        whole = _whole_processes(session, wanting)
        rows = [whole.get(row.id, row) for row in rows]
    load_pointers(session, [], rows)
    return rows


def task_rows(session: Session, found: Sequence[Any]) -> list[Any]:
    """The tasks of these tuples, which begin with `process_columns` and `TASK_COLUMNS`."""
    processes: dict[int, ProcessRow] = {}
    rows: list[Any] = []
    for row in found:
        process = processes.get(row[0]) or processes.setdefault(row[0], ProcessRow(row[:_P]))
        rows.append(TaskRow(row[_P : _P + _T], process))
    wanting = [row.id for row in rows if _needs_object(row)]
    if wanting:
        whole = {task.id: task for task in whole_tasks(session, wanting)}
        rows = [whole.get(row.id, row) for row in rows]
    load_pointers(session, rows, list({row.process_id: row.process for row in rows}.values()))
    return rows


def _needs_object(row: TaskRow) -> bool:
    flow_class = row.process.flow_class
    return row.status == "REVIVED" or not (
        summaries.is_shown_in_part(flow_class) and summaries.knows_enough_of_tasks(flow_class)
    )


def whole_tasks(session: Session, ids: list[int]) -> list[Task]:
    """These tasks as objects, in the order of their ids."""
    if not ids:
        return []
    return list(session.scalars(with_processes().where(Task.id.in_(ids)).order_by(Task.id)).unique())


def with_processes() -> Any:
    """A query for tasks with their processes and the people in them, whose roles are of no interest."""
    process = contains_eager(Task.process)
    return (
        select(Task)
        .join(Task.process)
        .options(
            process.joinedload(Process.created_by).lazyload(User.roles),
            process.selectin_polymorphic(tables_of_heirs()),
            joinedload(Task.owner).lazyload(User.roles),
        )
    )


def _whole_processes(session: Session, ids: list[int]) -> dict[int, Process]:
    query = (
        select(Process)
        .where(Process.id.in_(ids))
        .options(
            joinedload(Process.created_by).lazyload(User.roles),
            selectin_polymorphic(Process, tables_of_heirs()),
        )
    )
    return {process.id: process for process in session.scalars(query).unique()}
