"""What the API is sent, bodies and query strings, as marshmallow schemas that check it and describe it."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from portal.engine.comments import LONGEST

from .schemas import about

#: characters of a reason
LONGEST_REASON = 2000


class PageQuery(Schema):
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 200))
    after = fields.String(load_default="", metadata=about("`next` of the page before."))


class ListQuery(PageQuery):
    q = fields.String(metadata=about("A number, or words."))
    flow = fields.String()
    version = fields.String(
        metadata=about("With `flow`: a fingerprint or its beginning, or `old` for all but the present one.")
    )
    step = fields.String()
    person = fields.String(metadata=about("A user name: whose task, or who started the process."))
    state = fields.String()
    due = fields.String(metadata=about("`late`, `today`, `week` or `none`."))
    since = fields.String(metadata=about("A date, included."))
    until = fields.String(metadata=about("A date, included."))
    priority = fields.String()
    sort = fields.String()
    view = fields.String(metadata=about("The number of a saved view of the caller's."))


class TaskListQuery(ListQuery):
    list = fields.String(
        load_default="tasks",
        validate=validate.OneOf(("tasks", "inbox", "queue", "archive")),
        metadata=about("Every open task that one may see, or one of the caller's own lists."),
    )


class ProcessListQuery(ListQuery):
    mine = fields.Boolean(load_default=False, metadata=about("Only what the caller has started."))


class PeopleQuery(PageQuery):
    q = fields.String(load_default="", metadata=about("The beginning of a name."))


class ReportQuery(Schema):
    since = fields.Date(load_default=None)
    until = fields.Date(load_default=None)


class EventQuery(PageQuery):
    flow = fields.String(load_default="")


class LogQuery(EventQuery):
    limit = fields.Integer(load_default=1000, validate=validate.Range(1, 5000))


class _ReasonBody(Schema):
    reason = fields.String(
        validate=validate.Length(max=LONGEST_REASON), metadata=about("Kept in the history.")
    )


class StartBody(Schema):
    data = fields.Dict(load_default=dict, metadata=about("As the start's `schema` has it."))


class TaskActionBody(_ReasonBody):
    data = fields.Dict(metadata=about("Of `execute`: as the task's `schema` has it."))
    user = fields.String(metadata=about("Of `assign` and `reassign`: a user name."))
    to = fields.String(metadata=about("Of `move`: the name of a node."))
    until = fields.AwareDateTime(allow_none=True, metadata=about("Of `snooze`: until when; null ends it."))


class ProcessActionBody(_ReasonBody):
    """An action needs no more."""


class DataBody(_ReasonBody):
    data = fields.Dict(required=True, metadata=about("New values by field."))


class ItemBody(_ReasonBody):
    task = fields.Integer(required=True, metadata=about("The id of the step that runs once for each item."))
    item = fields.Raw(required=True, metadata=about("As the others are: of a split's branch an object."))
    branch = fields.String(
        metadata=about("The node with which the branch of a split begins, where several have items.")
    )


class CommentBody(Schema):
    text = fields.String(required=True, validate=validate.Length(1, LONGEST))
    task = fields.Integer(allow_none=True)


class MessageBody(Schema):
    process = fields.Integer(
        allow_none=True, metadata=about("The receiver; of a start handle there is none.")
    )
    data = fields.Dict(load_default=dict, metadata=about("The keywords of the function."))


class HandleBody(MessageBody):
    where = fields.Dict(
        metadata=about(
            "Of a message catch: names the receiver by values of its fields, instead of `process`."
        )
    )


#: milliseconds: a day, and a year
_DAY, _YEAR = 86_400_000, 31_536_000_000


def _milliseconds(least: int, most: int, description: str, **options: Any) -> Any:
    within = validate.Range(least, most)
    said = about(f"In milliseconds. {description}")
    return fields.Integer(strict=True, validate=within, metadata=said, **options)


class _ProgramBody(Schema):
    worker_id = fields.String(
        required=True,
        validate=validate.Length(1, 255),
        metadata=about("What the program calls itself; another one for each of its threads."),
    )


class ExternalTaskQuery(PageQuery):
    topic = fields.String(load_default="")


class TopicBody(Schema):
    topic_name = fields.String(required=True, validate=validate.Length(1, 150))
    lock_duration = _milliseconds(1000, _DAY, "How long nobody else gets the task.", required=True)


class FetchBody(_ProgramBody):
    max_tasks = fields.Integer(strict=True, load_default=10, validate=validate.Range(1, 100))
    topics = fields.List(fields.Nested(TopicBody), required=True, validate=validate.Length(1, 50))


class LockBody(_ProgramBody):
    attempt = fields.Integer(
        strict=True, metadata=about("Of the lock, as it was fetched: refused when it is over.")
    )


class CompleteBody(LockBody):
    data = fields.Dict(load_default=dict, metadata=about("What came of the work, by field."))


class FailureBody(LockBody):
    error_message = fields.String(load_default="", validate=validate.Length(max=2000))
    error_details = fields.String(load_default="", validate=validate.Length(max=50_000))
    retries = fields.Integer(
        strict=True,
        validate=validate.Range(0, 1000),
        metadata=about("How many tries are left; as the flow says if it is left out."),
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
