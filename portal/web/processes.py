"""Processes: the list, and one of them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask import Blueprint, Response, abort, current_app, g, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from portal import queries, render
from portal.engine import lifecycle, visibility
from portal.engine.versions import lost_steps
from portal.errors import FlowError, TransitionNotAllowed
from portal.language import gettext, lazy_gettext
from portal.models import db
from portal.queries import Course, ProcessDetail

from . import history, navigation
from .accounts.sign_in import require_login
from .chart import chart_state
from .display.values import rows_of
from .drafts.kept import comments_of
from .files import Files
from .flows import picture
from .forms.build import process_field_names, process_form
from .layout import me
from .lists import show
from .lookups import NOT_SEEN
from .navigation import Entry
from .reads import note_read
from .rendering import render_template
from .sending import has_news, takes_items
from .tasks.context import artifact_of
from .urls import to_id

blueprint = Blueprint("processes", __name__)
blueprint.before_request(require_login)
navigation.register(Entry("processes", lazy_gettext("Processes"), "diagram-3", "portal.processes.index", 60))


@blueprint.get("/processes")
def index() -> BaseResponse | str:
    name = "mine" if request.args.get("mine") == "1" else "processes"
    return show(name, url_for("portal.processes.index"), "portal/processes.html")


@blueprint.get("/processes/<int:process_id>")
def detail(process_id: int) -> str:
    found = _story_or_refuse(process_id)
    note_read(found.process)
    session, process, flow_class = db.session(), found.process, found.process.flow_class
    course = queries.course(session, process)
    troubles = queries.troubles(session, found, course)
    latest = queries.history(session, process_id, "story", None, _STORY)
    tab, before = _tab(), to_id(request.args.get("before", ""))
    shown = latest
    if (tab, before) != ("story", None):
        shown = queries.history(
            session, process_id, tab, before, _STORY if tab == "story" else queries.EVENTS
        )
    state = chart_state(course, flow_class)
    hidden = visibility.hidden_fields(me(), process)
    manages = me().manages(process.flow_label)
    deeds = history.story(process, latest.rows, hidden)
    failed = next((task for task in course.open_tasks if task.status == "ERROR"), None)
    return render_template(
        "portal/process.html",
        story=found,
        process=process,
        flow=flow_class.definition if flow_class is not None else None,
        chart=render.svg(flow_class, state, links=_links(course)) if flow_class is not None else "",
        fits=request.args.get("chart") == "fit",
        steps=render.steps(flow_class, state) if flow_class is not None else [],
        course=course,
        troubles=troubles,
        failed=failed,
        alike=queries.alike(session, failed) if failed is not None and manages else 0,
        errors=sum(task.status == "ERROR" for task in course.open_tasks),
        decided=[line for line in deeds if line.event.action == "execute"],
        suspended=next((each for each in latest.rows if each.action == "suspend"), None),
        last_cancelled=next(
            (t for t in reversed(course.tasks) if t.status == "CANCELED" and "__" not in t.flow_task), None
        ),
        tab=tab,
        before=before,
        lines=deeds if shown is latest else history.story(process, shown.rows, hidden),
        changes=list(history.changes(process, shown.rows, hidden)) if tab == "changes" else [],
        events=shown.rows,
        known_names=queries.names_in(
            session,
            shown.rows,
            {task.owner_username: task.owner_name or "" for task in course.tasks if task.owner_username},
        ),
        more_events=shown.before,
        data=rows_of(process, Files(process)),
        entered=history.entered(latest.rows),
        artifact=artifact_of(process),
        actions=offered(
            process,
            failed is not None or process.id in troubles,
            bool(lost_steps.misfits(process, course.open_tasks)),
        ),
        manages=manages,
    )


#: lines of the story on a page; each is more than an event of the whole history
_STORY = 30
#: the parts of what happened: words in the address, and what is read
_TABS = ("story", "events", "changes")


def _tab() -> str:
    wanted = request.args.get("tab", "")
    return wanted if wanted in _TABS else _TABS[0]


@blueprint.get("/processes/<int:process_id>/chart.svg")
def chart(process_id: int) -> Response:
    process = _story_or_refuse(process_id).process
    if process.flow_class is None:
        abort(404, gettext("The code no longer has the flow of this process."))
    state = chart_state(queries.course(db.session(), process), process.flow_class)
    return picture(render.svg(process.flow_class, state, standalone=True))


def offered(process: Any, failed: bool = False, changed: bool = False) -> list[str]:
    """The actions that the page of a process has buttons for.

    Args:
        failed: something in it has failed.
        changed: it stands at a step that its flow no longer has.
    """
    names: list[str] = []
    if me().manages(process.flow_label):
        names = [*(["retry"] if failed else []), *(["migrate"] if changed else [])]
        names += ["resume", "suspend", "data", "send", "add", "cancel"]
    if process.created_by_id == me().id:
        names.append("withdraw")
    return [name for name in names if _possible(name, process)]


def _possible(name: str, process: Any) -> bool:
    try:
        lifecycle.check_process(name, process)
    except TransitionNotAllowed:
        return False
    except Exception:  # the flow's own rule for a withdrawal
        current_app.logger.exception("process %s: whether one may %s it cannot be told", process.id, name)
        return False
    if name in _OFFERED_IF:
        return bool(_OFFERED_IF[name](process))
    return True


#: what beside its state makes an action on a process possible
_OFFERED_IF: dict[str, Any] = {
    "data": lambda process: bool(correctable(type(process))),
    "send": has_news,
    "add": takes_items,
}


def correctable(model: type) -> list[str]:
    """The fields of a process class that can be entered in a form."""
    found = []
    for name in process_field_names(model):
        with suppress(FlowError):
            process_form(model, [name])
            found.append(name)
    return found


def _links(course: Course) -> dict[str, str]:
    return {
        task.flow_task: url_for("portal.tasks.detail", task_id=task.id)
        for task in reversed(course.open_tasks)
    }


def _story_or_refuse(process_id: int) -> ProcessDetail:
    number = to_id(process_id)
    story = None
    if number is not None:
        story = queries.story(db.session(), me(), number, comments_of("processes", number))
    if story is None:
        abort(404, gettext("There is no such process."))
    if not story.visible:
        abort(403, gettext("You have no access to this process. %(NOT_SEEN)s", NOT_SEEN=NOT_SEEN))
    g.subject = ("process", story.process.id)
    g.badges, g.talk = story.badges, story.known
    return story
