"""A job at work: what it sees of its process, outside of every lock, and what it has written."""

from __future__ import annotations

import copy
import datetime as dt
from typing import Any

from sqlalchemy import bindparam, inspect, select, update
from sqlalchemy.orm import Session, joinedload

from portal import jsonstore
from portal.errors import PortalError
from portal.flow.activation import Activation
from portal.models import Process, Task

from .. import writes
from ..snapshot import CONSTANT
from ..transaction import clock

#: how long a claim holds without a word from its worker
LEASE = dt.timedelta(minutes=1)

_WITH_PROCESS = select(Task).where(Task.id == bindparam("key")).options(joinedload(Task.process))


class JobActions:
    """A job at work: it sees its process as it was at the start, and tells its progress."""

    def __init__(self, session: Session, task: Task) -> None:
        self.session = session
        self.attempt = task.attempt
        self.task = task
        #: the columns of the process and the data of the task, as they were when the job began
        self.before = _state(task.process)
        self.task_before = copy.deepcopy(dict(task.data))

    def progress(self, activation: Activation, done: float, total: float | None, message: str) -> None:
        """Written past the lock: one row, and only while this attempt is the one that counts."""
        value = {"done": done, "total": total, "message": str(message)[:500]}
        statement = update(Task).where(
            Task.id == self.task.id, Task.attempt == self.attempt, Task.status == "STARTED"
        )
        with Session(bind=self.session.get_bind()) as own:
            writes.execute(own, statement.values(progress=value, lease=clock.get()() + LEASE))

    def refresh(self, activation: Activation) -> None:
        """Read the process again; what the job has assigned so far is kept, and written when it is done."""
        mine, of_task = assigned(activation), jsonstore.changes(self.task_before, activation.task.data)
        self.session.refresh(activation.process)
        self.session.refresh(activation.task, ["data"])
        self.before, self.task_before = _state(activation.process), copy.deepcopy(dict(activation.task.data))
        self.session.commit()  # there is nothing to write now: it ends the read
        write(mine, activation.process)
        jsonstore.apply(of_task, activation.task.data)

    def owner_of(self, activation: Activation, node: str) -> Any:
        done = [task for task in activation.process.tasks if task.flow_task == node and task.status == "DONE"]
        return done[-1].owner if done else None


class PrivateSession(Session):
    """Where a job reads. Nothing is ever written through it."""

    def flush(self, objects: Any = None) -> None:
        """Refuse what is new: it would hold the database until the job is done, and be gone then."""
        if new := list(self.new):
            self.expunge(new[0])
            name = type(new[0]).__name__
            raise PortalError(
                f"a job points at a {name} that is not stored: db.session.add() it and db.session.commit() first"
            )
        super().flush(objects)

    def get_bind(self, *args: Any, **kwargs: Any) -> Any:
        """The database of a model is where the session that everyone uses finds it."""
        shared = self.info.get("of")
        return super().get_bind(*args, **kwargs) if shared is None else shared.get_bind(*args, **kwargs)


def begin(own: Session, task_id: int) -> Activation | None:
    """The activation of a claimed job, with its process as it is now."""
    task = own.scalars(_WITH_PROCESS, {"key": task_id}).unique().first()
    if task is None or task.node is None:
        return None
    job: Any = JobActions(own, task)
    activation = Activation(job, task.process, task, task.node, None, clock.get()())
    own.commit()
    return activation


def _job(activation: Activation) -> JobActions:
    job: Any = activation._work
    return job  # type: ignore[no-any-return]


def before_work(activation: Activation) -> dict[str, Any]:
    """The data of the task as they were when the job began."""
    return _job(activation).task_before


def _state(process: Process) -> dict[str, Any]:
    mapper: Any = inspect(process).mapper
    columns = {a.key: getattr(process, a.key) for a in mapper.column_attrs}
    return {key: value if type(value) in CONSTANT else copy.deepcopy(value) for key, value in columns.items()}


def assigned(activation: Activation) -> dict[str, Any]:
    """What a job has written: columns, and writes inside the JSON document."""
    before, process = _job(activation).before, activation.process
    state = inspect(process)
    columns = {}
    for attribute in state.mapper.column_attrs:
        key = attribute.key
        touched = key != "data" and (
            (key in state.committed_state and state.attrs[key].history.has_changes())
            or getattr(process, key) != before[key]
        )
        if touched:
            columns[key] = getattr(process, key)
    return {
        "columns": columns,
        "data": jsonstore.changes(before["data"], process.data),
        "held": {
            name: process.__dict__[f"_{name}"]
            for name in ("artifact", "seed")
            if f"_{name}" in process.__dict__
        },
    }


def write(mine: dict[str, Any], process: Process) -> None:
    for key, value in mine["columns"].items():
        setattr(process, key, value)
    jsonstore.apply(mine["data"], process.data)
