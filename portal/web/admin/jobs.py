"""Jobs and timers: what runs, what comes up, and who does it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, request, url_for

from portal import queries
from portal.engine.queue.heartbeats import KEPT
from portal.language import gettext as _
from portal.language import lazy_gettext
from portal.models import Task, db
from portal.queries import incidents
from portal.queries import jobs as found

from .. import navigation
from ..accounts.sign_in import require_login
from ..csv_files import as_csv
from ..display.steps import step_words, tries
from ..layout import me, now
from ..navigation import Entry
from ..operations import SEEN
from ..rendering import render_template
from ..urls import asked, to_id
from .managed import ADMIN, labels_or_refuse, shown_to, titles

blueprint = Blueprint("jobs", __name__)
blueprint.before_request(require_login)
navigation.register(
    Entry("jobs", lazy_gettext("Jobs and timers"), "clock", "portal.jobs.index", 77, shown=shown_to)
)


@blueprint.get("/admin/jobs")
def index() -> str | Response:
    labels = labels_or_refuse()
    flow, text, after = (asked(name) for name in ("flow", "q", "after"))
    number = to_id(text.removeprefix("#"))
    page = found.coming(db.session(), labels, flow=flow, process_id=number if text else None, after=after)
    if request.args.get("format") == "csv":
        head = [_("Kind"), _("Step"), _("Process"), _("Flow"), _("Due"), _("Why")]
        return as_csv("jobs", head, _rows(page.rows))
    workers = queries.workers_seen(db.session(), now() - KEPT)
    return render_template(
        "portal/admin/jobs.html",
        numbers=found.numbers(db.session(), labels, now()),
        most=found.MOST,
        failed=incidents.open_count(db.session(), labels, now()),
        running=found.running(db.session(), labels, now()),
        page=page,
        workers=workers if me().can(ADMIN) else [],
        alive=sum(each.seen >= now() - SEEN for each in workers),
        silent=now() - SEEN,
        flows=titles(labels),
        wanted={"flow": flow, "q": text[:20]},
        title=title_of,
        kind=kind_of,
        why=why,
        manages=lambda task: me().manages(task.process.flow_label),
        here=url_for("portal.jobs.index"),
    )


def title_of(task: Task) -> str:
    """What people call the step of a task."""
    return step_words(task.process.flow_label, task.flow_task)


def kind_of(task: Task) -> str:
    node = task.node
    if node is not None and node.topic is not None:
        return _("External task")
    return _("Job") if node is not None and node.works else _("Timer")


def why(task: Task) -> tuple[str, str]:
    """What a task waits for, and a line more about it."""
    node = task.node
    if node is not None and (node.works or node.topic is not None):
        tried = tries(task)
        if tried is None and node.topic is not None:
            return _("Waits for a program that works on “%(topic)s”", topic=node.topic), ""
        if tried is None:
            return _("First attempt"), ""
        error = tried.error or {}
        return _("Attempt %(number)s of %(of)s", number=tried.number + 1, of=tried.of), str(
            error.get("type") or ""
        )
    if task.is_boundary_event:
        return (_("On “%(step)s”", step=node.host.title), "") if node is not None and node.host else ("", "")
    return _("Waits for this moment"), ""


def _rows(tasks: list[Task]) -> Iterator[list[Any]]:
    for task in tasks:
        due: Any = task.scheduled
        row = [kind_of(task), title_of(task), task.process_id, task.process.flow_label]
        yield [*row, due.astimezone(dt.UTC).isoformat(), why(task)[0]]
