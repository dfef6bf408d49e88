"""Processes: the list, one of them with what belongs to it, and what is done with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import contains_eager, joinedload
from werkzeug.wrappers import Response as BaseResponse

from portal import queries
from portal.engine import actions, operations, visibility
from portal.engine.lifecycle import demand_process
from portal.errors import InvalidForm, PortalError
from portal.models import Event, Process, Task, User, db
from portal.web import process_data
from portal.web.files import Files
from portal.web.forms.build import process_form
from portal.web.layout import me
from portal.web.lookups import process_or_refuse
from portal.web.problems import Invalid, flattened
from portal.web.processes import correctable, offered
from portal.web.tasks.given import my_zone
from portal.web.urls import to_id

from . import representations
from .bodies import DataBody, ItemBody, PageQuery, ProcessActionBody, ProcessListQuery
from .callers import demand_scope
from .form_schema import entries_of
from .lists import cursor, keyed, read
from .repeats import demand_condition, once, with_tag
from .resource import TAG_HEADER, Blueprint, demand_reason, needs, page, reply
from .schemas import EventSchema, ProcessDetailSchema, ProcessSchema, TaskSchema, page_of

blueprint = Blueprint("processes", __name__)
PROCESSES, TASKS, EVENTS = page_of(ProcessSchema), page_of(TaskSchema), page_of(EventSchema)

#: what is done; that a process is moved to its flow as it is now asks for more than a reason
ACTIONS = tuple(name for name in operations.PROCESS_ACTIONS if name != "migrate")


@blueprint.route("/processes", tags=["Processes"])
@needs("read")
@blueprint.arguments(ProcessListQuery, location="query")
@blueprint.response(200, PROCESSES)
def index(query: dict[str, Any]) -> BaseResponse:
    """The processes that one may see, the newest first. `data.amount.gt=1000` and the like narrow those of one `flow`
    by its fields; the state `attention` finds what failed or is stuck."""
    found = read("mine" if query["mine"] else "processes", query)
    return page(PROCESSES(), [representations.process(each) for each in found], found.after)


@blueprint.route("/processes/<int:process_id>", tags=["Processes"])
@needs("read")
@blueprint.response(200, ProcessDetailSchema, headers=TAG_HEADER)
def detail(process_id: int) -> BaseResponse:
    """A process with its data."""
    return with_tag(detail_of(process_id))


@blueprint.route("/processes/<int:process_id>/tasks", tags=["Processes"])
@needs("read")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, TASKS)
def tasks(query: dict[str, Any], process_id: int) -> BaseResponse:
    """All tasks of a process by their numbers, also those that are over."""
    process_or_refuse(process_id)
    query_of = (
        select(Task)
        .join(Task.process)
        .where(Task.process_id == process_id, Task.id > cursor(query["after"]))
        .options(contains_eager(Task.process), joinedload(Task.owner).lazyload(User.roles))
    )
    found, after = keyed(query_of, Task.id, query["limit"])
    return page(TASKS(), [representations.task(each) for each in found], after)


@blueprint.route("/processes/<int:process_id>/events", tags=["Processes"])
@needs("read")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, EVENTS)
def events(query: dict[str, Any], process_id: int) -> BaseResponse:
    """The history of a process, from its beginning."""
    process = process_or_refuse(process_id)
    query_of = (
        select(Event)
        .where(Event.process_id == process_id, Event.id > cursor(query["after"]))
        .options(joinedload(Event.task).lazyload(Task.owner), joinedload(Event.user).lazyload(User.roles))
    )
    found, after = keyed(query_of, Event.id, query["limit"])
    return page(EVENTS(), [representations.event(each, process, each.task) for each in found], after)


@blueprint.route(
    f"/processes/<int:process_id>/<any({','.join(ACTIONS)}):action>", methods=["POST"], tags=["Processes"]
)
@needs("manage", once=True, match=True, asks=False)
@blueprint.arguments(ProcessActionBody)
@blueprint.response(200, ProcessDetailSchema, headers=TAG_HEADER)
def act(body: dict[str, Any], process_id: int, action: str) -> BaseResponse:
    """Do something with a whole process. `withdraw` is for who has started it, and needs the scope `work` instead."""
    demand_scope("work" if action == "withdraw" else "manage")
    demand_reason(body)
    process_or_refuse(process_id)
    return once_on(process_id, lambda: _act(process_id, action, body.get("reason")))


def once_on(process_id: int, act: Callable[[], BaseResponse | None]) -> BaseResponse:
    """Change a process, unless this very request has done so before or the process is not as `If-Match` says.

    Args:
        act: the answer, where it is not the process as it is then.
    """

    def answer() -> BaseResponse:
        return act() or with_tag(detail_of(process_id))

    return once(answer, process=process_id, state=lambda: with_tag(detail_of(process_id)))


def _act(process_id: int, action: str, reason: str | None) -> None:
    demand_process(action, process_or_refuse(process_id), me())
    operations.PROCESS_ACTIONS[action](db.session(), process_id, me().id, reason)


@blueprint.route("/processes/<int:process_id>/data", methods=["PATCH"], tags=["Processes"])
@needs("manage", once=True, match=True)
@blueprint.arguments(DataBody)
@blueprint.response(200, ProcessDetailSchema, headers=TAG_HEADER)
def change_data(body: dict[str, Any], process_id: int) -> BaseResponse:
    """Change some fields of a process; the others stay as they are. Needs `If-Match`: 428 without it."""
    process_or_refuse(process_id)
    demand_condition()
    demand_reason(body)
    return once_on(process_id, lambda: _change(process_id, body["data"], body.get("reason")))


def _change(process_id: int, data: dict[str, Any], reason: str | None) -> None:
    demand_process("data", process_or_refuse(process_id), me())
    with actions.changing_data(db.session(), process_id, me(), reason) as found:
        enter(found, data)


@blueprint.route("/processes/<int:process_id>/add", methods=["POST"], tags=["Processes"])
@needs("manage", once=True, match=True)
@blueprint.arguments(ItemBody)
@blueprint.response(200, ProcessDetailSchema, headers=TAG_HEADER)
def add_item(body: dict[str, Any], process_id: int) -> BaseResponse:
    """Add an item to a step that runs once for each, while it does."""
    demand_reason(body)
    process_or_refuse(process_id)
    return once_on(process_id, lambda: _add(process_id, body))


def _add(process_id: int, body: dict[str, Any]) -> None:
    demand_process("add", process_or_refuse(process_id), me())
    values: dict[str, Any] = {"reason": body.get("reason"), "branch": body.get("branch")}
    task_id = to_id(body["task"]) or 0  # a number that no id can have is of no task
    try:
        actions.add_item(db.session(), process_id, task_id, body["item"], me().id, **values)
    except ValueError as error:
        raise Invalid({"item": [str(error)]}) from error
    except PortalError as error:
        if type(error) is PortalError:
            raise Invalid({"item": [str(error)]}) from error
        raise


def enter(process: Process, data: dict[str, Any]) -> None:
    """Send the fields that are named through their form.

    Raises:
        Invalid: there is no such field, or it cannot have such a value.
    """
    hidden = visibility.hidden_fields(me(), process)
    known = [name for name in correctable(type(process)) if name not in hidden]
    unknown = [name for name in data if name not in known]
    if unknown:
        raise Invalid({name: ["There is no such field."] for name in unknown})
    form_class = process_form(type(process), list(data))
    meta = {"timezone": my_zone(), "files": Files(process)}
    shown = form_class(formdata=None, obj=process, meta=meta)
    form = form_class(formdata=entries_of(shown, data), obj=process, meta=meta)
    if not form.validate():
        raise Invalid(dict(flattened(form.errors)))
    try:
        process_data.store(form, process)
    except InvalidForm as error:
        raise Invalid.form(error) from error


def detail_of(process_id: int, status: int = 200) -> BaseResponse:
    """A process that the caller may see, with its data."""
    process = process_or_refuse(process_id)
    files = Files(process)
    manages = process.finished is None and me().manages(process.flow_label)
    failed = manages and process.id in queries.attention(db.session(), [process])
    found = representations.process(process) | {
        "parent_task": process.parent_task_id,
        "data": representations.values(process, files, me()),
        "artifact": representations.artifact(process, files, me()),
        "actions": offered(process, failed),
    }
    return reply(ProcessDetailSchema(), found, status)
