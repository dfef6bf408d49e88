"""Shows the insides of a process to developers, where the application is debugged (`portal run --debug`).

Statements are kept without their values, in memory, of the latest actions in this process of the operating system.
"""

from __future__ import annotations

import dataclasses
import time
from collections import OrderedDict
from collections.abc import Iterable
from functools import partial
from typing import Any

from flask import Blueprint, Flask, current_app, has_request_context, request, url_for
from flask.sansio.scaffold import Scaffold
from sqlalchemy import event
from sqlalchemy.engine import Engine

from portal import queries, trace
from portal.engine.permissions import demand_manager_of
from portal.language import gettext as _
from portal.models import Process, Task, db
from portal.queries import Waiting

from .accounts.sign_in import require_login
from .layout import me
from .lookups import process_or_refuse
from .rendering import render_template

blueprint = Blueprint("debugging", __name__)
blueprint.before_request(require_login)

#: how many actions are kept, and how many statements of each
ACTIONS, STATEMENTS = 200, 500


@dataclasses.dataclass
class Statement:
    """A statement that was sent to the database, or the begin or end of a transaction."""

    text: str
    #: in milliseconds; None for what is no statement
    took: float | None = None
    rows: int = 0


@dataclasses.dataclass
class Action:
    """What was done under one trace: a request that changes something, and the work of workers that followed it."""

    trace: str
    what: str
    statements: list[Statement] = dataclasses.field(default_factory=list)
    #: the processes that it was asked about
    about: set[int] = dataclasses.field(default_factory=set)

    @property
    def took(self) -> float:
        return sum(each.took or 0 for each in self.statements)


class Recorder:
    """Keeps what the latest actions have sent to the database."""

    def __init__(self) -> None:
        self._actions: OrderedDict[str, Action] = OrderedDict()
        self._watched: set[int] = set()

    def watch(self, engine: Engine) -> None:
        """Listen to a database, from now on."""
        if id(engine) in self._watched:
            return
        self._watched.add(id(engine))
        event.listen(engine, "before_cursor_execute", self._before)
        event.listen(engine, "after_cursor_execute", self._after)
        for word in ("begin", "commit", "rollback"):
            event.listen(engine, word, partial(self._mark, word.upper()))

    def note_process(self, process_id: int) -> None:
        """The action under way is about this process."""
        if (action := self._now()) is not None:
            action.about.add(process_id)

    def last(self, process_id: int, traces: Iterable[str]) -> Action | None:
        """The latest action that was about a process, or has one of these traces."""
        known = {*traces}
        found = (
            each
            for each in reversed(self._actions.values())
            if process_id in each.about or each.trace in known
        )
        return next(found, None)

    def _before(self, connection: Any, *_rest: Any) -> None:
        connection.info["portal_began"] = time.perf_counter()

    def _after(self, connection: Any, cursor: Any, text: str, *_rest: Any) -> None:
        took = (time.perf_counter() - connection.info.pop("portal_began", time.perf_counter())) * 1000
        self._note(Statement(" ".join(text.split()), took, max(cursor.rowcount, 0)))

    def _mark(self, word: str, connection: Any) -> None:
        self._note(Statement(word))

    def _note(self, statement: Statement) -> None:
        action = self._now()
        if action is not None and len(action.statements) < STATEMENTS:
            action.statements.append(statement)

    def _now(self) -> Action | None:
        """The action under way; a page that is only read is none."""
        key = trace.current.get()
        if not key or (has_request_context() and request.method in ("GET", "HEAD", "OPTIONS")):
            return None
        if key not in self._actions:
            what = f"{request.method} {request.path}" if has_request_context() else _("A worker")
            self._actions[key] = Action(key, what)
            while len(self._actions) > ACTIONS:
                self._actions.popitem(last=False)
        return self._actions[key]


def attach(scope: Scaffold, app: Flask) -> None:
    """Begin to record, where the application is debugged."""
    if app.debug:
        app.extensions["portal_debugging"] = Recorder()
        scope.before_request(_watch)


def _watch() -> None:
    recorder: Recorder = current_app.extensions["portal_debugging"]
    recorder.watch(db.engine)
    process_id = (request.view_args or {}).get("process_id")
    task_id = (request.view_args or {}).get("task_id")
    if request.method == "POST" and isinstance(task_id, int):
        process_id = db.session.scalar(db.select(Task.process_id).where(Task.id == task_id))
        db.session.rollback()
    if isinstance(process_id, int):
        recorder.note_process(process_id)


def helpers() -> dict[str, Any]:
    return {"debug_page": address}


def address(process: Process) -> str | None:
    """The page with the insides of a process; None where nobody debugs, or to whom it is not shown."""
    if "portal_debugging" not in current_app.extensions or not me().manages(process.flow_label):
        return None
    return url_for("portal.debugging.insides", process_id=process.id)


@blueprint.get("/processes/<int:process_id>/debug")
def insides(process_id: int) -> str:
    process = process_or_refuse(process_id)
    demand_manager_of(process.flow_label, me())
    query = db.select(Task).where(Task.process_id == process_id).order_by(Task.number)
    tasks = list(db.session.scalars(query).unique())
    waits = {each.task.id: each for each in queries.waiting(db.session(), process)}
    recorder: Recorder = current_app.extensions["portal_debugging"]
    return render_template(
        "portal/debug.html",
        process=process,
        flow=None if process.flow_class is None else process.flow_class.definition,
        tasks=tasks,
        waits=waits,
        joins=[each for each in waits.values() if _merges(each)],
        decisions=[task for task in tasks if "_decision" in (task.data or {})],
        action=recorder.last(process_id, (task.trace for task in tasks if task.trace)),
    )


def _merges(each: Waiting) -> bool:
    return each.task.node is not None and each.task.node.merges
