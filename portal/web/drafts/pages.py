"""Where our script saves what is typed, and where a draft is discarded."""

from __future__ import annotations

from flask import Blueprint, Response, abort, jsonify, request
from werkzeug.wrappers import Response as BaseResponse

from portal.engine import drafts as stored
from portal.engine import start_keys
from portal.models import db

from ..accounts.sign_in import require_login
from ..layout import me
from ..lookups import task_or_refuse
from ..tasks.start import key_of, start_or_refuse
from ..urls import see_other
from . import kept

blueprint = Blueprint("drafts", __name__)
blueprint.before_request(require_login)


@blueprint.post("/tasks/<int:task_id>/draft")
def of_task(task_id: int) -> BaseResponse:
    """Save or discard the draft of a task's form. Whoever has lost the task may still save what they typed."""
    task = task_or_refuse(task_id)
    late = task.status == "DONE" and task.owner_id == me().id  # a save that was overtaken by the form itself
    return _answer(late)


@blueprint.post("/flows/<label>/start/<name>/draft")
def of_start(label: str, name: str) -> BaseResponse:
    """Save or discard the draft of a start form."""
    start_or_refuse(label, name)
    key = key_of(label, name)
    return _answer(key is not None and start_keys.find(db.session(), me().id, key) is not None)


def _answer(late: bool) -> BaseResponse:
    where, user_id = kept.place(), me().id
    if where is None:
        abort(404, "There is no such form.")
    if "discard" in request.form:
        stored.discard(db.session(), user_id, where.path)
        return see_other(where.path)
    if late:
        return _said("Already done: there is nothing to save.", 409)
    words = kept.keep()
    code = {kept.KEPT: 200, kept.TOO_LONG: 413}.get(words, 422)
    return _said("" if code == 200 else words, code)


def _said(words: str, code: int) -> Response:
    answer = jsonify({"saved": code == 200, "text": words})
    answer.status_code = code
    return answer
