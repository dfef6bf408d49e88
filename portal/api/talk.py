"""Comments and files of a process."""

from __future__ import annotations

from typing import Any

from flask import url_for
from marshmallow import Schema, fields
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as BaseResponse

from portal import storage
from portal.engine import comments, search_text
from portal.engine.transaction import transaction, wake
from portal.jsonstore import check_text
from portal.models import Comment, Process, StoredFile, Task, User, db
from portal.web import downloads
from portal.web.forms.uploads import clean_name, kind_of
from portal.web.layout import me
from portal.web.lookups import process_or_refuse
from portal.web.problems import Invalid
from portal.web.urls import to_id

from . import representations
from .bodies import CommentBody, PageQuery
from .lists import cursor, keyed
from .processes import once_on
from .resource import Blueprint, needs, page, reply
from .schemas import CommentSchema, FileDetailSchema, page_of

blueprint = Blueprint("talk", __name__)
COMMENTS, FILES = page_of(CommentSchema), page_of(FileDetailSchema)
#: bytes that tell the type of a file
_HEAD = 64


class FileForm(Schema):
    file = fields.Raw(metadata={"type": "string", "format": "binary"}, required=True)


@blueprint.route("/processes/<int:process_id>/comments", tags=["Processes"])
@needs("read")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, COMMENTS)
def said(query: dict[str, Any], process_id: int) -> BaseResponse:
    """What was said of a process, from its beginning."""
    process_or_refuse(process_id)
    wanted = (
        select(Comment)
        .where(Comment.process_id == process_id, Comment.id > cursor(query["after"]))
        .options(joinedload(Comment.author).lazyload(User.roles))
    )
    found, after = keyed(wanted, Comment.id, query["limit"])
    return page(COMMENTS(), [_comment(each) for each in found], after)


@blueprint.route("/processes/<int:process_id>/comments", methods=["POST"], tags=["Processes"])
@needs("work", once=True, match=True)
@blueprint.arguments(CommentBody)
@blueprint.response(201, CommentSchema)
def say(body: dict[str, Any], process_id: int) -> BaseResponse:
    """Say something of a process, or of one task of it. `@name` tells somebody."""
    process_or_refuse(process_id)
    try:
        text = check_text(body["text"]).replace("\r\n", "\n").strip()
    except ValueError as error:
        raise Invalid({"text": [str(error)]}) from error
    if not text:
        raise Invalid({"text": ["There is no text in this comment."]})
    return once_on(process_id, lambda: _say(process_id, text, body.get("task")))


def _say(process_id: int, text: str, task: int | None) -> BaseResponse:
    with transaction(db.session(), me().id, process=process_id):
        if task is not None and not _is_of(process_id, task):
            raise Invalid({"task": ["The process has no such task."]})
        number = comments.add(db.session(), process_id, me().id, text, task).comment_id
    wake()
    return reply(CommentSchema(), _comment(db.session.get_one(Comment, number)), 201)


def _is_of(process_id: int, task: int) -> bool:
    number = to_id(task)
    found = None if number is None else db.session.get(Task, number)
    return found is not None and found.process_id == process_id


def _comment(found: Comment) -> dict[str, Any]:
    return {
        "id": found.id,
        "created": found.created,
        "author": representations.person(found.author),
        "task": found.task_id,
        "text": found.text,
        "removed": found.removed is not None,
    }


@blueprint.route("/processes/<int:process_id>/files", tags=["Processes"])
@needs("read")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, FILES)
def attached(query: dict[str, Any], process_id: int) -> BaseResponse:
    """The files that people have attached to a process. Those of its fields are in its data."""
    process_or_refuse(process_id)
    after = query["after"].replace("\0", "")[:48]
    wanted = (
        select(StoredFile)
        .where(StoredFile.process_id == process_id, StoredFile.field.is_(None), StoredFile.id > after)
        .options(joinedload(StoredFile.user).lazyload(User.roles))
    )
    found, behind = keyed(wanted, StoredFile.id, query["limit"])
    return page(FILES(), [_file(each) for each in found], behind)


@blueprint.route("/processes/<int:process_id>/files", methods=["POST"], tags=["Processes"])
@needs("work", once=True, match=True)
@blueprint.arguments(FileForm, location="files")
@blueprint.response(201, FileDetailSchema)
def attach(body: dict[str, Any], process_id: int) -> BaseResponse:
    """Attach a file to a process: as `file` of a form (`multipart/form-data`)."""
    process_or_refuse(process_id)
    upload = body["file"]
    if not upload.filename:
        raise Invalid({"file": ["Choose a file."]})
    return once_on(process_id, lambda: _attach(process_id, upload))


def _attach(process_id: int, upload: FileStorage) -> BaseResponse:
    upload.stream.seek(0)
    head = upload.stream.read(_HEAD)
    upload.stream.seek(0)
    name = clean_name(upload.filename)
    with transaction(db.session(), me().id, process=process_id):
        session = db.session()
        process = session.get_one(Process, process_id)
        kind = kind_of(name, upload.mimetype, head)
        row = storage.store(session, upload.stream, name=name, type=kind, user=me(), process=process)
        session.flush()
        key = row.id
        search_text.keep_attached(session, process)
    row = db.session.get_one(StoredFile, key)
    return reply(FileDetailSchema(), _file(row), 201)


def _file(row: StoredFile) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "type": row.type,
        "size": row.size,
        "created": row.created,
        "user": representations.person(row.user),
        "url": url_for("portal.api.talk.download", file_id=row.id),
    }


@blueprint.route("/files/<file_id>", tags=["Processes"])
@needs("read")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/octet-stream")
def download(file_id: str) -> BaseResponse:
    """A file of a process that one may see: attached to it, or in one of its fields."""
    return downloads.download(file_id)
