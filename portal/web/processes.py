"""Processes: the list, and one of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from flask import Blueprint, Response, abort, current_app, g, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from portal import queries, render
from portal.engine import actions, lifecycle
from portal.errors import FlowError, PermissionDenied, TransitionNotAllowed
from portal.language import gettext, lazy_gettext
from portal.models import db
from portal.queries import ProcessDetail
from portal.render import ChartState

from . import navigation
from .accounts.sign_in import require_login
from .display.values import rows_of
from .display.words import PROCESS_ACTIONS
from .files import Files
from .flows import picture
from .forms.build import process_field_names, process_form
from .layout import me
from .lists import show
from .lookups import NOT_SEEN, process_or_refuse
from .messages import flash
from .navigation import Entry
from .reasons import reason_of_request
from .tasks import preview
from .tasks.context import artifact_of
from .urls import see_other, to_id, way_back

blueprint = Blueprint("processes", __name__)
blueprint.before_request(require_login)
navigation.register(
    Entry(
        "mine", lazy_gettext("My requests"), "person-lines-fill", "portal.processes.index", 40, {"mine": 1}
    ),
    Entry("processes", lazy_gettext("Processes"), "diagram-3", "portal.processes.index", 60),
)

_OPEN = ("NEW", "ASSIGNED", "SCHEDULED", "STARTED")


@blueprint.get("/processes")
def index() -> BaseResponse | str:
    name = "mine" if request.args.get("mine") == "1" else "processes"
    return show(name, url_for("portal.processes.index"), "portal/processes.html")


@blueprint.get("/processes/<int:process_id>")
def detail(process_id: int) -> str:
    story = _story_or_refuse(process_id)
    queries.fill_in(db.session(), story)
    before = to_id(request.args.get("before", ""))
    events = queries.timeline(db.session(), process_id, before, queries.EVENTS + 1)
    flow_class = story.process.flow_class
    state = chart_state(story)
    return render_template(
        "portal/process.html",
        story=story,
        process=story.process,
        flow=flow_class.definition if flow_class is not None else None,
        chart=render.svg(flow_class, state, links=_links(story)) if flow_class is not None else "",
        steps=render.steps(flow_class, state) if flow_class is not None else [],
        events=events[: queries.EVENTS],
        more=events[queries.EVENTS - 1].id if len(events) > queries.EVENTS else None,
        before=before,
        data=rows_of(story.process, Files(story.process)),
        artifact=artifact_of(story.process),
        actions=offered(
            story.process, story.open_by_state.get("ERROR", 0) > 0 or story.process.id in story.attention
        ),
        manages=me().manages(story.process.flow_label),
    )


@blueprint.get("/processes/<int:process_id>/chart.svg")
def chart(process_id: int) -> Response:
    story = _story_or_refuse(process_id)
    flow_class = story.process.flow_class
    if flow_class is None:
        abort(404, gettext("The code no longer has the flow of this process."))
    story.counts, story.passed = queries.progress(db.session(), process_id)
    return picture(render.svg(flow_class, chart_state(story), standalone=True))


@blueprint.route("/processes/<int:process_id>/<any(cancel,suspend,resume):action>", methods=["GET", "POST"])
def act(process_id: int, action: str) -> BaseResponse | str | tuple[str, int]:
    process = process_or_refuse(process_id)
    lifecycle.check_process(action, process)
    if not me().manages(process.flow_label):
        raise PermissionDenied(gettext("Only a manager of the flow may do this."))
    address = url_for("portal.processes.detail", process_id=process_id)
    here = url_for("portal.processes.act", process_id=process_id, action=action)
    if request.method != "POST":
        return ask(process, action, here)
    reason, fault = reason_of_request()
    if fault:
        return ask(process, action, here, fault), 422
    do = {"cancel": actions.cancel_process, "suspend": actions.suspend, "resume": actions.resume}[action]
    do(db.session(), process_id, me().id, reason)
    flash(
        gettext("%(done)s: process %(number)s.", done=PROCESS_ACTIONS[action].done, number=process_id),
        "success",
    )
    return see_other(way_back(address))


def ask(process: Any, action: str, address: str, fault: str = "") -> str:
    """The page that says what an action will do."""
    return render_template(
        "portal/ask.html",
        process=process,
        asked=PROCESS_ACTIONS[action],
        action=action,
        told=preview.of_process(action, process),
        address=address,
        back=way_back(url_for("portal.processes.detail", process_id=process.id)),
        fault=fault,
    )


def offered(process: Any, failed: bool = False) -> list[str]:
    """The actions that the page of a process has buttons for.

    Args:
        failed: something in it has failed.
    """
    names: list[str] = []
    if me().manages(process.flow_label):
        names = [*(["retry"] if failed else []), "resume", "suspend", "data", "cancel"]
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
    return name != "data" or bool(correctable(type(process)))


def correctable(model: type) -> list[str]:
    """The fields of a process class that can be entered in a form."""
    found = []
    for name in process_field_names(model):
        with suppress(FlowError):
            process_form(model, [name])
            found.append(name)
    return found


def chart_state(story: ProcessDetail) -> ChartState:
    """Where a process stands, as its picture shows it."""

    def sum_of(*states: str) -> dict[str, int]:
        sums = {name: sum(by.get(state, 0) for state in states) for name, by in story.counts.items()}
        return {name: count for name, count in sums.items() if count}

    # An event that is armed on the border of a step is no place where the process stands.
    current = {name: count for name, count in sum_of(*_OPEN).items() if "__" not in name}
    taken_back = set(_taken_back(story))
    return ChartState(
        done={**sum_of("DONE"), **dict.fromkeys((event for event, _ in taken_back), 1)},
        current=current,
        failed=sum_of("ERROR"),
        canceled={name: count for name, count in sum_of("CANCELED").items() if "__" not in name},
        passed=story.passed | taken_back,
    )


def _taken_back(story: ProcessDetail) -> Iterator[tuple[str, str]]:
    """The ways of compensation events. They are no tasks: a handler's task follows the step that it takes back."""
    flow_class: Any = story.process.flow_class
    for node in flow_class.definition.nodes.values() if flow_class is not None else ():
        if node.compensates:
            for edge in node.outgoing:
                if (node.host.name, edge.target.name) in story.passed:
                    yield node.name, edge.target.name


def _links(story: ProcessDetail) -> dict[str, str]:
    return {
        task.flow_task: url_for("portal.tasks.detail", task_id=task.id) for task in reversed(story.open_tasks)
    }


def _story_or_refuse(process_id: int) -> ProcessDetail:
    number = to_id(process_id)
    story = queries.story(db.session(), me(), number) if number is not None else None
    if story is None:
        abort(404, gettext("There is no such process."))
    if not story.visible:
        abort(403, gettext("You have no access to this process. %(NOT_SEEN)s", NOT_SEEN=NOT_SEEN))
    g.subject = ("process", story.process.id)
    g.badges = story.badges
    return story
