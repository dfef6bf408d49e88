"""Files that were uploaded: their names, their links, and the download for whoever may see the process.

A file in the storage has the id of its row. One in a document or a column has the id `<process>-<path>`, such as
`12-scan`, `12-lines.0.offer` or `12-artifact.photo`. What a column of bytes cannot keep of it, its name and type, is
kept in the process's document under `_files`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any, NamedTuple

from flask import Blueprint, Response, abort, send_file, url_for
from sqlalchemy import Text, cast, select

from portal import storage
from portal.engine import permissions, visibility
from portal.jsonstore import (
    Binary,
    BinaryField,
    EmbeddedField,
    EmbeddedListField,
    File,
    FileField,
    fields_of,
    files_of,
)
from portal.jsonstore.place import look_up
from portal.language import gettext as _
from portal.models import Process, StoredFile, db

from .accounts.sign_in import require_login
from .display.values import own_columns
from .forms.uploads import clean_name, clean_type
from .layout import me
from .limits import size_words
from .lookups import process_or_refuse
from .reads import note_read
from .urls import to_id

blueprint = Blueprint("files", __name__)
blueprint.before_request(require_login)

#: where the names of files in columns are
KEPT = "_files"
_STORED = re.compile(r"\d{8}-[0-9a-f]{32}", re.ASCII)
_ID = re.compile(r"(\d{1,19})-([^/]+)", re.ASCII)


class Link(NamedTuple):
    """A file for people; without an address for who may not open it."""

    name: str
    type: str
    size: str
    url: str | None
    #: the address of the picture that it is, where it can be shown
    preview: str | None = None

    def __str__(self) -> str:
        return f"{self.name} ({self.size})"


class Files:
    """The files of a process, or of something in it."""

    def __init__(self, process: Any, path: tuple[str, ...] = (), *, visible: bool = True) -> None:
        self.process, self.path, self.visible = process, path, visible

    def within(self, *names: str) -> Files:
        return Files(self.process, (*self.path, *names), visible=self.visible)

    def link(self, content: bytes, *names: str) -> Link:
        path = (*self.path, *names)
        found = named(self.process, path, content)
        url = (
            url_for("portal.files.download", file_id=f"{self.process.id}-{'.'.join(path)}")
            if self.visible
            else None
        )
        return Link(found.name, found.type, size_words(len(content)), url)

    def stored(self, file: File) -> Link:
        """The link of a file in the storage."""
        url = preview = None
        if self.visible:
            url = url_for("portal.files.download", file_id=file.id)
            preview = url_for("portal.files.preview", file_id=file.id) if file.is_image else None
        return Link(file.name, file.type, size_words(file.size), url, preview)

    def nested(self, field: Any, value: Any) -> Iterator[tuple[str, Link]]:
        """The files in embedded documents, each with the label that leads to it."""
        places: list[tuple[str, Files, Any]] = []
        if isinstance(field, EmbeddedField) and value is not None:
            places = [(field.label, self.within(field.name), value)]
        elif isinstance(field, EmbeddedListField):
            rows = enumerate(value or ())
            places = [(f"{field.label} {n + 1}", self.within(field.name, str(n)), each) for n, each in rows]
        for label, place, part in places:
            for name, inner in fields_of(type(part)).items():
                content = getattr(part, name)
                if isinstance(inner, BinaryField) and content is not None:
                    yield f"{label}: {inner.label}", place.link(content, name)
                if isinstance(inner, FileField):
                    for file in files_of(content):
                        yield f"{label}: {inner.label}", place.stored(file)
                for words, link in place.nested(inner, content):
                    yield f"{label}: {words}", link


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


def named(process: Any, path: tuple[str, ...], content: bytes) -> Binary:
    """A content with its name and type, as far as they were kept."""
    if isinstance(content, Binary):
        return Binary(content, clean_name(content.name, path[-1]), clean_type(content.type))
    kept = ((process.data or {}).get(KEPT) or {}).get(".".join(path)) or {}
    if kept.get("size") != len(content):  # somebody has written another one into the column
        kept = {}
    return Binary(content, clean_name(kept.get("name"), path[-1]), clean_type(kept.get("type")))


def remember_files(form: Any, process: Any, model: type) -> None:
    """Keep the names and types of files whose contents go into columns."""
    place = "" if issubclass(model, Process) else "artifact."
    for name, field in form._fields.items():
        file = field.data
        if isinstance(file, Binary) and name not in fields_of(model):
            kept = (process.data or {}).get(KEPT) or {}
            told = {"name": file.name, "type": file.type, "size": len(file)}
            process.data[KEPT] = {**kept, f"{place}{name}": told}


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
