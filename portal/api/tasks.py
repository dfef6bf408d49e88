"""Tasks: lists, one of them with the schema of its form, and what is done with it."""

from __future__ import annotations

from typing import Any, NamedTuple

from werkzeug.wrappers import Response as BaseResponse

from portal.engine import actions, lifecycle, permissions
from portal.engine.lifecycle import demand
from portal.errors import TransitionNotAllowed
from portal.flow.activation import Activation
from portal.language import gettext as _
from portal.models import Task, db
from portal.models.base import is_storable
from portal.web.files import Files
from portal.web.layout import me, now
from portal.web.lookups import task_or_refuse
from portal.web.problems import Invalid
from portal.web.tasks.actions import recipient
from portal.web.tasks.detail import offered

from . import representations
from .bodies import TaskActionBody, TaskListQuery
from .callers import demand_scope
from .form_schema import fill_in, form_schema
from .lists import read
from .repeats import once, with_tag
from .resource import TAG_HEADER, Blueprint, demand_reason, needs, page, reply
from .schemas import TaskDetailSchema, TaskSchema, page_of

blueprint = Blueprint("tasks", __name__)
TASKS = page_of(TaskSchema)


class Action(NamedTuple):
    """The scope that an action needs of a token, and the members of the body that it accepts."""

    scope: str
    takes: tuple[str, ...] = ()


ACTIONS: dict[str, Action] = {
    "assign": Action("work", ("user",)),
    "unassign": Action("work"),
    "reassign": Action("work", ("user",)),
    "execute": Action("work", ("data",)),
    "snooze": Action("work", ("until",)),
    "skip": Action("manage"),
    "move": Action("manage", ("to",)),
    "cancel": Action("manage"),
    "undo": Action("manage"),
    "revive": Action("manage"),
}


@blueprint.route("/tasks", tags=["Tasks"])
@needs("read")
@blueprint.arguments(TaskListQuery, location="query")
@blueprint.response(200, TASKS)
def index(query: dict[str, Any]) -> BaseResponse:
    """Tasks: every open one that one may see, or the inbox, the queue or the archive. `data.amount.gt=1000` and the
    like narrow a list of one `flow` by its fields."""
    found = read(query["list"], query)
    return page(TASKS(), [representations.task(task) for task in found], found.after)


@blueprint.route("/tasks/<int:task_id>", tags=["Tasks"])
@needs("read")
@blueprint.response(200, TaskDetailSchema, headers=TAG_HEADER)
def detail(task_id: int) -> BaseResponse:
    """A task, with the schema of its form while the caller can do it."""
    return with_tag(_detail(task_or_refuse(task_id)))


@blueprint.route(f"/tasks/<int:task_id>/<any({','.join(ACTIONS)}):action>", methods=["POST"], tags=["Tasks"])
@needs("work", once=True, match=True, asks=False)
@blueprint.arguments(TaskActionBody)
@blueprint.response(200, TaskDetailSchema, headers=TAG_HEADER)
def act(body: dict[str, Any], task_id: int, action: str) -> BaseResponse:
    """Do something with a task. `skip`, `move`, `cancel`, `undo` and `revive` need the scope `manage`."""
    known = ACTIONS[action]
    demand_scope(known.scope)
    strange = [name for name in body if name not in (*known.takes, "reason")]
    if strange:
        raise Invalid({name: [f"`{action}` takes no such thing."] for name in strange})
    demand_reason(body)
    task_or_refuse(task_id)
    return once(
        lambda: _act(task_id, action, body),
        task=task_id,
        state=lambda: with_tag(_detail(task_or_refuse(task_id))),
    )


def _act(task_id: int, action: str, body: dict[str, Any]) -> BaseResponse:
    task = task_or_refuse(task_id)
    demand(action, task, me())
    arguments = _arguments(task, action, body)
    with actions.activation(db.session(), task_id, me()) as activation:
        if action == "execute":
            demand(action, activation.task, me())
            _execute(activation, body)
        else:
            getattr(activation, action)(*arguments, reason=body.get("reason"))
    return with_tag(_detail(task_or_refuse(task_id)))


def _arguments(task: Task, action: str, body: dict[str, Any]) -> tuple[Any, ...]:
    """What an action needs beside its task.

    Raises:
        Invalid: it is missing, or no such thing.
    """
    username = body.get("user", "").strip()
    if action == "assign" and not username:
        return (me(),)
    if action in ("assign", "reassign"):
        person, fault = recipient(task, username)
        if person is None:
            raise Invalid({"user": [fault]})
        return (person,)
    if action == "move":
        flow_class: Any = task.process.flow_class
        if body.get("to") not in (flow_class.definition.nodes if flow_class is not None else {}):
            raise Invalid({"to": ["The flow has no such step."]})
        return (body["to"],)
    if action == "snooze":
        if "until" not in body:
            raise Invalid({"until": ["Say until when, or null to end it."]})
        until = body["until"]
        if until is not None and not (is_storable(until) and until > now()):
            raise Invalid({"until": [_("Choose a moment that is still ahead.")]})
        return (until,)
    return ()


def _execute(activation: Activation, body: dict[str, Any]) -> None:
    if not fill_in(activation, body.get("data", {})):
        activation.execute(body.get("reason"))


def _detail(task: Task) -> BaseResponse:
    user = me()
    files = Files(task.process, visible=permissions.may_see_process(db.session(), user, task.process))
    found = representations.task(task) | {
        "acting_for": representations.person(task.acting_for),
        "assigned": task.assigned,
        "started": task.started,
        "data": representations.values(task.process, files, user),
        "actions": [name for name in offered(task, user) if name in ACTIONS],
        "schema": _schema(task),
    }
    return reply(TaskDetailSchema(), found)


def _schema(task: Task) -> dict[str, Any] | None:
    """The schema of a task's form for who can fill it in, or could take the task."""
    user = me()
    try:
        lifecycle.check("assign" if task.status == "NEW" else "execute", task)
    except TransitionNotAllowed:
        return None
    fit = (
        permissions.may_take(db.session(), user, task)
        if task.status == "NEW"
        else permissions.may_finish(user, task)
    )
    return form_schema(actions.reading(db.session(), task, user)) if fit else None
