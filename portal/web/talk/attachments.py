"""Files that people attach to a process as a whole."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, request, url_for
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as BaseResponse

from portal import storage
from portal.engine import permissions, search_text
from portal.engine.transaction import transaction
from portal.language import gettext as _
from portal.language import ngettext
from portal.models import Process, StoredFile, User, db

from ..accounts.sign_in import require_login
from ..files import Files, Link
from ..forms.uploads import clean_name, kind_of
from ..layout import me
from ..lookups import process_or_refuse
from ..messages import flash
from ..urls import safe_path, see_other

blueprint = Blueprint("attachments", __name__)
blueprint.before_request(require_login)

#: files of one form
_MOST = 20
#: bytes that tell the type of a file
_HEAD = 64


@blueprint.post("/processes/<int:process_id>/files")
def add(process_id: int) -> BaseResponse:
    process = process_or_refuse(process_id)
    sent = [each for each in request.files.getlist("file") if each.filename]
    if not sent:
        abort(422, _("Choose a file."))
    if len(sent) > _MOST:
        abort(422, _("At most %(number)s files at a time.", number=_MOST))
    number, user_id = process.id, me().id
    with transaction(db.session(), user_id, process=number):
        session = db.session()
        found, user = session.get_one(Process, number), session.get_one(User, user_id)
        for each in sent:
            name = clean_name(each.filename)
            kind = kind_of(name, each.mimetype, _head(each))
            storage.store(session, each.stream, name=name, type=kind, user=user, process=found)
        search_text.keep_attached(session, found)
    flash(ngettext("%(number)s file attached.", "%(number)s files attached.", len(sent)), "success")
    return see_other(_back(number))


@blueprint.post("/processes/<int:process_id>/files/<file_id>/remove")
def remove(process_id: int, file_id: str) -> BaseResponse:
    """Take a file from a process: who has attached it may, and a manager. Maintenance removes its bytes."""
    process = process_or_refuse(process_id)
    row = db.session.get(StoredFile, file_id[:48].replace("\0", ""))
    if row is None or row.process_id != process.id or row.field is not None:
        abort(404, _("There is no such file."))
    if not may_detach(row, process):
        abort(403, _("Only the person who attached a file, or a manager of the flow, may remove it."))
    number, name, key = process.id, row.name, row.id
    with transaction(db.session(), me().id, process=number):
        session = db.session()
        session.get_one(StoredFile, key).process_id = None
        search_text.keep_attached(session, session.get_one(Process, number))
    flash(_("“%(name)s” is removed.", name=name), "success")
    return see_other(_back(number))


def may_detach(row: StoredFile, process: Any) -> bool:
    return row.user_id == me().id or permissions.manages(me(), process)


def link_of(row: StoredFile, process: Any) -> Link:
    return Files(process).stored(storage.as_value(row))


def _head(upload: FileStorage) -> bytes:
    head: bytes = upload.stream.read(_HEAD)
    upload.stream.seek(0)
    return head


def _back(process_id: int) -> str:
    default = url_for("portal.processes.detail", process_id=process_id)
    return f"{safe_path(request.args.get('next'), default).partition('#')[0]}#files"


def helpers() -> dict[str, Any]:
    return {"attached_link": link_of, "may_detach": may_detach}
