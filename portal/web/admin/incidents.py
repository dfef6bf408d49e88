"""Incidents: what failed, grouped by step and error, and what is done about a whole group."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, abort, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from portal.engine import actions, operations, visibility
from portal.engine.notifications import People
from portal.engine.permissions import demand_manager_of
from portal.errors import PortalError
from portal.language import gettext as _
from portal.language import lazy_gettext, ngettext
from portal.models import Incident, IncidentTask, db
from portal.queries import incidents as found
from portal.queries.incidents import Failed, Wanted

from .. import navigation
from ..accounts.sign_in import require_login
from ..csv_files import as_csv
from ..display.steps import flow_title, step_words
from ..display.tracebacks import parts_of
from ..display.values import label_of, stored_row
from ..layout import me, now
from ..messages import flash
from ..navigation import Entry
from ..reasons import reason_of_request
from ..rendering import render_template
from ..selection import MOST, Outcome, each, tell
from ..tasks import preview
from ..urls import asked, narrowed, see_other, to_id
from .managed import demand_flow, labels_or_refuse, shown_to, titles

blueprint = Blueprint("incidents", __name__)
blueprint.before_request(require_login)
navigation.register(
    Entry(
        "incidents", lazy_gettext("Incidents"), "exclamation-triangle", "portal.incidents.index", 76, shown=shown_to
    )
)  # fmt: skip

#: the times over which many are retried, in minutes; 0 is one after the other
SPREADS = (0, 10, 60, 240)


@blueprint.get("/admin/incidents")
def index() -> str | Response:
    labels = labels_or_refuse()
    wanted = _wanted(labels)
    page = found.groups(db.session(), wanted, now())
    if request.args.get("format") == "csv":
        head = [_("Flow"), _("Step"), _("Error"), _("Message"), _("Number"), _("First seen"), _("Last seen")]
        return as_csv("incidents", head, _rows(page.rows))
    return render_template(
        "portal/admin/incidents.html",
        page=page,
        wanted=wanted,
        counts=found.counts(db.session(), labels, now()),
        flows=titles(labels),
        step=title_of,
        flow=flow_title,
        address=lambda **changes: _address(wanted, **changes),
    )


def _wanted(labels: list[str] | None) -> Wanted:
    state = asked("state")
    state = state if state in found.STATES else "open"
    return Wanted(labels, state, asked("flow"), asked("step"), asked("q", 100), asked("after", 50))


def _address(wanted: Wanted, **changes: Any) -> str:
    values = {"state": wanted.state, "flow": wanted.flow, "step": wanted.step, "q": wanted.q} | changes
    if values["state"] == "open":
        values["state"] = ""
    return narrowed("portal.incidents.index", **values)


def title_of(incident: Incident) -> str:
    """What people call the step of a group."""
    return step_words(incident.flow_label, incident.flow_task)


def _rows(groups: list[found.Group]) -> Iterator[list[Any]]:
    for group in groups:
        each = group.incident
        words = [flow_title(each.flow_label), title_of(each), each.error, each.message]
        yield [*words, group.count, group.first.isoformat(), group.last.isoformat()]


# -- one group ---------------------------------------------------------------------------------------------------


@blueprint.get("/admin/incidents/<key>")
def detail(key: str) -> str:
    incident = _one_or_refuse(key)
    state = request.args.get("state", "")
    state = state if state in found.STATES else _best_state(key)
    group = found.group(db.session(), key, state, now())
    after = to_id(request.args.get("after", "")) or 0
    size = found.TASKS if not after else 50
    rows = found.tasks(db.session(), key, state, now(), after=after, size=size + 1)
    newest = rows[0] if rows else None
    return render_template(
        "portal/admin/incident.html",
        incident=incident,
        group=group,
        state=state,
        rows=rows[:size],
        more=rows[size - 1].task.id if len(rows) > size else 0,
        newest=newest,
        failure=(newest.task.data or {}).get("_exception") or {} if newest is not None else {},
        traceback=parts_of(_traceback(newest)),
        attempts=found.attempts(db.session(), newest.task.id) if newest is not None else [],
        then=_data_then(newest),
        told=People(db.session(), []).managers(incident.flow_label),
        manages=me().manages(incident.flow_label),
        step=title_of(incident),
        flow=flow_title(incident.flow_label),
        processes=url_for(
            "portal.processes.index", state="attention", flow=incident.flow_label, step=incident.flow_task
        ),
    )


def _best_state(key: str) -> str:
    """The first state in which a group has tasks: a link from a mail leads to what is left of it."""
    for state in found.STATES:
        if found.tasks(db.session(), key, state, now(), size=1):
            return state
    return "open"


def _one_or_refuse(key: str) -> Incident:
    incident = db.session.get(Incident, key) if key.isalnum() else None
    if incident is None:
        labels_or_refuse()
        abort(404, _("There is no such incident."))
    demand_flow(incident.flow_label)
    return incident


def _traceback(row: Failed | None) -> str:
    kept = (row.task.data or {}).get("_exception") or {} if row is not None else {}
    return str(kept.get("traceback") or "")


def _data_then(row: Failed | None) -> list[tuple[str, Any]]:
    """The fields of the newest process as they were when it failed, as far as one may see them."""
    if row is None or not row.link.data:
        return []
    process = row.task.process
    hidden = visibility.hidden_fields(me(), process)
    return [
        (label_of(type(process), name), stored_row(type(process), name, value))
        for name, value in row.link.data.items()
        if name not in hidden and value not in (None, "", [], {})
    ]


# -- what is done with a group -----------------------------------------------------------------------------------


@blueprint.post("/admin/incidents/<key>/<any(retry,skip,cancel):action>")
def act(key: str, action: str) -> BaseResponse | str | tuple[str, int]:
    incident = _one_or_refuse(key)
    demand_manager_of(incident.flow_label, me())
    whole = request.form.get("all") == "1" or request.form.get("_ask") == "all"
    ids = [] if whole else _ids_of_request(key)
    number = _number_open(key) if whole else len(ids)
    back = url_for("portal.incidents.detail", key=key)
    if not number:
        flash(
            _("Nothing was selected.") if not whole else _("Nothing of this group is failed any more."),
            "warning",
        )
        return see_other(back)
    if "_ask" in request.form:
        return _ask(incident, action, ids, number)
    reason, fault = reason_of_request()
    if action == "skip" and not reason and not fault:
        fault = _("Say why it is skipped.")
    spread = _spread_of_request()
    if spread is None:
        spread, fault = 0, fault or _("Choose over which time.")
    if fault:
        return _ask(incident, action, ids, number, fault), 422
    if not whole and not spread:
        outcome = each([str(number) for number in ids], lambda text: _one(action, int(text), reason))
        _tell(action, outcome)
        return see_other(back)
    scope = operations.Scope("incident", key) if whole else operations.Scope("ids", ids)
    operation = operations.begin(
        db.session(),
        me(),
        action,
        "task",
        scope,
        total=number,
        reason=reason,
        over=dt.timedelta(minutes=spread),
    )
    return see_other(url_for("portal.operations_of_people.detail", operation_id=operation))


def _number_open(key: str) -> int:
    group = found.group(db.session(), key, "open", now())
    return 0 if group is None else group.count


def _ids_of_request(key: str) -> list[int]:
    """The ticked tasks, as far as they are failed tasks of this group."""
    sent = [number for text in request.form.getlist("task")[:MOST] if (number := to_id(text)) is not None]
    query = db.select(IncidentTask.task_id).where(
        IncidentTask.task_id.in_(sent), IncidentTask.incident_key == key, IncidentTask.closed.is_(None)
    )
    return list(db.session.scalars(query.order_by(IncidentTask.task_id)))


def _spread_of_request() -> int | None:
    text = request.form.get("over", "0")
    return int(text) if text in map(str, SPREADS) else None


def _one(action: str, task_id: int, reason: str) -> str | None:
    """Do it with one task in a transaction of its own. The line that says why not."""
    method = "revive" if action == "retry" else action
    try:
        with actions.activation(db.session(), task_id, me()) as activation:
            title = f"#{activation.process.id} {activation.task.title}"
            getattr(activation, method)(reason=reason)
    except (PortalError, LookupError) as error:
        db.session.rollback()
        return _(
            "Refused: %(what)s", what=str(error) if isinstance(error, LookupError) else f"{title}: {error}"
        )
    return None


def _tell(action: str, outcome: Outcome) -> None:
    words = {
        "retry": ngettext("%(number)s step retried.", "%(number)s steps retried.", outcome.done),
        "skip": ngettext("%(number)s step skipped.", "%(number)s steps skipped.", outcome.done),
        "cancel": ngettext("%(number)s step cancelled.", "%(number)s steps cancelled.", outcome.done),
    }
    tell(outcome, words[action], more=bool(outcome.left))


def _ask(incident: Incident, action: str, ids: list[int], number: int, fault: str = "") -> str:
    rows = found.tasks(db.session(), incident.key, "open", now(), size=1)
    step = "revive" if action == "retry" else action
    return render_template(
        "portal/admin/incident_ask.html",
        incident=incident,
        action=action,
        ids=ids,
        number=number,
        fault=fault,
        told=preview.of_task(step, rows[0].task) if rows else [],
        spreads=SPREADS,
        step=title_of(incident),
        flow=flow_title(incident.flow_label),
        back=url_for("portal.incidents.detail", key=incident.key),
        address=url_for("portal.incidents.act", key=incident.key, action=action),
    )
