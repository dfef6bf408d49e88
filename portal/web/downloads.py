"""Downloads of files, for whoever may see the process."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

from flask import Blueprint, Response, abort, send_file
from sqlalchemy import Text, cast, select

from portal import storage
from portal.engine import permissions, visibility
from portal.jsonstore import BinaryField, EmbeddedField, EmbeddedListField, fields_of
from portal.jsonstore.place import look_up
from portal.language import gettext as _
from portal.models import Process, StoredFile, db

from .accounts.sign_in import require_login
from .display.values import own_columns
from .files import named
from .layout import me
from .lookups import process_or_refuse
from .reads import note_read
from .urls import to_id

blueprint = Blueprint("files", __name__)
blueprint.before_request(require_login)

_STORED = re.compile(r"\d{8}-[0-9a-f]{32}", re.ASCII)
_ID = re.compile(r"(\d{1,19})-([^/]+)", re.ASCII)


@blueprint.get("/files/<file_id>")
def download(file_id: str) -> Response:
    """A file as an attachment, whatever it says that it is."""
    if _STORED.fullmatch(file_id):
        row = stored_or_refuse(file_id)
        return _answer(storage.current().open(file_id), row)
    found = _ID.fullmatch(file_id)
    number = to_id(found[1]) if found else None
    if found is None or number is None:
        abort(404, _("There is no such file."))
    process = process_or_refuse(number)
    path = tuple(found[2].split("."))
    note_read(process, file=file_id)
    content = _content(process, path)
    place, name = (process.artifact, path[1:2]) if path[0] == "artifact" else (process, path[:1])
    if content is not None and {*name} & visibility.hidden_fields(me(), place):
        abort(403, _("You may not see this field."))
    if content is None:
        abort(404, _("There is no such file."))
    file = named(process, path, content)
    return _answer(BytesIO(file), file)


@blueprint.get("/files/<file_id>/preview")
def preview(file_id: str) -> Response:
    """A picture to be shown on a page: only of a type that browsers show without running anything in it."""
    if not _STORED.fullmatch(file_id):
        abort(404, _("There is no such file."))
    row = stored_or_refuse(file_id)
    if not storage.as_value(row).is_image:
        abort(404, _("There is no picture of this file."))
    return _answer(storage.current().open(file_id), row, attached=False)


def stored_or_refuse(file_id: str) -> StoredFile:
    """A file in the storage that the person may see: their process's, or one that waits in their draft."""
    row = db.session.get(StoredFile, file_id)
    if row is None or (row.process_id is None and not (row.pending and row.user_id == me().id)):
        abort(404, _("There is no such file."))
    if row.process_id is not None:
        handed_on = _handed_on(row)
        if handed_on is not None:
            note_read(handed_on, file=file_id)
            return row
        process = process_or_refuse(row.process_id)
        field = (row.field or "").partition("-")[0]
        places = [each for each in (process, process.artifact) if each is not None]
        if any(field in visibility.hidden_fields(me(), place) for place in places):
            abort(403, _("You may not see this field."))
        note_read(process, file=file_id)
    return row


def _handed_on(row: StoredFile) -> Process | None:
    """A process that a file was handed to, by the one that called it or that it was called by, where the person may see
    that one and not the file's own."""
    own = db.session.get_one(Process, row.process_id)
    if permissions.may_see_process(db.session(), me(), own):
        return None
    root = own.root_id or own.id
    kin = select(Process).where(
        (Process.id == root) | (Process.root_id == root),
        Process.id != own.id,
        cast(Process.data, Text).contains(row.id),
    )
    for process in db.session.scalars(kin).unique():
        if permissions.may_see_process(db.session(), me(), process):
            fields = fields_of(type(process)).items()
            names = {name for name, field in fields if row.id in str(look_up(process.data, field.path))}
            if names - visibility.hidden_fields(me(), process):
                return process
    return None


def _answer(content: Any, file: Any, attached: bool = True) -> Response:
    answer = send_file(content, mimetype=file.type, as_attachment=attached, download_name=file.name)
    if isinstance(file, StoredFile):
        answer.content_length = file.size
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def _content(process: Any, path: tuple[str, ...]) -> bytes | None:
    """What a path leads to, if it is a file."""
    here: Any = process
    names = list(path)
    if names[0] == "artifact":
        here = process.artifact
        names.pop(0)
    while names and here is not None:
        name = names.pop(0)
        field = fields_of(type(here)).get(name)
        if field is None:
            mapped = not names and name in own_columns(type(here))
            value = getattr(here, name) if mapped else None
            return value if isinstance(value, bytes) else None
        here = getattr(here, name)
        if isinstance(field, BinaryField):
            return here if not names else None
        if isinstance(field, EmbeddedListField):
            index = names.pop(0) if names else ""
            here = (
                here[int(index)]
                if index.isdecimal() and len(index) < 7 and int(index) < len(here or ())
                else None
            )
        elif not isinstance(field, EmbeddedField):
            return None
    return None
