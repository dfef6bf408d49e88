"""External tasks: programs fetch, lock and complete what `flow.ExternalTask` waits for, in the words of Camunda."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from flask import abort, current_app
from sqlalchemy.orm import contains_eager, joinedload
from werkzeug.wrappers import Response as BaseResponse

from portal.engine import external
from portal.errors import PermissionDenied
from portal.flow.activation import Activation
from portal.jsonstore import storable
from portal.models import Task, User, db
from portal.web.files import Files
from portal.web.layout import me
from portal.web.lookups import task_or_refuse
from portal.web.problems import Invalid

from . import representations
from .bodies import (
    BpmnErrorBody,
    CompleteBody,
    ExtendBody,
    ExternalTaskQuery,
    FailureBody,
    FetchBody,
    LockBody,
)
from .calls import demand_fitting, demand_keywords, telling
from .lists import cursor, keyed
from .processes import enter
from .repeats import once
from .resource import Blueprint, needs, page, reply
from .schemas import ExternalTaskSchema, FetchedSchema, page_of

blueprint = Blueprint("external", __name__)
TASKS = page_of(ExternalTaskSchema)


@blueprint.route("/external-tasks", tags=["External tasks"])
@needs("work")
@blueprint.arguments(ExternalTaskQuery, location="query")
@blueprint.response(200, TASKS)
def index(query: dict[str, Any]) -> BaseResponse:
    """The open external tasks that one's programs may work on, in the order in which they came."""
    wanted = external.waiting(me(), query["topic"].replace("\0", ""))
    wanted = wanted.where(Task.id > cursor(query["after"]))
    wanted = wanted.options(contains_eager(Task.process), joinedload(Task.owner).lazyload(User.roles))
    found, after = keyed(wanted, Task.id, query["limit"])
    return page(TASKS(), [_representation(task) for task in found], after)


@blueprint.route("/external-tasks/<int:task_id>", tags=["External tasks"])
@needs("work")
@blueprint.response(200, ExternalTaskSchema)
def detail(task_id: int) -> BaseResponse:
    """An external task, with the data of its process."""
    return reply(ExternalTaskSchema(), _representation(_task(task_id)))


@blueprint.route("/external-tasks/fetch-and-lock", methods=["POST"], tags=["External tasks"])
@needs("work", once=True)
@blueprint.arguments(FetchBody)
@blueprint.response(200, FetchedSchema)
def fetch_and_lock(body: dict[str, Any]) -> BaseResponse:
    """Lock tasks of some topics that no other program has, the longest waiting first, and get their data."""
    worker = _text(body, "worker_id")
    topics = {each["topic_name"].replace("\0", ""): _span(each["lock_duration"]) for each in body["topics"]}
    external.recover(db.session())

    def act() -> BaseResponse:
        found = external.fetch_and_lock(
            db.session(), me(), worker, topics, limit=body["max_tasks"], tell=_representation
        )
        return reply(FetchedSchema(), {"items": found})

    return once(act)


@blueprint.route("/external-tasks/<int:task_id>/complete", methods=["POST"], tags=["External tasks"])
@needs("work", once=True)
@blueprint.arguments(CompleteBody)
@blueprint.response(204)
def complete(body: dict[str, Any], task_id: int) -> BaseResponse:
    """The work is done; `data` goes to the function of the node, or into the fields of the process."""
    write = _writer(_task(task_id), body["data"])
    return _once(task_id, body, lambda lock: external.complete(db.session(), lock, write))


@blueprint.route("/external-tasks/<int:task_id>/failure", methods=["POST"], tags=["External tasks"])
@needs("work", once=True)
@blueprint.arguments(FailureBody)
@blueprint.response(204)
def failure(body: dict[str, Any], task_id: int) -> BaseResponse:
    """The work has failed. `retries` says how many tries are left: with none the task becomes an incident."""
    _task(task_id)
    wait = body.get("retry_timeout")
    message, details = storable(body["error_message"]), storable(body["error_details"])
    given: dict[str, Any] = {"left": body.get("retries"), "wait": None if wait is None else _span(wait)}
    return _once(task_id, body, lambda lock: external.fail(db.session(), lock, message, details, **given))


@blueprint.route("/external-tasks/<int:task_id>/bpmn-error", methods=["POST"], tags=["External tasks"])
@needs("work", once=True)
@blueprint.arguments(BpmnErrorBody)
@blueprint.response(204)
def bpmn_error(body: dict[str, Any], task_id: int) -> BaseResponse:
    """The work has come to an error that the flow knows: `.OnError(…, code=…)` on the task catches it."""
    task = _task(task_id)
    write = _writer(task, body["data"]) if body["data"] else None
    code, message = storable(body["error_code"]), storable(body["error_message"])
    return _once(task_id, body, lambda lock: external.throw(db.session(), lock, code, message, write))


@blueprint.route("/external-tasks/<int:task_id>/extend-lock", methods=["POST"], tags=["External tasks"])
@needs("work", once=True)
@blueprint.arguments(ExtendBody)
@blueprint.response(204)
def extend_lock(body: dict[str, Any], task_id: int) -> BaseResponse:
    """Hold the lock for a while from now on, and tell how far the work is."""
    _task(task_id)
    progress = body.get("progress")
    if progress is not None:
        progress = progress | {"message": storable(progress["message"])}
    span = _span(body["new_duration"])
    return _once(task_id, body, lambda lock: external.extend(db.session(), lock, span, progress))


@blueprint.route("/external-tasks/<int:task_id>/unlock", methods=["POST"], tags=["External tasks"])
@needs("work", once=True)
@blueprint.arguments(LockBody)
@blueprint.response(204)
def unlock(body: dict[str, Any], task_id: int) -> BaseResponse:
    """Hand a task back undone: another program can fetch it at once."""
    _task(task_id)
    return _once(task_id, body, lambda lock: external.unlock(db.session(), lock))


def _once(task_id: int, body: dict[str, Any], act: Callable[[external.Lock], None]) -> BaseResponse:
    lock = external.Lock(task_id, me(), _text(body, "worker_id"), body.get("attempt"))

    def done() -> BaseResponse:
        act(lock)
        answer: BaseResponse = current_app.response_class(status=204)
        return answer

    return once(done, task=task_id)


def _task(task_id: int) -> Task:
    """An external task that programs of the caller may work on."""
    task = task_or_refuse(task_id)
    node: Any = task.node
    if node is None or node.topic is None:
        abort(404, "This is no external task.")
    if not external.may_work(me(), node):
        raise PermissionDenied("Whose program works on this manages the flow or holds its permission.")
    return task


def _writer(task: Task, data: dict[str, Any]) -> Callable[[Activation], object]:
    """The function that writes the result of the work to the process."""
    node: Any = task.node
    if node.func is None:
        return lambda activation: enter(activation.process, data)
    demand_keywords(data)
    demand_fitting(node, data)
    return lambda activation: _call(activation, data)


def _call(activation: Activation, data: dict[str, Any]) -> None:
    node: Any = activation.node
    with telling():
        node.call(node.func, activation, **data)


def _text(body: dict[str, Any], name: str) -> str:
    """A name that a database can keep."""
    text: str = body[name]
    if storable(text) != text or not text.strip():
        raise Invalid({name: ["This is no name."]})
    return text


def _span(milliseconds: int) -> dt.timedelta:
    return dt.timedelta(milliseconds=milliseconds)


def _representation(task: Task) -> dict[str, Any]:
    node: Any = task.node
    failed = (task.data or {}).get("_exception") or {}
    locked = task.status == "STARTED"
    of = max(failed.get("of", 0), node.retries + 1)
    return representations.task(task) | {
        "topic_name": node.topic,
        "worker_id": task.external_task_id if locked else None,
        "lock_expiration": task.lease if locked else None,
        "attempt": task.attempt,
        "retries": max(of - failed.get("tries", 0), 0),
        "error_message": failed.get("message"),
        "data": representations.values(task.process, Files(task.process), me()),
    }
