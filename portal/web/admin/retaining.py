"""Retention: the rules, what they would do now, and the processes on legal hold."""

from __future__ import annotations

from flask import abort, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from portal.administration import access, retention
from portal.engine import holds
from portal.flow import registry
from portal.language import gettext as _
from portal.language import lazy_gettext
from portal.models import Process, db

from .. import navigation
from ..layout import me
from ..messages import flash
from ..navigation import Entry
from ..reasons import reason_of_request
from ..rendering import render_template
from ..urls import see_other, to_id
from .access import blueprint

navigation.register(
    Entry("retention", lazy_gettext("Retention"), "hourglass-split", "portal.admin.retention_rules", 96,
          shown=access.administers)
)  # fmt: skip


@blueprint.route("/retention", methods=["GET", "POST"])
def retention_rules() -> BaseResponse | str:
    """A GET says what the rules would do, a POST does it."""
    if request.method == "POST":
        done = retention.run(db.session(), me().id, dry=False)
        count = sum(each.count for each in done)
        flash(_("The rules were applied to %(number)s processes.", number=count), "success")
        if lines := [line for each in done for line in each.refused]:
            text = _("%(number)s were refused.", number=len(lines))
            flash({"text": text, "lines": [line[:120] for line in lines[:12]]}, "warning")
        return see_other(url_for("portal.admin.retention_rules"))
    return _page()


@blueprint.post("/retention/hold")
def legal_hold() -> BaseResponse | tuple[str, int]:
    """Put a process on legal hold, or end its hold (`release`)."""
    number = to_id(request.form.get("process", "").strip().lstrip("#"))
    process = db.session.get(Process, number) if number is not None else None
    if process is None:
        return _page(_("There is no such process.")), 422
    reason, fault = reason_of_request()
    if not reason and "release" not in request.form:
        fault = _("Give a reason.")
    if fault:
        return _page(fault), 422
    act = holds.release if "release" in request.form else holds.hold
    try:
        root = act(db.session(), process.id, me().id, reason)
    except LookupError:
        abort(404, _("There is no such process."))
    words = _("The legal hold on process %(number)s is ended.") if "release" in request.form else _(
        "Process %(number)s is on legal hold, with all that it has called.")  # fmt: skip
    flash(words % {"number": root}, "success")
    return see_other(url_for("portal.admin.retention_rules"))


def _page(fault: str = "") -> str:
    return render_template(
        "portal/admin/retention.html",
        done=retention.run(db.session(), me().id, dry=True),
        titles={label: flow_class.definition.title for label, flow_class in registry.items()},
        held=retention.on_hold(db.session()),
        fault=fault,
    )
