"""What the API answers, as marshmallow schemas from which its document is made."""

from __future__ import annotations

from functools import cache
from typing import Any

from marshmallow import Schema, fields, validate

from portal.engine.lifecycle import PROCESS_STATES, STATES


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


class CalledSchema(Schema):
    process = _nullable(fields.Integer, required=True)


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
