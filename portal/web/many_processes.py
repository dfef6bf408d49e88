"""One action on many processes: those that can be done are done, and a line tells each refusal."""

from __future__ import annotations

from flask import Blueprint, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal import queries, summaries
from portal.engine import operations, permissions
from portal.engine.lifecycle import demand_process
from portal.engine.process_actions import Retried
from portal.engine.versions import migration
from portal.errors import PortalError
from portal.language import gettext as _
from portal.language import ngettext
from portal.models import Process, db

from . import migrating_many
from .accounts.sign_in import require_login
from .display.actions import PROCESS_ACTIONS, heading
from .display.steps import flow_title
from .layout import me
from .reasons import reason_of_request
from .rendering import render_template
from .selection import (
    Refusal,
    Selection,
    each,
    leave_to_workers,
    list_filters,
    selection,
    tell,
    tell_nothing,
    with_filters,
)
from .urls import see_other, to_id, way_back

blueprint = Blueprint("many_processes", __name__)
blueprint.before_request(require_login)

#: of many processes so many are named before something is done with them
_SHOWN = 50


@blueprint.post("/processes/<any(cancel,suspend,resume,retry,withdraw,migrate):action>")
def bulk(action: str) -> BaseResponse | str | tuple[str, int]:
    listed = list_filters().list_of_processes
    chosen = selection("process", listed)
    back = way_back(url_for("portal.processes.index"))
    if not chosen.wanted:
        tell_nothing(chosen, _("No process matches."))
        return see_other(back)
    if "_ask" in request.form:
        return _ask(action, chosen, back)
    reason, fault = reason_of_request()
    steps = migrating_many.chosen_steps() if action == "migrate" else None
    if steps and not fault:
        fault = migrating_many.fault(steps, _flow_of(chosen))
    if fault:
        return _ask(action, chosen, back, fault), 422
    if chosen.whole and chosen.more:
        total = queries.how_many(db.session(), me(), listed, list_filters())
        return leave_to_workers(action, "process", "", total, reason, steps or None)
    outcome = each(chosen.wanted, lambda text: _one(action, text, reason, steps))
    tell(outcome, _words(action, outcome.done), more=chosen.more)
    return see_other(back)


def _ask(action: str, chosen: Selection, back: str, fault: str = "") -> str:
    """The page that says what will be done with many, and asks for a reason."""
    ids = _ids(chosen)
    query = select(Process).where(Process.id.in_(ids[:_SHOWN])).order_by(Process.id)
    found = [
        each
        for each in db.session.scalars(query).unique()
        if permissions.may_see_process(db.session(), me(), each)
    ]
    total = len(chosen.wanted)
    if chosen.whole and chosen.more:
        total = queries.how_many(db.session(), me(), list_filters().list_of_processes, list_filters())
    return render_template(
        "portal/bulk_migrate.html" if action == "migrate" else "portal/bulk_processes.html",
        moving=migrating_many.preview(ids, _flow_of(chosen)) if action == "migrate" else None,
        action=action,
        asked=PROCESS_ACTIONS[action],
        chosen=chosen,
        heading=heading(
            PROCESS_ACTIONS[action], ngettext("%(number)s process", "%(number)s processes", total)
        ),
        rows=[(each.id, f"#{each.id} {summaries.of_process(each)}") for each in found],
        sends="process",
        own=(),
        total=total,
        fault=fault,
        back=back,
        address=with_filters(url_for("portal.many_processes.bulk", action=action)),
    )


def _ids(chosen: Selection) -> list[int]:
    return [number for text in chosen.wanted if (number := to_id(text)) is not None]


def _flow_of(chosen: Selection) -> str | None:
    """The flow that all of them are of, if they are of one."""
    if chosen.whole and chosen.more:  # they are not all known here
        return list_filters().flow or None
    return migrating_many.one_flow(_ids(chosen))


def _one(action: str, text: str, reason: str, steps: dict[str, str] | None) -> Refusal | None:
    number = to_id(text)
    process = db.session.get(Process, number) if number is not None else None
    if process is None or not permissions.may_see_process(db.session(), me(), process):
        return _("Refused: %(what)s", what=_("%(number)s: there is no such process", number=text[:20]))
    title = f"#{process.id} {flow_title(process.flow_label)}"
    try:
        demand_process(action, process, me())
        more = (steps,) if action == "migrate" else ()
        result = operations.PROCESS_ACTIONS[action](db.session(), process.id, me().id, reason, *more)
    except migration.Undecided as error:
        db.session.rollback()
        words = _("Refused: %(what)s", what=f"{title}: {error}")
        address = url_for("portal.migrating.migrate", process_id=number)
        return {"text": words, "to": address, "name": _("Choose…")}
    except PortalError as error:
        db.session.rollback()
        return _("Refused: %(what)s", what=f"{title}: {error}")
    if isinstance(result, Retried) and not result.fresh:
        return _("Refused: %(what)s", what=result.refused[0])
    return None


def _words(action: str, number: int) -> str:
    return {
        "cancel": ngettext("%(number)s process cancelled.", "%(number)s processes cancelled.", number),
        "suspend": ngettext("%(number)s process suspended.", "%(number)s processes suspended.", number),
        "resume": ngettext("%(number)s process resumed.", "%(number)s processes resumed.", number),
        "retry": ngettext("%(number)s process retried.", "%(number)s processes retried.", number),
        "migrate": ngettext("%(number)s process moved.", "%(number)s processes moved.", number),
        "withdraw": ngettext("%(number)s request withdrawn.", "%(number)s requests withdrawn.", number),
    }[action]
