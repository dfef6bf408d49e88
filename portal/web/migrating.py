"""Moves a process to its flow as it is now, by a manager: its tasks leave steps that the code no longer has."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from flask import Blueprint, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal import queries
from portal.engine import declarations
from portal.engine.lifecycle import demand_process
from portal.engine.versions import lost_steps, migration
from portal.engine.versions.migration import Move
from portal.errors import TransitionNotAllowed
from portal.language import gettext as _
from portal.language import ngettext
from portal.models import Process, Task, db
from portal.render import ChartState

from .accounts.sign_in import require_login
from .chart import chart_state
from .comparing import Compared, compared
from .display.actions import PROCESS_ACTIONS
from .display.steps import step_title
from .display.values import list_words
from .layout import me
from .lookups import process_or_refuse
from .messages import flash
from .reasons import reason_of_request
from .rendering import render_template
from .urls import see_other, way_back

blueprint = Blueprint("migrating", __name__)
blueprint.before_request(require_login)


@blueprint.route("/processes/<int:process_id>/migrate", methods=["GET", "POST"])
def migrate(process_id: int) -> BaseResponse | str | tuple[str, int]:
    process = process_or_refuse(process_id)
    demand_process("migrate", process, me())
    lost = lost_steps.misfits(process, open_tasks(process))
    if not lost:
        raise TransitionNotAllowed(_("Every open step of this process is one of its flow as it is now."))
    if request.method != "POST":
        return _page(process, lost, lost)
    reason, fault = reason_of_request()
    wanted = {name: request.form.get(f"to-{name}", "") for name in lost}
    chosen = {old: new for old, new in wanted.items() if new}
    flow_class, user_id = process.flow_class, me().id
    if not chosen or not set(chosen.values()) <= {node.name for node in lost_steps.targets(flow_class)}:
        fault = fault or _("Choose a step.")
    if fault:
        return _page(process, lost, wanted, fault), 422
    if "_ask" in request.form:
        moves = migration.move(db.session(), flow_class, chosen, [process_id], dry_run=True, user=user_id)
        return _page(process_or_refuse(process_id), lost, wanted, moves=moves)
    _tell(migration.move(db.session(), flow_class, chosen, [process_id], user=user_id, reason=reason))
    return see_other(way_back(url_for("portal.processes.detail", process_id=process_id)))


def open_tasks(process: Process) -> list[Task]:
    query = select(Task).where(Task.process_id == process.id, Task.finished.is_(None)).order_by(Task.id)
    return list(db.session.scalars(query).unique())


def _tell(moves: list[Move]) -> None:
    stayed = [each for each in moves if each.obstacle is not None]
    if done := len(moves) - len(stayed):
        flash(ngettext("%(number)s step moved.", "%(number)s steps moved.", done), "success")
    for each in stayed[:10]:
        flash(_("Refused: %(what)s", what=f"{each.old}: {each.obstacle}"), "warning")


def _page(
    process: Process,
    lost: dict[str, str],
    wanted: dict[str, str],
    fault: str = "",
    moves: list[Move] | None = None,
) -> str:
    flow: Any = process.flow_class
    old, kept = declarations.of_process(db.session(), process, standing_at(process, lost))
    return render_template(
        "portal/migrate.html",
        compared=_compared(process, old, lost, wanted),
        kept=kept,
        process=process,
        asked=PROCESS_ACTIONS["migrate"],
        action="migrate",
        told=[_line(each, flow.definition) for each in moves or ()],
        asked_before=moves is not None,
        lost=[(name, step_title(flow.definition, name)) for name in lost],
        wanted=wanted,
        targets=lost_steps.targets(flow),
        address=url_for("portal.migrating.migrate", process_id=process.id),
        back=way_back(url_for("portal.processes.detail", process_id=process.id)),
        fault=fault,
    )


def standing_at(process: Process, lost: Collection[str]) -> list[Task]:
    """The open tasks of a process at these steps."""
    return [task for task in open_tasks(process) if task.flow_task in lost and task.node is None]


def _compared(process: Process, old: Any, lost: Collection[str], wanted: Mapping[str, str]) -> Compared:
    """The flow as the process runs it and as it is now: where it stands, and where it would go on."""
    flow: Any = process.flow_class
    state = chart_state(queries.course(db.session(), process), old)
    nodes = flow.definition.nodes
    going: Counter[str] = Counter()
    coming: dict[str, list[str]] = defaultdict(list)
    for task in standing_at(process, lost):
        to = wanted.get(task.flow_task, "")
        if to in nodes:
            going[to] += 1
            coming[to].append(f"“{task.title}”")
    staying = {name: n for name, n in state.current.items() if name in nodes and name not in lost}
    lines = {name: line for name, line in state.lines.items() if name in staying}
    lines |= {
        name: _("from %(steps)s", steps=list_words(list(dict.fromkeys(titles))))
        for name, titles in coming.items()
    }
    after = ChartState(current=Counter(staying) + going, lines=lines, mutes=False)
    return compared(old, flow, state, after)


def _line(move: Move, definition: Any) -> str:
    old, new = step_title(definition, move.old), step_title(definition, move.new)
    if move.obstacle is not None:
        return _("“%(old)s” stays where it is: %(why)s.", old=old, why=move.obstacle)
    line = _("“%(old)s” is cancelled, and the process continues at “%(new)s”.", old=old, new=new)
    return f"{line} ({move.remark})" if move.remark else line
