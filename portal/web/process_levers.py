"""Actions on whole processes: withdraw, retry all that failed, change data; also on many of them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request, url_for
from sqlalchemy import select
from werkzeug.datastructures import CombinedMultiDict
from werkzeug.wrappers import Response as BaseResponse
from wtforms import Form

from portal import queries, summaries
from portal.engine import actions, operations, permissions, visibility
from portal.engine.process_actions import Retried
from portal.engine.versions import migration
from portal.errors import InvalidForm, PortalError, TransitionNotAllowed
from portal.jsonstore import fields_of
from portal.jsonstore.place import MISSING, document_of, look_up
from portal.language import gettext as _
from portal.language import ngettext
from portal.models import Process, Task, db

from . import migrating_many
from .accounts.sign_in import require_login
from .demands import demand_process
from .display.actions import PROCESS_ACTIONS, heading
from .files import Files
from .forms import seen
from .forms.build import process_form
from .forms.constraints import has_own_rows, storing
from .forms.writing import write
from .layout import me
from .lookups import process_or_refuse
from .messages import flash
from .processes import correctable
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
from .step_fields import named_fields
from .tasks import preview
from .tasks.given import my_zone
from .urls import see_other, to_id, way_back

blueprint = Blueprint("process_levers", __name__)
blueprint.before_request(require_login)


@blueprint.route(
    "/processes/<int:process_id>/<any(cancel,suspend,resume,withdraw,retry):action>", methods=["GET", "POST"]
)
def act(process_id: int, action: str) -> BaseResponse | str | tuple[str, int]:
    process = process_or_refuse(process_id)
    demand_process(action, process, me())
    if request.method != "POST":
        return _ask(process, action)
    reason, fault = reason_of_request()
    if fault:
        return _ask(process, action, fault), 422
    own = process.created_by_id == me().id
    told = operations.PROCESS_ACTIONS[action](db.session(), process_id, me().id, reason)
    if isinstance(told, Retried):
        _tell_retried(told)
    elif action == "withdraw":
        words = _("Your request #%(number)s is withdrawn.") if own else _("Request #%(number)s is withdrawn.")
        flash(words % {"number": process_id}, "success")
    else:
        done = PROCESS_ACTIONS[action].done
        flash(_("%(done)s: process %(number)s.", done=done, number=process_id), "success")
    return see_other(way_back(url_for("portal.processes.detail", process_id=process_id)))


def _ask(process: Process, action: str, fault: str = "") -> str:
    """The page that says what an action will do."""
    return render_template(
        "portal/ask.html",
        process=process,
        asked=PROCESS_ACTIONS[action],
        action=action,
        told=preview.of_process(action, process),
        address=address_of(process, action),
        back=way_back(url_for("portal.processes.detail", process_id=process.id)),
        fault=fault,
    )


def _tell_retried(told: Retried) -> None:
    again = sum(task.status == "ERROR" for task in told.fresh)
    if done := len(told.fresh):
        flash(ngettext("%(number)s step retried.", "%(number)s steps retried.", done), "success")
    if again:
        flash(
            ngettext("%(number)s of them failed again.", "%(number)s of them failed again.", again), "warning"
        )
    for line in told.refused[:10]:
        flash(_("Refused: %(what)s", what=line), "warning")


# -- the data ----------------------------------------------------------------------------------------------------


@blueprint.route("/processes/<int:process_id>/data", methods=["GET", "POST"])
def data(process_id: int) -> BaseResponse | str | tuple[str, int]:
    process = process_or_refuse(process_id)
    demand_process("data", process, me())
    retried = _failed_of_request(process)
    hidden = visibility.hidden_fields(me(), process)
    names = [name for name in correctable(type(process)) if name not in hidden]
    if retried is not None and request.args.get("fields") != "all":
        names = named_fields(retried.node, names) or names
    if request.method != "POST":
        return _page(_form(process, names), process, names, retried)
    reason, fault = reason_of_request(_reason_name(process))
    retry, title = (None, "") if retried is None else (retried.id, retried.title)
    try:
        with actions.changing_data(
            db.session(), process_id, me(), reason if not fault else None, retry=retry
        ) as found:
            form = _form(found, names, CombinedMultiDict([request.files, request.form]))
            valid = form.validate()
            if not seen.agree(form, lambda: _form(found, names)) or not valid or fault:
                raise InvalidForm(fault or None)
            store(form, found)
    except InvalidForm:
        process = process_or_refuse(process_id)
        return _page(form, process, names, _failed_of_request(process), fault), 422
    told = (
        _("The data is changed.")
        if retry is None
        else _("The data is changed, and “%(step)s” is retried.", step=title)
    )
    flash(told, "success")
    return see_other(way_back(url_for("portal.processes.detail", process_id=process_id)))


def _failed_of_request(process: Process) -> Task | None:
    """The failed step that is retried with the changed data, where the address names one."""
    number = to_id(request.args.get("retry", ""))
    if number is None:
        return None
    query = select(Task).where(Task.id == number, Task.process_id == process.id)
    task = db.session.scalars(query).unique().first()
    if task is None or task.status != "ERROR":
        raise TransitionNotAllowed(_("This step is not failed any more."))
    return task


def _form(process: Process, names: list[str], formdata: Any = None) -> Form:
    """The form of these fields; one that is empty, and was left so, is no input, whether it is required or not: it may
    be for a later step to fill in."""
    if formdata is not None:
        names = [name for name in names if not (_is_empty(process, name) and _is_blank(formdata, name))]
    form_class = process_form(type(process), names)
    meta = {"timezone": my_zone(), "files": Files(process)}
    form = form_class(formdata=formdata, obj=process, meta=meta)
    seen.note_seen(form, process, formdata)
    return form


def _is_empty(process: Process, name: str) -> bool:
    field = fields_of(type(process)).get(name)
    if field is None:
        return getattr(process, name) is None
    return look_up(document_of(process), field.path) in (MISSING, None, "", [], {})


def _is_blank(formdata: Any, name: str) -> bool:
    keys = (key for key in formdata if key == name or key.startswith(f"{name}-"))
    return not any(value for key in keys for value in formdata.getlist(key))


def store(form: Form, process: Process) -> None:
    """Write the fields of a form to a process.

    Raises:
        InvalidForm: the process or the database refuses a value; the form says which.
    """
    if not has_own_rows(type(process)):
        write(form, process)
        return
    with storing(form, process, type(process)):
        write(form, process)


def _reason_name(process: Process) -> str:
    """What the form calls the reason: a field of the process may be called so."""
    return "_reason" if "reason" in correctable(type(process)) else "reason"


def _page(form: Form, process: Process, names: list[str], retried: Task | None, fault: str = "") -> str:
    here: dict[str, Any] = {"process_id": process.id, "retry": None if retried is None else retried.id}
    return render_template(
        "portal/data.html",
        retried=retried,
        address=url_for("portal.process_levers.data", **here, fields=request.args.get("fields")),
        all_fields=url_for("portal.process_levers.data", **here, fields="all")
        if len(names) < len(correctable(type(process)))
        else "",
        form=form,
        process=process,
        seen=seen.seen_text(form),
        fault=fault,
        asked=PROCESS_ACTIONS["data"],
        reason_name=_reason_name(process),
        back=way_back(url_for("portal.processes.detail", process_id=process.id)),
    )


#: of many processes so many are named before something is done with them
_SHOWN = 50
# -- many of them ------------------------------------------------------------------------------------------------


@blueprint.post("/processes/<any(cancel,suspend,resume,retry,withdraw,migrate):action>")
def bulk(action: str) -> BaseResponse | str | tuple[str, int]:
    listed = list_filters().list_of_processes
    chosen = selection("process", listed)
    back = way_back(url_for("portal.processes.index"))
    if not chosen.wanted:
        tell_nothing(chosen, _("No process matches."))
        return see_other(back)
    if "_ask" in request.form:
        return _ask_many(action, chosen, back)
    reason, fault = reason_of_request()
    steps = migrating_many.chosen_steps() if action == "migrate" else None
    if steps and not fault:
        fault = migrating_many.fault(steps, _flow_of(chosen))
    if fault:
        return _ask_many(action, chosen, back, fault), 422
    if chosen.whole and chosen.more:
        total = queries.how_many(db.session(), me(), listed, list_filters())
        return leave_to_workers(action, "process", "", total, reason, steps or None)
    outcome = each(chosen.wanted, lambda text: _one(action, text, reason, steps))
    tell(outcome, _words(action, outcome.done), more=chosen.more)
    return see_other(back)


def _ask_many(action: str, chosen: Selection, back: str, fault: str = "") -> str:
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
        address=with_filters(url_for("portal.process_levers.bulk", action=action)),
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
    title = f"#{process.id} {process.flow_label}"
    try:
        demand_process(action, process, me())
        more = (steps,) if action == "migrate" else ()
        told = operations.PROCESS_ACTIONS[action](db.session(), process.id, me().id, reason, *more)
    except migration.Undecided as error:
        db.session.rollback()
        words = _("Refused: %(what)s", what=f"{title}: {error}")
        address = url_for("portal.migrating.migrate", process_id=number)
        return {"text": words, "to": address, "name": _("Choose…")}
    except PortalError as error:
        db.session.rollback()
        return _("Refused: %(what)s", what=f"{title}: {error}")
    if isinstance(told, Retried) and not told.fresh:
        return _("Refused: %(what)s", what=told.refused[0])
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


def address_of(process: Process, action: str) -> str:
    """The page of an action on a process."""
    if action == "data":
        return url_for("portal.process_levers.data", process_id=process.id)
    if action == "migrate":
        return url_for("portal.migrating.migrate", process_id=process.id)
    if action in ("send", "add"):
        return url_for(f"portal.sending.{action}", process_id=process.id)
    return url_for("portal.process_levers.act", process_id=process.id, action=action)


def helpers() -> dict[str, Any]:
    return {"process_action": address_of}
