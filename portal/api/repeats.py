"""`Idempotency-Key` and `If-Match`: requests that are sent twice, and changes that are based on an old state.

`Idempotency-Key`: the key, the action and its answer are one transaction. `If-Match`: compared under the lock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from flask import abort, current_app, request
from werkzeug.exceptions import PreconditionFailed, PreconditionRequired
from werkzeug.wrappers import Response as BaseResponse

from portal.engine import answers
from portal.engine.transaction import transaction
from portal.models import db
from portal.web.layout import me

#: characters of a key
LONGEST = 255
#: the headers that are given again with an answer
_KEPT = ("ETag", "Location", "Content-Type")


class _Repeated(Exception):
    """The action was done before."""

    def __init__(self, answer: answers.Answer) -> None:
        self.answer = answer


def once(
    act: Callable[[], BaseResponse],
    *,
    task: int | None = None,
    process: int | None = None,
    state: Callable[[], BaseResponse] | None = None,
    key: str | None = None,
) -> BaseResponse:
    """Act, unless this very request has been answered before.

    Args:
        act: does it, and makes the answer.
        task, process: what is locked; neither for a start.
        state: answers as a GET of the same thing would, for `If-Match`.
        key: makes the request the same as another one, instead of what its header says: of a call by nobody.
    """
    user_id = None if key is not None else me().id
    known = _hashed(key, None) if key is not None else _hashed(_key(), user_id)
    digest = _digest()
    if known is not None and (found := answers.find(db.session(), known)):
        return _again(found, digest)
    condition = request.headers.get("If-Match") if state is not None else None
    if known is None and condition is None:
        return act()
    try:
        with transaction(db.session(), user_id, task=task, process=process):
            if known is not None and (found := answers.claim(db.session(), known, user_id, digest)):
                raise _Repeated(found)
            if condition is not None and state is not None:
                _demand_same(condition, state())
            response = act()
            if known is not None:
                db.session.flush()
                _keep(known, response)
    except _Repeated as repeated:
        return _again(repeated.answer, digest)
    return response


def demand_condition() -> None:
    """Refuse a change that does not say what it changes."""
    if "If-Match" not in request.headers:
        raise PreconditionRequired("Say with If-Match which state you have read: its ETag, or * for any.")


def with_tag(response: BaseResponse) -> BaseResponse:
    """The answer with its ETag; 304 to who has it already."""
    response.add_etag()
    if request.method in ("GET", "HEAD"):
        response.headers["Cache-Control"] = "private, no-cache"
        return response.make_conditional(request)
    return response


def _demand_same(condition: str, now: BaseResponse) -> None:
    tag, _ = now.get_etag()
    wanted = request.if_match
    # who compresses an answer on its way makes its tag a weak one
    if condition.strip() != "*" and not wanted.contains_weak(tag or ""):
        raise PreconditionFailed("It has changed since you read it: read it again.")


def _key() -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not key.strip() or len(key) > LONGEST:
        abort(400, f"An Idempotency-Key has from 1 to {LONGEST} characters.")
    return key


def _hashed(key: str | None, user_id: int | None) -> str | None:
    """A key with whose it is, so that nobody gets another one's answer."""
    if key is None:
        return None
    return hashlib.sha256(f"{user_id or ''}\0{key}".encode(errors="surrogateescape")).hexdigest()


def _digest() -> str:
    """A hash of method, address and body: two requests with the same are the same."""
    parts: list[bytes] = [request.method.encode(), request.full_path.encode(), request.get_data()]
    for name, file in request.files.items(multi=True):
        file.stream.seek(0)
        content = hashlib.file_digest(file.stream, "sha256").digest()  # type: ignore[arg-type]
        file.stream.seek(0)
        parts += [f"{name}\0{file.filename}".encode(errors="replace"), content]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _keep(key: str, response: BaseResponse) -> None:
    headers = {name: response.headers[name] for name in _KEPT if name in response.headers}
    body = response.get_data(as_text=True)
    answers.settle(db.session(), key, response.status_code, headers, body)


def _again(found: answers.Answer, digest: str) -> BaseResponse:
    if found.digest != digest:
        abort(422, "This Idempotency-Key was used for another request.")
    answer: Any = current_app.response_class(found.body, found.status, found.headers)
    answer.headers["Idempotent-Replayed"] = "true"
    return answer  # type: ignore[no-any-return]
