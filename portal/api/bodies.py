"""What the API is sent, bodies and query strings, as marshmallow schemas that check it and describe it."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from portal.engine.comments import LONGEST

#: characters of a reason
LONGEST_REASON = 2000


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
