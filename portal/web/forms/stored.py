"""The input of files whose bytes are in the storage. An upload is kept as it comes, whatever becomes of its form."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any, NamedTuple

import wtforms
from flask import has_request_context, request
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from wtforms import widgets
from wtforms.utils import unset_value

from portal import storage
from portal.engine.actions import store_first
from portal.jsonstore import EmbeddedField, EmbeddedListField, File, FileField, fields_of, files_of
from portal.language import gettext as _
from portal.models import StoredFile, db

from ..limits import size_words
from .inputs import outermost
from .uploads import clean_name, kind_of

#: where the request has what was wrong with uploads that were not kept, by the names of their inputs
_REFUSED = "portal.refused_uploads"


#: so many ids of files are looked up that a form sends; more than any field takes
_MOST_IDS = 1000


class StoredFileField(wtforms.Field):
    """Files of a `FileField`: those that are kept, by their ids, and those that are sent.

    The inputs of a field `receipts` are `receipts` (uploads), `receipts-kept` (ids), `receipts-remove` (ids that are
    taken out) and `receipts-files`, which says that they were in the form.
    """

    widget = widgets.FileInput()

    def __init__(self, *args: Any, field: FileField[Any, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.field = field
        self.multiple = field.multiple
        self.widget = widgets.FileInput(multiple=field.multiple)
        #: rows that wait for this form to be accepted
        self.waiting: dict[str, StoredFile] = {}

    @property
    def kept_name(self) -> str:
        return f"{self.name}-kept"

    @property
    def removal(self) -> str:
        return f"{self.name}-remove"

    @property
    def marker(self) -> str:
        """The name of an input that says that the files were in the form, should none of them be left."""
        return f"{self.name}-files"

    @property
    def accept(self) -> str:
        return ",".join(self.field.types)

    @property
    def limit(self) -> str:
        return "" if self.field.max_size is None else size_words(self.field.max_size)

    @property
    def files(self) -> list[File]:
        return files_of(self.data)

    def _value(self) -> bool:
        return False  # a browser takes no content for a file input

    def process(self, formdata: Any, data: Any = unset_value, extra_filters: Any = None) -> None:
        super().process(None, data, extra_filters)
        if formdata is None:
            return
        stored = files_of(self.object_data)
        if self.marker in formdata or self.kept_name in formdata:
            gone = set(formdata.getlist(self.removal))
            wanted = [key for key in dict.fromkeys(formdata.getlist(self.kept_name)) if key not in gone]
            stored = self._files_of(wanted, stored)
        uploads = [
            each for each in formdata.getlist(self.name) if isinstance(each, FileStorage) and each.filename
        ]
        new = [file for upload in uploads if (file := self._take(upload)) is not None]
        self.process_errors = [*self.process_errors, *_refused().get(self.name, ())]
        if not self.multiple:
            self.data = next(iter([*reversed(new), *reversed(stored)]), None)
        else:
            self.data = [*stored, *new]

    def _files_of(self, keys: list[str], stored: list[File]) -> list[File]:
        """The files with these ids: in the field already, waiting for this person's form, or the process's."""
        known = {file.id: file for file in stored}
        lacking = [str(key)[:48] for key in keys if key not in known][:_MOST_IDS]
        if lacking:
            with db.session.no_autoflush:
                for row in db.session.scalars(select(StoredFile).where(StoredFile.id.in_(lacking))):
                    if self._is_for_this_form(row):
                        self.waiting[row.id] = row
                        known[row.id] = storage.as_value(row)
        return [known[key] for key in keys if key in known]

    def _is_for_this_form(self, row: StoredFile) -> bool:
        activation = getattr(outermost(self).meta, "activation", None)
        if activation is None:
            return False
        if row.process_id is not None:
            return bool(row.process_id == activation.process.id)
        return row.pending and (row.user_id is None or row.user_id == getattr(activation.user, "id", None))

    def _take(self, upload: FileStorage) -> File | None:
        """Keep an upload in the transaction of the form."""
        user = getattr(getattr(outermost(self).meta, "activation", None), "user", None)
        row, fault = keep(upload, self.field, self.name, user)
        if row is None:
            self.process_errors = [*self.process_errors, fault]
            return None
        self.waiting[row.id] = row
        return storage.as_value(row)


def keep(
    upload: FileStorage, field: FileField[Any, Any], name: str, user: Any
) -> tuple[StoredFile | None, str]:
    """Put an upload into the storage, its row into the session; or say why it is not taken.

    Args:
        name: of the input.
    """
    with closing(upload):
        return _keep(upload, field, name, user)


def _keep(
    upload: FileStorage, field: FileField[Any, Any], name: str, user: Any
) -> tuple[StoredFile | None, str]:
    called = clean_name(upload.filename)
    head = upload.stream.read(16)
    size = upload.stream.seek(0, 2)
    upload.stream.seek(0)
    kind = kind_of(called, upload.mimetype, head)
    if field.max_size is not None and size > field.max_size:
        limit = size_words(field.max_size)
        return None, _(
            "“%(name)s” is too large: a file has at most %(limit)s here.", name=called, limit=limit
        )
    if not field.takes(kind):
        wanted = types_in_words(field.types)
        return None, _("“%(name)s” is of another type. Possible are: %(types)s.", name=called, types=wanted)
    row = storage.store(db.session(), upload.stream, name=called, type=kind, user=user, field=name[:255])
    return row, ""


class Received(NamedTuple):
    """What became of the uploads of a request, by the names of their inputs."""

    kept: dict[str, list[File]]
    #: why others were not taken
    refused: dict[str, list[str]]


def types_in_words(types: tuple[str, ...]) -> str:
    """Types of files for people: `PDF, images`."""
    groups = {"image": _("images"), "text": _("texts"), "audio": _("sounds"), "video": _("films")}
    words = []
    for each in types:
        group, _slash, kind = each.partition("/")
        ending = kind.rpartition(".")[2].removeprefix("x-")
        named = {"wordprocessingml.document": "DOCX", "spreadsheetml.sheet": "XLSX"}
        full = next((word for key, word in named.items() if kind.endswith(key)), ending.upper())
        words.append(groups.get(group, group) if kind == "*" else full)
    return ", ".join(words)


def receive(model: type, user: Any) -> Received:
    """Keep the uploads of a request for the fields of this class, ahead of the lock under which its form is judged.

    They are in the form's data by their ids from then on, and so in a draft of it; what is not taken waits as an error
    for its input.

    Args:
        model: the class of the object that the form is for.
    """
    wanted = [(name, upload) for name, upload in request.files.items(multi=True) if upload.filename]
    found = [
        (name, upload, field) for name, upload in wanted if (field := file_field_at(model, name)) is not None
    ]
    kept: dict[str, list[File]] = {}
    if not found:
        return Received(kept, _refused())
    session, sent = db.session(), request.form.copy()
    session.rollback()
    session.connection(execution_options={"writes": True})
    for name, upload, field in found:
        row, fault = keep(upload, field, name, user)
        if row is None:
            _refused().setdefault(name, []).append(fault)
            continue
        if not field.multiple:
            sent.setlist(f"{name}-kept", [])
        sent.add(f"{name}-kept", row.id)
        kept.setdefault(name, []).append(storage.as_value(row))
    session.commit()
    request.form = type(request.form)(sent)
    names = {name for name, _upload, _field in found}
    rest = [pair for pair in request.files.items(multi=True) if pair[0] not in names]
    request.files = type(request.files)(rest)
    return Received(kept, _refused())


def _refused() -> dict[str, list[str]]:
    found: dict[str, list[str]] = request.environ.setdefault(_REFUSED, {}) if has_request_context() else {}
    return found


def file_field_at(model: type, name: str) -> FileField[Any, Any] | None:
    """The field of an input's name, such as `receipts` or `lines-0-receipt`."""
    here, parts = model, name.split("-")
    while parts:
        field = fields_of(here).get(parts.pop(0))
        if isinstance(field, FileField):
            return field if not parts else None
        if isinstance(field, EmbeddedListField) and parts:
            parts.pop(0)
        elif not isinstance(field, EmbeddedField):
            return None
        here = field.schema
    return None


def attach_files(form: Any, activation: Any) -> None:
    """Give the files of a form that is accepted to its process, in the same transaction."""
    rows = [
        field.waiting[file.id] for field in _inputs(form) for file in field.files if file.id in field.waiting
    ]
    if rows:
        store_first(db.session(), activation)
    for row in rows:
        if row.process_id is None:
            storage.attach(row, activation.process, activation.task)


def _inputs(form: Any) -> Iterator[StoredFileField]:
    for field in form._fields.values():
        if isinstance(field, StoredFileField):
            yield field
        elif isinstance(field, wtforms.FormField):
            yield from _inputs(field.form)
        elif isinstance(field, wtforms.FieldList):
            for entry in field.entries:
                yield from _inputs(entry.form)
