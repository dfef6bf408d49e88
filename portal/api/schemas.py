"""What is sent and answered, as the document describes it."""

from __future__ import annotations

from functools import cache
from typing import Any

from marshmallow import Schema, fields, validate

from portal.engine.comments import LONGEST
from portal.engine.lifecycle import PROCESS_STATES, STATES

#: characters of a reason
LONGEST_REASON = 2000


def _nullable(field: type[fields.Field[Any]], **options: Any) -> Any:
    return field(allow_none=True, **options)


class PersonSchema(Schema):
    username = fields.String(required=True)
    name = fields.String(required=True)


class ProblemSchema(Schema):
    """Problem details (RFC 9457)."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String()
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"description": "The messages by field; an empty name is for what is of no single one."},
    )
    reference = fields.String(metadata={"description": "Finds the request in the log."})


class FileDetailSchema(Schema):
    id = fields.String(required=True)
    name = fields.String(required=True)
    type = fields.String(required=True)
    size = fields.Integer(required=True, metadata={"description": "In bytes."})
    created = fields.DateTime(required=True)
    user = fields.Nested(PersonSchema, required=True, allow_none=True)
    url = fields.String(required=True)


class StartSchema(Schema):
    flow = fields.String(required=True)
    node = fields.String(required=True)
    title = fields.String(required=True)
    description = fields.String(required=True)


class StartFormSchema(StartSchema):
    schema = fields.Dict(
        required=True, metadata={"description": "The JSON Schema (draft 2020-12) of `data`."}
    )


class FlowSchema(Schema):
    label = fields.String(required=True)
    title = fields.String(required=True)
    description = fields.String(required=True)
    category = fields.String(required=True)
    keywords = fields.List(fields.String(), required=True)
    starts = fields.List(fields.Nested(StartSchema), required=True)


class StepSchema(Schema):
    node = fields.String(required=True)
    kind = fields.String(required=True)
    title = fields.String(required=True)


class FlowDetailSchema(FlowSchema):
    steps = fields.List(fields.Nested(StepSchema), required=True)


class ProcessSchema(Schema):
    id = fields.Integer(required=True)
    flow = fields.String(required=True)
    title = fields.String(required=True, metadata={"description": "Of the flow."})
    status = fields.String(required=True, validate=validate.OneOf(PROCESS_STATES))
    on_hold = fields.Boolean(
        required=True, metadata={"description": "It, or one that has called it, is suspended."}
    )
    summary = fields.String(required=True)
    created = fields.DateTime(required=True)
    created_by = fields.Nested(PersonSchema, required=True, allow_none=True)
    finished = _nullable(fields.DateTime, required=True)


class ArtifactSchema(Schema):
    type = fields.String(required=True)
    data = fields.Dict(required=True)


class ProcessDetailSchema(ProcessSchema):
    parent_task = _nullable(
        fields.Integer, required=True, metadata={"description": "The task that has called it."}
    )
    data = fields.Dict(required=True, metadata={"description": "The values of the flow's fields."})
    artifact = fields.Nested(ArtifactSchema, required=True, allow_none=True)
    actions = fields.List(
        fields.String(), required=True, metadata={"description": "What the caller may do now."}
    )


class TaskSchema(Schema):
    id = fields.Integer(required=True)
    number = fields.Integer(required=True, metadata={"description": "1, 2, 3 … within its process."})
    process = fields.Integer(required=True)
    flow = fields.String(required=True)
    node = fields.String(required=True)
    kind = fields.String(required=True)
    title = fields.String(required=True)
    summary = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATES))
    owner = fields.Nested(PersonSchema, required=True, allow_none=True)
    created = fields.DateTime(required=True)
    finished = _nullable(fields.DateTime, required=True)
    due = _nullable(fields.DateTime, required=True)
    priority = fields.Integer(required=True)


class TaskDetailSchema(TaskSchema):
    acting_for = fields.Nested(
        PersonSchema,
        required=True,
        allow_none=True,
        metadata={"description": "Who is away, and for whom the owner does it."},
    )
    assigned = _nullable(fields.DateTime, required=True)
    started = _nullable(fields.DateTime, required=True)
    data = fields.Dict(required=True, metadata={"description": "The values of the fields of its process."})
    actions = fields.List(
        fields.String(), required=True, metadata={"description": "What the caller may do now."}
    )
    schema = fields.Dict(
        required=True,
        allow_none=True,
        metadata={"description": "The JSON Schema of the `data` of `execute`, while the task has a form."},
    )


class EventSchema(Schema):
    id = fields.Integer(required=True)
    created = fields.DateTime(required=True)
    user = fields.Nested(PersonSchema, required=True, allow_none=True)
    flow = fields.String(required=True)
    process = fields.Integer(required=True)
    task = _nullable(fields.Integer, required=True)
    node = _nullable(fields.String, required=True)
    title = _nullable(fields.String, required=True)
    action = fields.String(required=True)
    from_state = _nullable(fields.String, required=True)
    to_state = fields.String(required=True)
    reason = _nullable(fields.String, required=True)
    acting_for = _nullable(
        fields.String,
        required=True,
        metadata={"description": "The user name of who was away, and for whom the user stood in."},
    )
    rule = _nullable(
        fields.String, required=True, metadata={"description": "The rule of the flow that chose the owner."}
    )


class ExternalTaskSchema(TaskSchema):
    topic_name = fields.String(required=True)
    worker_id = _nullable(fields.String, required=True, metadata={"description": "Who has locked it."})
    lock_expiration = _nullable(fields.DateTime, required=True)
    attempt = fields.Integer(
        required=True,
        metadata={"description": "Of this lock; who sends it is never taken for an earlier one."},
    )
    retries = fields.Integer(
        required=True, metadata={"description": "How many tries are left, the one under way among them."}
    )
    error_message = _nullable(fields.String, required=True, metadata={"description": "Of the last failure."})
    data = fields.Dict(required=True, metadata={"description": "The values of the fields of its process."})


class FetchedSchema(Schema):
    items = fields.List(fields.Nested(ExternalTaskSchema), required=True)


class CommentSchema(Schema):
    id = fields.Integer(required=True)
    created = fields.DateTime(required=True)
    author = fields.Nested(PersonSchema, required=True)
    task = _nullable(fields.Integer, required=True)
    text = fields.String(required=True, metadata={"description": "Markdown; empty once it is removed."})
    removed = fields.Boolean(required=True)


class ReportStepSchema(Schema):
    node = fields.String(required=True)
    title = fields.String(required=True)
    open = fields.Integer(required=True)
    late = fields.Integer(required=True)
    failed = fields.Integer(required=True)
    oldest = _nullable(fields.DateTime, required=True)


class ReportSchema(Schema):
    flow = fields.String(required=True)
    since = _nullable(fields.Date, required=True)
    until = _nullable(fields.Date, required=True)
    started = fields.Integer(required=True)
    finished = fields.Integer(required=True)
    states = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    steps = fields.List(fields.Nested(ReportStepSchema), required=True)


class RoleSchema(Schema):
    name = fields.String(required=True)
    permissions = fields.List(fields.String(), required=True)


class PersonDetailSchema(PersonSchema):
    email = _nullable(fields.String, required=True)
    active = fields.Boolean(required=True)
    superuser = fields.Boolean(required=True)
    roles = fields.List(fields.String(), required=True)
    permissions = fields.List(fields.String(), required=True)


@cache
def page_of(schema: type[Schema]) -> type[Schema]:
    """The schema of a page of a list."""
    made: Any = Schema.from_dict(
        {
            "items": fields.List(fields.Nested(schema), required=True),
            "next": fields.String(
                required=True,
                allow_none=True,
                metadata={"description": "What `after` asks for the next page; null on the last one."},
            ),
        },
        name=schema.__name__.removesuffix("Schema") + "PageSchema",
    )
    return made  # type: ignore[no-any-return]


# -- what is sent


class PageQuery(Schema):
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 200))
    after = fields.String(load_default="", metadata={"description": "`next` of the page before."})


class ListQuery(PageQuery):
    q = fields.String(metadata={"description": "A number, or words."})
    flow = fields.String()
    version = fields.String(
        metadata={
            "description": "With `flow`: a fingerprint or its beginning, or `old` for all but the present one."
        }
    )
    step = fields.String()
    person = fields.String(metadata={"description": "A user name: whose task, or who started the process."})
    state = fields.String()
    due = fields.String(metadata={"description": "`late`, `today`, `week` or `none`."})
    since = fields.String(metadata={"description": "A date, included."})
    until = fields.String(metadata={"description": "A date, included."})
    priority = fields.String()
    sort = fields.String()
    view = fields.String(metadata={"description": "The number of a saved view of the caller's."})


class TaskListQuery(ListQuery):
    list = fields.String(
        load_default="tasks",
        validate=validate.OneOf(("tasks", "inbox", "queue", "archive")),
        metadata={"description": "Every open task that one may see, or one of the caller's own lists."},
    )


class ProcessListQuery(ListQuery):
    mine = fields.Boolean(load_default=False, metadata={"description": "Only what the caller has started."})


class PeopleQuery(PageQuery):
    q = fields.String(load_default="", metadata={"description": "The beginning of a name."})


class ReportQuery(Schema):
    since = fields.Date(load_default=None)
    until = fields.Date(load_default=None)


class EventQuery(PageQuery):
    flow = fields.String(load_default="")


class LogQuery(EventQuery):
    limit = fields.Integer(load_default=1000, validate=validate.Range(1, 5000))


class _OcelType(Schema):
    name = fields.String(required=True)
    attributes = fields.List(fields.Dict(keys=fields.String(), values=fields.String()), required=True)


class _OcelThing(Schema):
    id = fields.String(required=True)
    type = fields.String(required=True)
    attributes = fields.List(fields.Dict(), required=True)
    relationships = fields.List(fields.Dict(keys=fields.String(), values=fields.String()), required=True)


class OcelEventSchema(_OcelThing):
    time = fields.String(required=True)


class OcelObjectSchema(_OcelThing):
    """A process, a task or a person."""


class OcelTypeSchema(_OcelType):
    """A kind of events or objects."""


class OcelSchema(Schema):
    """A log as of OCEL 2.0."""

    event_types = fields.List(fields.Nested(OcelTypeSchema), required=True, data_key="eventTypes")
    object_types = fields.List(fields.Nested(OcelTypeSchema), required=True, data_key="objectTypes")
    events = fields.List(fields.Nested(OcelEventSchema), required=True)
    objects = fields.List(fields.Nested(OcelObjectSchema), required=True)


def _reason() -> Any:
    return fields.String(
        validate=validate.Length(max=LONGEST_REASON), metadata={"description": "Kept in the history."}
    )


class StartBody(Schema):
    data = fields.Dict(load_default=dict, metadata={"description": "As the start's `schema` has it."})


class TaskActionBody(Schema):
    data = fields.Dict(metadata={"description": "Of `execute`: as the task's `schema` has it."})
    user = fields.String(metadata={"description": "Of `assign` and `reassign`: a user name."})
    to = fields.String(metadata={"description": "Of `move`: the name of a node."})
    until = fields.AwareDateTime(
        allow_none=True, metadata={"description": "Of `snooze`: until when; null ends it."}
    )
    reason = _reason()


class ProcessActionBody(Schema):
    reason = _reason()


class DataBody(Schema):
    data = fields.Dict(required=True, metadata={"description": "New values by field."})
    reason = _reason()


class ItemBody(Schema):
    task = fields.Integer(
        required=True, metadata={"description": "The id of the step that runs once for each item."}
    )
    item = fields.Raw(
        required=True, metadata={"description": "As the others are: of a split's branch an object."}
    )
    branch = fields.String(
        metadata={
            "description": "The node with which the branch of a split begins, where several have items."
        }
    )
    reason = _reason()


class CommentBody(Schema):
    text = fields.String(required=True, validate=validate.Length(1, LONGEST))
    task = fields.Integer(allow_none=True)


class MessageBody(Schema):
    process = fields.Integer(
        allow_none=True, metadata={"description": "The receiver; of a start handle there is none."}
    )
    data = fields.Dict(load_default=dict, metadata={"description": "The keywords of the function."})


class HandleBody(MessageBody):
    where = fields.Dict(
        metadata={
            "description": "Of a message catch: names the receiver by values of its fields, instead of `process`."
        }
    )


class CalledSchema(Schema):
    process = _nullable(fields.Integer, required=True)


#: milliseconds: a day, and a year
_DAY, _YEAR = 86_400_000, 31_536_000_000


def _milliseconds(least: int, most: int, description: str, **options: Any) -> Any:
    said = {"description": f"In milliseconds. {description}".strip()}
    return fields.Integer(strict=True, validate=validate.Range(least, most), metadata=said, **options)


def _whose() -> Any:
    said = {"description": "What the program calls itself; another one for each of its threads."}
    return fields.String(required=True, validate=validate.Length(1, 255), metadata=said)


class ExternalTaskQuery(PageQuery):
    topic = fields.String(load_default="")


class TopicBody(Schema):
    topic_name = fields.String(required=True, validate=validate.Length(1, 150))
    lock_duration = _milliseconds(1000, _DAY, "How long nobody else gets the task.", required=True)


class FetchBody(Schema):
    worker_id = _whose()
    max_tasks = fields.Integer(strict=True, load_default=10, validate=validate.Range(1, 100))
    topics = fields.List(fields.Nested(TopicBody), required=True, validate=validate.Length(1, 50))


class LockBody(Schema):
    worker_id = _whose()
    attempt = fields.Integer(
        strict=True, metadata={"description": "Of the lock, as it was fetched: refused when it is over."}
    )


class CompleteBody(LockBody):
    data = fields.Dict(load_default=dict, metadata={"description": "What came of the work, by field."})


class FailureBody(LockBody):
    error_message = fields.String(load_default="", validate=validate.Length(max=2000))
    error_details = fields.String(load_default="", validate=validate.Length(max=50_000))
    retries = fields.Integer(
        strict=True,
        validate=validate.Range(0, 1000),
        metadata={"description": "How many tries are left; as the flow says if it is left out."},
    )
    retry_timeout = _milliseconds(0, _YEAR, "Until it can be fetched again; as the flow says if left out.")


class BpmnErrorBody(CompleteBody):
    error_code = fields.String(required=True, validate=validate.Length(1, 255))
    error_message = fields.String(load_default="", validate=validate.Length(max=2000))


class ProgressBody(Schema):
    done = fields.Float(required=True)
    total = fields.Float(allow_none=True, load_default=None)
    message = fields.String(load_default="", validate=validate.Length(max=500))


class ExtendBody(LockBody):
    new_duration = _milliseconds(1000, _DAY, "From now on.", required=True)
    progress = fields.Nested(ProgressBody)


class SignalBody(Schema):
    """A signal carries nothing but its name, and is for every process: what a message has may be there, and empty."""

    process = fields.Integer(
        allow_none=True, validate=validate.Equal(None, error="A signal has no receiver.")
    )
    data = fields.Dict(validate=validate.Length(max=0, error="A signal carries no data."))
