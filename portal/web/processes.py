"""Processes: the list, and one of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, abort, g, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from portal import queries, render
from portal.engine import actions, lifecycle
from portal.errors import PermissionDenied, TransitionNotAllowed
from portal.language import lazy_gettext as _
from portal.models import db
from portal.queries import Filters, ProcessDetail
from portal.render import ChartState

from . import navigation
from .accounts.sign_in import require_login
from .display.values import rows_of
from .display.words import PROCESS_ACTIONS
from .files import Files
from .flows import picture
from .layout import me
from .lists import Addresses, filters_of_request, flow_choices
from .lookups import NOT_SEEN, process_or_refuse
from .messages import flash
from .navigation import Entry
from .tasks.context import artifact_of
from .urls import see_other, to_id, way_back

blueprint = Blueprint("processes", __name__)
blueprint.before_request(require_login)
navigation.register(
    Entry("mine", _("My requests"), "person-lines-fill", "portal.processes.index", 40, {"mine": 1}),
    Entry("processes", _("Processes"), "diagram-3", "portal.processes.index", 60),
)

_OPEN = ("NEW", "ASSIGNED", "SCHEDULED", "STARTED")


@blueprint.get("/processes")
def index() -> str:
    filters: Filters = filters_of_request()
    page = queries.processes(db.session(), me(), filters)
    return render_template(
        "portal/processes.html",
        page=page,
        places=queries.places(db.session(), [process.id for process in page]),
        attention=queries.attention(db.session(), page),
        filters=filters,
        addresses=Addresses(url_for("portal.processes.index"), filters, queries.PROCESS_ORDERS),
        flow_choices=flow_choices(),
    )


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
        actions=offered(story.process),
        manages=me().manages(story.process.flow_label),
    )


@blueprint.get("/processes/<int:process_id>/chart.svg")
def chart(process_id: int) -> Response:
    story = _story_or_refuse(process_id)
    flow_class = story.process.flow_class
    if flow_class is None:
        abort(404, "The code no longer has the flow of this process.")
    story.counts, story.passed = queries.progress(db.session(), process_id)
    return picture(render.svg(flow_class, chart_state(story), standalone=True))


@blueprint.route("/processes/<int:process_id>/<any(cancel,suspend,resume):action>", methods=["GET", "POST"])
def act(process_id: int, action: str) -> BaseResponse | str:
    process = process_or_refuse(process_id)
    lifecycle.check_process(action, process)
    if not me().manages(process.flow_label):
        raise PermissionDenied("Only a manager of the flow may do this.")
    address = url_for("portal.processes.detail", process_id=process_id)
    if request.method != "POST":
        return render_template(
            "portal/ask.html",
            process=process,
            asked=PROCESS_ACTIONS[action],
            action=action,
            address=url_for("portal.processes.act", process_id=process_id, action=action),
            back=way_back(address),
        )
    do = {"cancel": actions.cancel_process, "suspend": actions.suspend, "resume": actions.resume}[action]
    do(db.session(), process_id, me().id)
    flash(f"{PROCESS_ACTIONS[action].done}: process {process_id}.", "success")
    return see_other(way_back(address))


def offered(process: Any) -> list[str]:
    """The actions that the page of a process has buttons for."""
    if not me().manages(process.flow_label):
        return []
    found = []
    for name in ("resume", "suspend", "cancel"):
        try:
            lifecycle.check_process(name, process)
        except TransitionNotAllowed:
            continue
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
        abort(404, "There is no such process.")
    if not story.visible:
        abort(403, f"You have no access to this process. {NOT_SEEN}")
    g.subject = ("process", story.process.id)
    g.badges = story.badges
    return story
