"""Saves drafts for our script, and discards them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request
from werkzeug.wrappers import Response as BaseResponse

from portal.engine import actions, start_keys
from portal.engine import drafts as stored
from portal.language import gettext as _
from portal.language import lazy_gettext
from portal.models import db

from ..accounts.sign_in import require_login
from ..forms.stored import Received
from ..forms.templates import stored_link
from ..layout import me
from ..lookups import task_or_refuse
from ..tasks.detail import receive_uploads
from ..tasks.start import key_of, start_or_refuse
from ..urls import see_other
from . import kept

_DONE = lazy_gettext("Already done: there is nothing to save.")

blueprint = Blueprint("drafts", __name__)
blueprint.before_request(require_login)


@blueprint.post("/tasks/<int:task_id>/draft")
def of_task(task_id: int) -> BaseResponse:
    """Save or discard the draft of a task's form. Whoever has lost the task may still save what they typed."""
    task = task_or_refuse(task_id)
    user_id = me().id
    received = receive_uploads(task.node, lambda: actions.reading(db.session(), task, me()))

    def is_done() -> bool:
        db.session.refresh(task, ["status", "owner_id"])
        return task.status == "DONE" and task.owner_id == user_id

    return _answer(is_done, received)


@blueprint.post("/flows/<label>/start/<name>/draft")
def of_start(label: str, name: str) -> BaseResponse:
    """Save or discard the draft of a start form."""
    node = start_or_refuse(label, name)
    received = receive_uploads(node, lambda: actions.reading_start(db.session(), node, me()))
    key, user_id = key_of(label, name), me().id
    return _answer(
        lambda: key is not None and start_keys.find(db.session(), user_id, key) is not None, received
    )


def _answer(is_accepted: Callable[[], bool], received: Received) -> BaseResponse:
    """Save or discard; a save behind its own form brings nothing back, nor one that the form overtakes."""
    where, user_id = kept.place(), me().id
    if where is None:
        abort(404, _("There is no such form."))
    if "discard" in request.form:
        stored.discard(db.session(), user_id, where.path)
        return see_other(kept.form_address())
    if is_accepted():
        return _said(_DONE, 409)
    words = kept.keep()
    if is_accepted():
        stored.discard(db.session(), user_id, where.path)
        return _said(_DONE, 409)
    code = {str(kept.KEPT): 200, str(kept.TOO_LONG): 413}.get(words, 422)
    return _said("" if code == 200 else words, code, received)


def _said(words: str, code: int, received: Received | None = None) -> Response:
    said: dict[str, Any] = {"saved": code == 200, "text": str(words)}
    if received is not None and any(received):
        said["files"] = {
            name: [{"id": each.id, **stored_link(each)._asdict()} for each in files]
            for name, files in received.kept.items()
        }
        said["refused"] = received.refused
    answer = jsonify(said)
    answer.status_code = code
    return answer
