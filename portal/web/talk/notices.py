"""The page of a person's notices."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from portal import queries
from portal.engine import notices
from portal.models import Notice, db
from portal.queries.notices import PAGE

from ..accounts.sign_in import require_login
from ..display.notices import line
from ..layout import me
from ..rendering import render_template
from ..urls import see_other, to_id

blueprint = Blueprint("notices", __name__)
blueprint.before_request(require_login)


@blueprint.get("/notices")
def index() -> str:
    before = to_id(request.args.get("before", ""))
    found = queries.notices(db.session(), me(), before, PAGE + 1)
    shown = found[:PAGE]
    return render_template(
        "portal/notices.html",
        notices=shown,
        newest=shown[0].id if shown else 0,
        before=before,
        more=shown[-1].id if len(found) > PAGE else None,
    )


@blueprint.post("/notices/read")
def read() -> BaseResponse:
    """Mark one notice as read, or all up to the newest that the page has shown."""
    only, until = to_id(request.form.get("notice", "")), to_id(request.form.get("until", ""))
    user_id = me().id
    if only is not None or until is not None:
        notices.mark_read(db.session(), user_id, until or 0, only)
    return see_other(url_for("portal.notices.index"))


def address_of(notice: Notice) -> str:
    """Where a notice leads: to what was said, to all that failed alike, to the task, or to the process."""
    comment = (notice.payload or {}).get("comment")
    if notice.process_id is None:
        return url_for("portal.accounts.profile", _anchor="absences")
    if incident := (notice.payload or {}).get("incident"):
        return url_for("portal.incidents.detail", key=incident)
    if notice.task_id is not None and comment is None:
        return url_for("portal.tasks.detail", task_id=notice.task_id)
    values: dict[str, Any] = {"_anchor": f"comment-{comment}"} if comment else {}
    return url_for("portal.processes.detail", process_id=notice.process_id, **values)


def helpers() -> dict[str, Any]:
    return {"notice_line": line, "notice_address": address_of}
