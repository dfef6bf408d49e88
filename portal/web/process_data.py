"""Changes the data of a process through a form, by a manager."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request, url_for
from sqlalchemy import select
from werkzeug.datastructures import CombinedMultiDict
from werkzeug.wrappers import Response as BaseResponse
from wtforms import Form

from portal.engine import actions, visibility
from portal.engine.lifecycle import demand_process
from portal.errors import InvalidForm, TransitionNotAllowed
from portal.jsonstore import fields_of
from portal.jsonstore.place import MISSING, document_of, look_up
from portal.language import gettext as _
from portal.models import Process, Task, db

from .accounts.sign_in import require_login
from .display.actions import PROCESS_ACTIONS
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
from .step_fields import named_fields
from .tasks.given import my_zone
from .urls import see_other, to_id, way_back

blueprint = Blueprint("process_data", __name__)
blueprint.before_request(require_login)


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
    message = (
        _("The data is changed.")
        if retry is None
        else _("The data is changed, and “%(step)s” is retried.", step=title)
    )
    flash(message, "success")
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
        address=url_for("portal.process_data.data", **here, fields=request.args.get("fields")),
        all_fields=url_for("portal.process_data.data", **here, fields="all")
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
