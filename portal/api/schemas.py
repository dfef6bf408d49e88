"""What the API answers, as marshmallow schemas from which its document is made."""

from __future__ import annotations

from functools import cache
from typing import Any

from marshmallow import Schema, fields, validate

from portal.engine.lifecycle import PROCESS_STATES, STATES


def about(text: str) -> dict[str, str]:
    """What the document says of a field."""
    return {"description": text}


class Answer(Schema):
    """What is answered has all of its members, each null where there is nothing."""

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        field_obj.required = True


class PersonSchema(Answer):
    username = fields.String()
    name = fields.String()


class ProblemSchema(Schema):
    """Problem details (RFC 9457)."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String()
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata=about("The messages by field; an empty name is for what is of no single one."),
    )
    reference = fields.String(metadata=about("Finds the request in the log."))


class FileDetailSchema(Answer):
    id = fields.String()
    name = fields.String()
    type = fields.String()
    size = fields.Integer(metadata=about("In bytes."))
    created = fields.DateTime()
    user = fields.Nested(PersonSchema, allow_none=True)
    url = fields.String()


class StartSchema(Answer):
    flow = fields.String()
    node = fields.String()
    title = fields.String()
    description = fields.String()


class StartFormSchema(StartSchema):
    schema = fields.Dict(metadata=about("The JSON Schema (draft 2020-12) of `data`."))


class FlowSchema(Answer):
    label = fields.String()
    title = fields.String()
    description = fields.String()
    category = fields.String()
    keywords = fields.List(fields.String())
    starts = fields.List(fields.Nested(StartSchema))


class StepSchema(Answer):
    node = fields.String()
    kind = fields.String()
    title = fields.String()


class FlowDetailSchema(FlowSchema):
    steps = fields.List(fields.Nested(StepSchema))


class ProcessSchema(Answer):
    id = fields.Integer()
    flow = fields.String()
    title = fields.String(metadata=about("Of the flow."))
    status = fields.String(validate=validate.OneOf(PROCESS_STATES))
    on_hold = fields.Boolean(metadata=about("It, or one that has called it, is suspended."))
    summary = fields.String()
    created = fields.DateTime()
    created_by = fields.Nested(PersonSchema, allow_none=True)
    finished = fields.DateTime(allow_none=True)


class ArtifactSchema(Answer):
    type = fields.String()
    data = fields.Dict()


class ProcessDetailSchema(ProcessSchema):
    parent_task = fields.Integer(allow_none=True, metadata=about("The task that has called it."))
    data = fields.Dict(metadata=about("The values of the flow's fields."))
    artifact = fields.Nested(ArtifactSchema, allow_none=True)
    actions = fields.List(fields.String(), metadata=about("What the caller may do now."))


class TaskSchema(Answer):
    id = fields.Integer()
    number = fields.Integer(metadata=about("1, 2, 3 … within its process."))
    process = fields.Integer()
    flow = fields.String()
    node = fields.String()
    kind = fields.String()
    title = fields.String()
    summary = fields.String()
    status = fields.String(validate=validate.OneOf(STATES))
    owner = fields.Nested(PersonSchema, allow_none=True)
    created = fields.DateTime()
    finished = fields.DateTime(allow_none=True)
    due = fields.DateTime(allow_none=True)
    priority = fields.Integer()


class TaskDetailSchema(TaskSchema):
    acting_for = fields.Nested(
        PersonSchema, allow_none=True, metadata=about("Who is away, and for whom the owner does it.")
    )
    assigned = fields.DateTime(allow_none=True)
    started = fields.DateTime(allow_none=True)
    data = fields.Dict(metadata=about("The values of the fields of its process."))
    actions = fields.List(fields.String(), metadata=about("What the caller may do now."))
    schema = fields.Dict(
        allow_none=True,
        metadata=about("The JSON Schema of the `data` of `execute`, while the task has a form."),
    )


class EventSchema(Answer):
    id = fields.Integer()
    created = fields.DateTime()
    user = fields.Nested(PersonSchema, allow_none=True)
    flow = fields.String()
    process = fields.Integer()
    task = fields.Integer(allow_none=True)
    node = fields.String(allow_none=True)
    title = fields.String(allow_none=True)
    action = fields.String()
    from_state = fields.String(allow_none=True)
    to_state = fields.String()
    reason = fields.String(allow_none=True)
    acting_for = fields.String(
        allow_none=True, metadata=about("The user name of who was away, and for whom the user stood in.")
    )
    rule = fields.String(allow_none=True, metadata=about("The rule of the flow that chose the owner."))


class ExternalTaskSchema(TaskSchema):
    topic_name = fields.String()
    worker_id = fields.String(allow_none=True, metadata=about("Who has locked it."))
    lock_expiration = fields.DateTime(allow_none=True)
    attempt = fields.Integer(metadata=about("Of this lock; who sends it is never taken for an earlier one."))
    retries = fields.Integer(metadata=about("How many tries are left, the one under way among them."))
    error_message = fields.String(allow_none=True, metadata=about("Of the last failure."))
    data = fields.Dict(metadata=about("The values of the fields of its process."))


class FetchedSchema(Answer):
    items = fields.List(fields.Nested(ExternalTaskSchema))


class CommentSchema(Answer):
    id = fields.Integer()
    created = fields.DateTime()
    author = fields.Nested(PersonSchema)
    task = fields.Integer(allow_none=True)
    text = fields.String(metadata=about("Markdown; empty once it is removed."))
    removed = fields.Boolean()


class ReportStepSchema(Answer):
    node = fields.String()
    title = fields.String()
    open = fields.Integer()
    late = fields.Integer()
    failed = fields.Integer()
    oldest = fields.DateTime(allow_none=True)


class ReportSchema(Answer):
    flow = fields.String()
    since = fields.Date(allow_none=True)
    until = fields.Date(allow_none=True)
    started = fields.Integer()
    finished = fields.Integer()
    states = fields.Dict(keys=fields.String(), values=fields.Integer())
    steps = fields.List(fields.Nested(ReportStepSchema))


class RoleSchema(Answer):
    name = fields.String()
    permissions = fields.List(fields.String())


class PersonDetailSchema(PersonSchema):
    email = fields.String(allow_none=True)
    active = fields.Boolean()
    superuser = fields.Boolean()
    roles = fields.List(fields.String())
    permissions = fields.List(fields.String())


class CalledSchema(Answer):
    process = fields.Integer(allow_none=True)


class _OcelThing(Answer):
    id = fields.String()
    type = fields.String()
    attributes = fields.List(fields.Dict())
    relationships = fields.List(fields.Dict(keys=fields.String(), values=fields.String()))


class OcelEventSchema(_OcelThing):
    time = fields.String()


class OcelObjectSchema(_OcelThing):
    """A process, a task or a person."""


class OcelTypeSchema(Answer):
    """A kind of events or objects."""

    name = fields.String()
    attributes = fields.List(fields.Dict(keys=fields.String(), values=fields.String()))


class OcelSchema(Answer):
    """A log as of OCEL 2.0."""

    event_types = fields.List(fields.Nested(OcelTypeSchema), data_key="eventTypes")
    object_types = fields.List(fields.Nested(OcelTypeSchema), data_key="objectTypes")
    events = fields.List(fields.Nested(OcelEventSchema))
    objects = fields.List(fields.Nested(OcelObjectSchema))


@cache
def page_of(schema: type[Schema]) -> type[Schema]:
    """The schema of a page of a list."""
    made: Any = Answer.from_dict(
        {
            "items": fields.List(fields.Nested(schema)),
            "next": fields.String(
                allow_none=True, metadata=about("What `after` asks for the next page; null on the last one.")
            ),
        },
        name=schema.__name__.removesuffix("Schema") + "PageSchema",
    )
    return made  # type: ignore[no-any-return]
